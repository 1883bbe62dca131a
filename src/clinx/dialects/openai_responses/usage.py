"""The usage object of a response to disjoint buckets, and what of the vendor's tools was used beside tokens.

A detail that is no count, or larger than the whole it is a part of, is not believed: its tokens are charged as plain
input or output. A whole that is no count makes the report worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from clinx.domain.usage import Usage

MAX_COUNT: Final = 2**40
"""More tokens than any exchange can have; a larger report is nonsense."""

_SEARCHES: Final = "web_search_call"


def read_usage(response: object) -> Usage | None:
    """Read the usage of a decoded response, whole or as the last event of a stream carries it.

    Returns:
        The buckets with ``call=1``; None when nothing was reported, all is zero, or a whole is absurd.
    """
    usage = _mapping(_mapping(response).get("usage"))
    prompt, answer = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
    if prompt is None or answer is None or not prompt + answer:
        return None
    details = _mapping(usage.get("input_tokens_details"))
    cached = _part(details, "cached_tokens", prompt)
    written = _part(details, "cache_write_tokens", prompt - cached)
    reasoning = _part(_mapping(usage.get("output_tokens_details")), "reasoning_tokens", answer)
    return Usage(
        input=prompt - cached - written,
        output=answer - reasoning,
        cache_read=cached,
        cache_write=written,
        reasoning=reasoning,
        search=_searches(response),
        call=1,
    )


def _searches(response: object) -> int:
    """Count the calls of the vendor's web search, each of which has its price."""
    output = _mapping(response).get("output")
    items = cast("list[object]", output) if isinstance(output, list) else ()
    return sum(_mapping(item).get("type") == _SEARCHES for item in items)


def _count(value: object) -> int | None:
    """Return a count, 0 for an absent one, None for nonsense."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        return None
    return value


def _part(details: Mapping[str, object], name: str, whole: int) -> int:
    """Return a part of a whole; 0 when it is no count or does not fit."""
    part = _count(details.get(name))
    return part if part is not None and part <= whole else 0


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
