"""The usage object of a response to disjoint buckets, and what of the vendor's tools was used beside tokens.

A detail that is no count, or larger than the whole it is a part of, is not believed: its tokens are charged as plain
input or output. A whole that is no count makes the report worthless.
"""

from __future__ import annotations

from typing import Final

from clinx.dialects.counts import count, part_in
from clinx.dialects.lenient import mapping, sequence
from clinx.domain.usage import Usage

_SEARCHES: Final = "web_search_call"


def read_usage(response: object) -> Usage | None:
    """Read the usage of a decoded response, whole or as the last event of a stream carries it.

    Returns:
        The buckets with ``call=1``; None when nothing was reported, all is zero, or a whole is absurd.
    """
    usage = mapping(mapping(response).get("usage"))
    prompt, answer = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    if prompt is None or answer is None or not prompt + answer:
        return None
    details = mapping(usage.get("input_tokens_details"))
    cached = part_in(details, "cached_tokens", prompt)
    written = part_in(details, "cache_write_tokens", prompt - cached)
    reasoning = part_in(mapping(usage.get("output_tokens_details")), "reasoning_tokens", answer)
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
    items = sequence(mapping(response).get("output"))
    return sum(mapping(item).get("type") == _SEARCHES for item in items)
