"""The usage object of OpenAI's format, in all its regional spellings, to disjoint buckets.

The buckets add up to what the upstream reports: prompt buckets to the prompt, answer buckets to the answer. A detail
that is no count, or larger than the whole it is a part of, is not believed: its tokens are charged as plain input or
output. Details that overlap (audio that was cached) give way in the order cached, written, audio, image. A whole that
is no count makes the report worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from clinx.dialects.counts import count, part_in
from clinx.dialects.lenient import mapping
from clinx.domain.usage import Usage


def read_usage(report: object) -> Usage | None:
    """Read a decoded usage object.

    Understood besides OpenAI's own: cached tokens at the top level (``cached_tokens``, ``prompt_cache_hit_tokens``),
    answers that leave out reasoning (the total then exceeds prompt plus completion, and the rest is answer), and a
    total without a prompt (what is no answer is prompt).

    Returns:
        The buckets with ``call=1``; None when nothing was reported, all is zero, or a whole is absurd.
    """
    if not isinstance(report, dict):
        return None
    usage = cast("Mapping[str, object]", report)
    wholes = _wholes(usage)
    if wholes is None or not any(wholes):
        return None
    prompt, answer = wholes
    prompt_details = mapping(usage.get("prompt_tokens_details"))
    cached = max(
        part_in(prompt_details, "cached_tokens", prompt),
        part_in(usage, "prompt_cache_hit_tokens", prompt),
        part_in(usage, "cached_tokens", prompt),
    )
    written = min(part_in(prompt_details, "cache_write_tokens", prompt), prompt - cached)
    heard = min(part_in(prompt_details, "audio_tokens", prompt), prompt - cached - written)
    seen = min(part_in(prompt_details, "image_tokens", prompt), prompt - cached - written - heard)
    answer_details = mapping(usage.get("completion_tokens_details"))
    reasoning = part_in(answer_details, "reasoning_tokens", answer)
    spoken = min(part_in(answer_details, "audio_tokens", answer), answer - reasoning)
    drawn = min(part_in(answer_details, "image_tokens", answer), answer - reasoning - spoken)
    return Usage(
        input=prompt - cached - written - heard - seen,
        output=answer - reasoning - spoken - drawn,
        cache_read=cached,
        cache_write=written,
        reasoning=reasoning,
        audio_input=heard,
        audio_output=spoken,
        image_input=seen,
        image_output=drawn,
        call=1,
    )


def _wholes(usage: Mapping[str, object]) -> tuple[int, int] | None:
    """Return the whole prompt and the whole answer."""
    prompt, answer, total = (count(usage.get(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    if prompt is None or answer is None or total is None:
        return None
    if usage.get("prompt_tokens") is None or not prompt + answer:
        return max(0, total - answer), answer
    return prompt, max(answer, total - prompt)
