"""The report of all of Google's formats to disjoint buckets, and back.

Cached tokens are inside the prompt here, thoughts stand beside the candidates, and what tools brought in beside both.
Modalities are details of a whole. A detail that is no count, or larger than its whole, is not believed: its tokens are
plain ones. A whole that is no count makes the report worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from clinx.dialects.counts import count, part
from clinx.domain.usage import Usage

_MOST_MODALITIES: Final = 32


def read_usage(report: object) -> Usage | None:
    """Read a decoded usage object.

    Returns:
        The buckets with ``call=1``; None when nothing was reported, all is zero, or a whole is absurd.
    """
    if not isinstance(report, dict):
        return None
    usage = cast("Mapping[str, object]", report)
    get = usage.get
    wholes = _wholes(
        get("promptTokenCount"),
        get("toolUsePromptTokenCount"),
        get("candidatesTokenCount"),
        get("thoughtsTokenCount"),
        get("totalTokenCount"),
    )
    if wholes is None:
        return None
    prompt, tools, spoken, thoughts = wholes
    if not prompt + tools + spoken + thoughts:
        return None
    cached = part(usage.get("cachedContentTokenCount"), prompt)
    heard, seen = _modalities(usage.get("promptTokensDetails"), prompt)
    if cached:
        cached_heard, cached_seen = _modalities(usage.get("cacheTokensDetails"), cached)
        heard = min(max(0, heard - cached_heard), prompt - cached)
        seen = min(max(0, seen - cached_seen), prompt - cached - heard)
    voiced, drawn = _modalities(usage.get("candidatesTokensDetails"), spoken)
    return Usage(
        input=prompt - cached - heard - seen + tools,
        output=spoken - voiced - drawn,
        cache_read=cached,
        reasoning=thoughts,
        audio_input=heard,
        audio_output=voiced,
        image_input=seen,
        image_output=drawn,
        call=1,
    )


def write_usage(usage: Usage) -> Mapping[str, object]:
    """Return the usage object that says what the buckets hold."""
    spoken = usage.output + usage.audio_output + usage.image_output
    given = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": spoken,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
        "cachedContentTokenCount": usage.cache_read,
        "thoughtsTokenCount": usage.reasoning,
    }
    always = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
    said: dict[str, object] = {name: count for name, count in given.items() if count or name in always}
    plain = usage.input_tokens - usage.audio_input - usage.image_input
    said["promptTokensDetails"] = _details(plain, usage.audio_input, usage.image_input)
    if usage.audio_output or usage.image_output:
        said["candidatesTokensDetails"] = _details(usage.output, usage.audio_output, usage.image_output)
    return said


def _details(text: int, audio: int, image: int) -> list[Mapping[str, object]]:
    counts = {"TEXT": text, "AUDIO": audio, "IMAGE": image}
    return [{"modality": name, "tokenCount": count} for name, count in counts.items() if count]


def _wholes(
    prompt: object, tools: object, spoken: object, thoughts: object, total: object
) -> tuple[int, int, int, int] | None:
    """Return prompt, results of tools, candidates and thoughts; None if one is no count.

    Where the total is more than their sum, the rest was generated: servers leave out what they do not show.
    """
    found = (count(prompt), count(tools), count(spoken), count(thoughts), count(total))
    if None in found:
        return None
    first, brought, said, thought, whole = cast("tuple[int, int, int, int, int]", found)
    return first, brought, max(said, whole - first - brought - thought), thought


def _modalities(details: object, whole: int) -> tuple[int, int]:
    """Return the audio and the image tokens that are part of a whole."""
    if not isinstance(details, list):
        return 0, 0
    heard = seen = 0
    for detail in cast("list[object]", details)[:_MOST_MODALITIES]:
        if not isinstance(detail, dict):
            continue
        given = cast("Mapping[str, object]", detail)
        tokens = part(given.get("tokenCount"), whole)
        if given.get("modality") == "AUDIO":
            heard += tokens
        elif given.get("modality") == "IMAGE":
            seen += tokens
    return (heard, seen) if heard + seen <= whole else (0, 0)
