"""The usage object of OpenAI's format, in all its regional spellings, to disjoint buckets.

The buckets add up to what the upstream reports: prompt buckets to the prompt, answer buckets to the answer. A detail
that is no count, or larger than the whole it is a part of, is not believed: its tokens are charged as plain input or
output. Details that overlap (audio that was cached) give way in the order cached, written, audio, image. A whole that
is no count makes the report worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from msgspec import structs

from clinx.domain.usage import PROMPT_UNITS, Usage

MAX_COUNT: Final = 2**40
"""More tokens than any exchange can have; a larger report is nonsense."""


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
    prompt_details = _mapping(usage.get("prompt_tokens_details"))
    cached = max(
        _part(prompt_details, "cached_tokens", prompt),
        _part(usage, "prompt_cache_hit_tokens", prompt),
        _part(usage, "cached_tokens", prompt),
    )
    written = min(_part(prompt_details, "cache_write_tokens", prompt), prompt - cached)
    heard = min(_part(prompt_details, "audio_tokens", prompt), prompt - cached - written)
    seen = min(_part(prompt_details, "image_tokens", prompt), prompt - cached - written - heard)
    answer_details = _mapping(usage.get("completion_tokens_details"))
    reasoning = _part(answer_details, "reasoning_tokens", answer)
    spoken = min(_part(answer_details, "audio_tokens", answer), answer - reasoning)
    drawn = min(_part(answer_details, "image_tokens", answer), answer - reasoning - spoken)
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


def larger(kept: Usage | None, report: Usage) -> Usage:
    """Return the later of two reports on one exchange, but never less than was reported before.

    Counts are cumulative, so what shrinks is not a count of the whole. Some vendors report the prompt first and the
    answer later; each half is taken where it is larger.
    """
    if kept is None:
        return report
    prompt = kept if kept.input_tokens > report.input_tokens else report
    answer = kept if kept.output_tokens > report.output_tokens else report
    if prompt is answer:
        return prompt
    return structs.replace(answer, **{unit: prompt.count(unit) for unit in PROMPT_UNITS})


def _wholes(usage: Mapping[str, object]) -> tuple[int, int] | None:
    """Return the whole prompt and the whole answer."""
    prompt, answer, total = (_count(usage.get(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    if prompt is None or answer is None or total is None:
        return None
    if usage.get("prompt_tokens") is None or not prompt + answer:
        return max(0, total - answer), answer
    return prompt, max(answer, total - prompt)


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
