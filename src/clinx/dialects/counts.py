"""Counts that upstreams report: believed as far as they can be true.

A detail that is no count, or larger than the whole it is a part of, is not believed: its tokens are charged as plain
ones. A whole that is no count makes a report worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import structs

from clinx.domain.usage import PROMPT_UNITS, Usage

MAX_COUNT: Final = 2**40
"""More tokens than any exchange can have; a larger report is nonsense."""


def count(value: object) -> int | None:
    """Return a count, 0 for an absent one, None for nonsense."""
    if type(value) is int:
        return value if 0 <= value <= MAX_COUNT else None
    return 0 if value is None else None


def part(value: object, whole: int) -> int:
    """Return a part of a whole; 0 when it is no count or does not fit."""
    found = count(value)
    return found if found is not None and found <= whole else 0


def part_in(details: Mapping[str, object], name: str, whole: int) -> int:
    """Return a part of a whole that stands among its details; as `part`."""
    return part(details.get(name), whole)


def larger(kept: Usage | None, report: Usage | None) -> Usage | None:
    """Return the later of two reports on one exchange, but never less than was reported before, in either half.

    Counts are cumulative, so what shrinks is not a count of the whole. Some vendors report the prompt first and the
    answer later; each half is taken where it is larger.
    """
    if kept is None or report is None:
        return kept or report
    prompt = kept if kept.input_tokens > report.input_tokens else report
    answer = kept if kept.output_tokens > report.output_tokens else report
    if prompt is answer:
        return prompt
    return structs.replace(answer, **{unit: prompt.count(unit) for unit in PROMPT_UNITS})
