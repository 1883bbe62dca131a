"""The usage object of Anthropic's format to disjoint buckets, which it is made of but for one: thoughts.

What is no count is not believed; a part larger than its whole neither. A whole that is no count makes the report
worthless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from msgspec import structs

from clinx.domain.usage import PROMPT_UNITS, Usage

MAX_COUNT: Final = 2**40
"""More tokens than any exchange can have; a larger report is nonsense."""

_BESIDE: Final = ("compaction", "advisor_message")
"""Kinds of iterations that the totals leave out."""
_MOST_ITERATIONS: Final = 1000


def read_usage(report: object) -> Usage | None:
    """Read a decoded usage object, with the iterations that its totals leave out.

    Returns:
        The buckets with ``call=1``; None when nothing was reported, all is zero, or a whole is absurd.
    """
    total = _read(report)
    if total is None:
        return None
    for iteration in _sequence(_mapping(report).get("iterations"))[:_MOST_ITERATIONS]:
        if _mapping(iteration).get("type") in _BESIDE and (part := _read(iteration)) is not None:
            total = Usage(**{name: getattr(total, name) + getattr(part, name) for name in _COUNTED}, call=1)
    return total if total.input_tokens or total.output_tokens else None


def merge(kept: Mapping[str, object], report: object) -> Mapping[str, object]:
    """Return what is known after a later report of a stream: its counts are cumulative, and it may leave some out."""
    return {**kept, **{name: value for name, value in _mapping(report).items() if value is not None}}


def larger(kept: Usage | None, report: Usage | None) -> Usage | None:
    """Return the later of two reports on one exchange, but never less than was reported before, in either half."""
    if kept is None or report is None:
        return kept or report
    prompt = kept if kept.input_tokens > report.input_tokens else report
    answer = kept if kept.output_tokens > report.output_tokens else report
    if prompt is answer:
        return prompt
    return structs.replace(answer, **{unit: prompt.count(unit) for unit in PROMPT_UNITS})


_COUNTED: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "search")


def _read(report: object) -> Usage | None:
    usage = _mapping(report)
    plain, answer = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
    if not usage or plain is None or answer is None:
        return None
    written, hour = _written(usage)
    thoughts = _count(_mapping(usage.get("output_tokens_details")).get("thinking_tokens")) or 0
    thoughts = thoughts if thoughts <= answer else 0
    return Usage(
        input=plain,
        output=answer - thoughts,
        cache_read=_count(usage.get("cache_read_input_tokens")) or 0,
        cache_write=written - hour,
        cache_write_1h=hour,
        reasoning=thoughts,
        search=_count(_mapping(usage.get("server_tool_use")).get("web_search_requests")) or 0,
        call=1,
    )


def _written(usage: Mapping[str, object]) -> tuple[int, int]:
    """Return the tokens written to the cache, and those of them that are kept for an hour."""
    by_life = _mapping(usage.get("cache_creation"))
    short, hour = (_count(by_life.get(f"ephemeral_{life}_input_tokens")) or 0 for life in ("5m", "1h"))
    written = _count(usage.get("cache_creation_input_tokens")) or short + hour
    return written, hour if hour <= written else 0


def _count(value: object) -> int | None:
    """Return a count, 0 for an absent one, None for nonsense."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        return None
    return value


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _sequence(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list) else ()
