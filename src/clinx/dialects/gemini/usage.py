"""The usage object of Gemini's format to disjoint buckets.

Cached tokens are inside the prompt here, thoughts stand beside the candidates, and what tools brought in beside both.
Modalities are details of a whole. Searches are told of beside the usage, where a candidate says what it rests on. A
detail that is no count, or larger than its whole, is not believed: its tokens are plain ones. A whole that is no count
makes the report worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias, cast

import msgspec
from msgspec import structs

from clinx.dialects import lenient
from clinx.dialects.counts import MAX_COUNT, count, larger, part
from clinx.dialects.lenient import mapping, sequence
from clinx.domain.usage import Usage

_MOST_MODALITIES: Final = 32
_MOST_SEARCHES: Final = 100
"""Of one candidate; nobody is charged for more."""


_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)] | None


class Counts(msgspec.Struct, rename="camel", gc=False):
    """The wholes of a report, and nothing of what they are made of: enough to see that a stream goes on."""

    prompt_token_count: _Count = None
    tool_use_prompt_token_count: _Count = None
    candidates_token_count: _Count = None
    thoughts_token_count: _Count = None
    total_token_count: _Count = None


class _Reported(msgspec.Struct, rename="camel"):
    usage_metadata: object = None


_REPORTED: Final = msgspec.json.Decoder(_Reported)


class Reports:
    """What a stream reports, again and again: a report is read when it is asked for, or when less follows it."""

    __slots__ = ("_prompt", "_searches", "_unread", "_usage", "made")

    def __init__(self) -> None:
        """Begin without any."""
        self._prompt = 0
        self.made = 0
        """The most tokens of an answer that a report told of."""
        self._unread = b""
        """The JSON text of the chunk with the last report."""
        self._usage: Usage | None = None
        self._searches: dict[int, int] = {}
        """By candidate."""

    @property
    def usage(self) -> Usage | None:
        """What the reports come to."""
        self._read()
        return with_searches(self._usage, sum(self._searches.values()))

    def take(self, counts: Counts, chunk: bytes) -> None:
        """Take the report in a chunk, whose wholes are already known."""
        # As `_wholes` does it, for this is done for every chunk.
        prompt = (counts.prompt_token_count or 0) + (counts.tool_use_prompt_token_count or 0)
        answer = (counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0)
        rest = (counts.total_token_count or 0) - prompt
        if rest > answer:  # noqa: PLR1730  (a call of `max` costs as much as all of this)
            answer = rest
        if prompt > MAX_COUNT or answer > MAX_COUNT:
            return
        if prompt < self._prompt or answer < self.made:
            self._read()
            prompt, answer = max(prompt, self._prompt), max(answer, self.made)
        self._prompt, self.made, self._unread = prompt, answer, chunk

    def grounded(self, candidate: int, grounding: object) -> None:
        """Take what a candidate says it rests on; it may say so again, and more."""
        self._searches[candidate] = max(self._searches.get(candidate, 0), searches_in(grounding))

    def _read(self) -> None:
        if self._unread:
            self._usage = larger(self._usage, read_usage_in(self._unread))
            self._unread = b""


def read_usage_in(answer: bytes) -> Usage | None:
    """Read the report in an answer that could be read; as `read_usage`."""
    try:
        return read_usage(lenient.decode_as(_REPORTED, answer).usage_metadata)
    except ValueError:  # It nests so deeply that it could only just be read.
        return None


def searches_in(grounding: object) -> int:
    """Count the searches that an answer rests on: the queries it says were made."""
    queries = sequence(mapping(grounding).get("webSearchQueries"))
    return min(len(queries), _MOST_SEARCHES)


def with_searches(usage: Usage | None, searches: int) -> Usage | None:
    """Return a report with what it leaves out."""
    return structs.replace(usage, search=searches) if usage is not None and searches else usage


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
