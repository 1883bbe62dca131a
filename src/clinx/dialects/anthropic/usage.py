"""The usage object of Anthropic's format to disjoint buckets, which it is made of but for one: thoughts.

What is no count is not believed; a part larger than its whole neither. A whole that is no count makes the report
worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinx.dialects.counts import count
from clinx.dialects.lenient import mapping, sequence
from clinx.domain.usage import Usage

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
    for iteration in sequence(mapping(report).get("iterations"))[:_MOST_ITERATIONS]:
        if mapping(iteration).get("type") in _BESIDE and (part := _read(iteration)) is not None:
            total = Usage(**{name: getattr(total, name) + getattr(part, name) for name in _COUNTED}, call=1)
    return total if total.input_tokens or total.output_tokens else None


def merge(kept: Mapping[str, object], report: object) -> Mapping[str, object]:
    """Return what is known after a later report of a stream: its counts are cumulative, and it may leave some out."""
    return {**kept, **{name: value for name, value in mapping(report).items() if value is not None}}


_COUNTED: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "search")


def _read(report: object) -> Usage | None:
    usage = mapping(report)
    plain, answer = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    if not usage or plain is None or answer is None:
        return None
    written, hour = _written(usage)
    thoughts = count(mapping(usage.get("output_tokens_details")).get("thinking_tokens")) or 0
    thoughts = thoughts if thoughts <= answer else 0
    return Usage(
        input=plain,
        output=answer - thoughts,
        cache_read=count(usage.get("cache_read_input_tokens")) or 0,
        cache_write=written - hour,
        cache_write_1h=hour,
        reasoning=thoughts,
        search=count(mapping(usage.get("server_tool_use")).get("web_search_requests")) or 0,
        call=1,
    )


def _written(usage: Mapping[str, object]) -> tuple[int, int]:
    """Return the tokens written to the cache, and those of them that are kept for an hour."""
    by_life = mapping(usage.get("cache_creation"))
    short, hour = (count(by_life.get(f"ephemeral_{life}_input_tokens")) or 0 for life in ("5m", "1h"))
    written = count(usage.get("cache_creation_input_tokens")) or short + hour
    return written, hour if hour <= written else 0
