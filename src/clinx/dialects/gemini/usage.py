"""The usage object of Gemini's format to disjoint buckets.

Cached tokens are inside the prompt here, thoughts stand beside the candidates, and what tools brought in beside both.
Modalities are details of a whole. A detail that is no count, or larger than its whole, is not believed: its tokens are
plain ones. A whole that is no count makes the report worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import msgspec
from msgspec import structs

from clinx.dialects import lenient
from clinx.domain.usage import PROMPT_UNITS, Usage

MAX_COUNT: Final = 2**40
"""More tokens than any exchange can have; a larger report is nonsense."""

_MOST_MODALITIES: Final = 32


class Counts(msgspec.Struct, rename="camel", gc=False):
    """The wholes of a report, and nothing of what they are made of: enough to see that a stream goes on."""

    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None


class _Reported(msgspec.Struct, rename="camel"):
    usage_metadata: object = None


_REPORTED: Final = msgspec.json.Decoder(_Reported)


class Reports:
    """What a stream reports, again and again: a report is read when it is asked for, or when less follows it."""

    __slots__ = ("_answer", "_prompt", "_unread", "_usage")

    def __init__(self) -> None:
        """Begin without any."""
        self._prompt = 0
        self._answer = 0
        self._unread = b""
        """The JSON text of the chunk with the last report."""
        self._usage: Usage | None = None

    @property
    def made(self) -> int:
        """The most tokens of an answer that the last report told of."""
        return self._answer

    @property
    def usage(self) -> Usage | None:
        """What the reports come to."""
        self._read()
        return self._usage

    def take(self, counts: Counts, chunk: bytes) -> None:
        """Take the report in a chunk, whose wholes are already known."""
        wholes = _wholes(
            counts.prompt_token_count,
            counts.tool_use_prompt_token_count,
            counts.candidates_token_count,
            counts.thoughts_token_count,
            counts.total_token_count,
        )
        if wholes is None:
            return
        prompt, tools, spoken, thoughts = wholes
        prompt, answer = prompt + tools, spoken + thoughts
        if prompt < self._prompt or answer < self._answer:
            self._read()
        self._prompt, self._answer, self._unread = max(prompt, self._prompt), max(answer, self._answer), chunk

    def _read(self) -> None:
        if self._unread:
            self._usage = larger(self._usage, read_usage(lenient.decode_as(_REPORTED, self._unread).usage_metadata))
            self._unread = b""


def read_usage_in(answer: bytes) -> Usage | None:
    """Read the report in an answer that could be read; as `read_usage`."""
    return read_usage(lenient.decode_as(_REPORTED, answer).usage_metadata)


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
    cached = _part(usage.get("cachedContentTokenCount"), prompt)
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


def larger(kept: Usage | None, report: Usage | None) -> Usage | None:
    """Return the later of two reports on one exchange, but never less than was reported before, in either half."""
    if kept is None or report is None:
        return kept or report
    prompt = kept if kept.input_tokens > report.input_tokens else report
    answer = kept if kept.output_tokens > report.output_tokens else report
    if prompt is answer:
        return prompt
    return structs.replace(answer, **{unit: prompt.count(unit) for unit in PROMPT_UNITS})


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
    found = (_count(prompt), _count(tools), _count(spoken), _count(thoughts), _count(total))
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
        count = _part(given.get("tokenCount"), whole)
        if given.get("modality") == "AUDIO":
            heard += count
        elif given.get("modality") == "IMAGE":
            seen += count
    return (heard, seen) if heard + seen <= whole else (0, 0)


def _count(value: object) -> int | None:
    """Return a count, 0 for an absent one, None for nonsense."""
    if type(value) is int:
        return value if 0 <= value <= MAX_COUNT else None
    return 0 if value is None else None


def _part(value: object, whole: int) -> int:
    """Return a part of a whole; 0 when it is no count or does not fit."""
    part = _count(value)
    return part if part is not None and part <= whole else 0
