"""An answer, or one piece of a streamed one, for both look alike.

It is read quickly when it is as it should be, and as far as possible when it is not. Texts have no lone surrogates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, TypeAlias, TypeVar, cast

import msgspec

from clinx.dialects import lenient
from clinx.dialects.gemini.usage import Counts
from clinx.dialects.lenient import member, object_in

T = TypeVar("T")

UNFINISHED: Final = (None, "", "FINISH_REASON_UNSPECIFIED")
"""What a finish reason is while there is none."""

Part: TypeAlias = Mapping[str, object]
"""One part of what was generated. What is in it is the upstream's own: nothing may be relied upon."""

_HELD: Final = ("text", "functionCall", "inlineData", "executableCode", "codeExecutionResult", "fileData")


class Content(msgspec.Struct, gc=False):
    """The parts of one candidate."""

    parts: list[dict[str, object]] | None = None


class Candidate(msgspec.Struct, rename="camel", gc=False):
    """One of the answers."""

    content: Content | None = None
    finish_reason: str | None = None
    index: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Which of the answers it is."""
    grounding_metadata: object = None
    logprobs_result: object = None

    @property
    def parts(self) -> list[dict[str, object]]:
        """The parts that are new; often none in the last piece."""
        return (self.content.parts or []) if self.content is not None else []


class Chunk(msgspec.Struct, rename="camel", gc=False):
    """What of a chunk is looked at."""

    candidates: list[Candidate] | None = None
    usage_metadata: Counts | None = None
    prompt_feedback: dict[str, object] | None = None
    error: object = None

    @property
    def blocked(self) -> str | None:
        """Why the prompt was refused and not answered, if it was."""
        if self.prompt_feedback is None:
            return None
        reason = self.prompt_feedback.get("blockReason")
        return reason if isinstance(reason, str) and reason else None


class Source(msgspec.Struct, rename="camel", gc=False):
    """What every piece says, and only the first is asked for."""

    response_id: object = None
    model_version: object = None


CHUNK: Final = msgspec.json.Decoder(Chunk)
_SOURCE: Final = msgspec.json.Decoder(Source)


def read_chunk(data: bytes) -> Chunk:
    """Read a chunk; what has an odd type is left out and the rest is read.

    Raises:
        ValueError: not a JSON object.
    """
    try:
        return CHUNK.decode(data)
    except lenient.FAULTS:
        return _read_loosely(lenient.decode_clean(data))


def read_source(data: bytes) -> tuple[str, str]:
    """Read the answer's id and the name of its model, each empty where it is not said; of what is no object, too."""
    try:
        source = lenient.decode_as(_SOURCE, lenient.clean(data))
    except ValueError:
        return "", ""
    return _as(str, source.response_id, ""), _as(str, source.model_version, "")


def says_something(part: Part) -> bool:
    """Whether a part holds anything that was generated; the last of a stream is often an empty text."""
    return any(part.get(name) for name in _HELD)


def text_of(part: Part) -> str:
    """Return what was generated of a part, as it is counted; what a tool of the vendor's returned was not."""
    text = part.get("text")
    return text if isinstance(text, str) else "".join(_texts(part))


def _texts(part: Part) -> Iterator[str]:
    if isinstance(name := member(part.get("functionCall"), "name"), str):
        yield name
    if arguments := member(part.get("functionCall"), "args"):
        yield json.dumps(arguments, ensure_ascii=False)
    if isinstance(code := member(part.get("executableCode"), "code"), str):
        yield code


def _read_loosely(document: object) -> Chunk:
    members = object_in(document)
    candidates = members.get("candidates")
    found = [_candidate(each) for each in cast("list[object]", candidates)] if isinstance(candidates, list) else None
    report, feedback = members.get("usageMetadata"), members.get("promptFeedback")
    return Chunk(
        candidates=found,
        usage_metadata=_counts(report),
        prompt_feedback=cast("dict[str, object]", feedback) if isinstance(feedback, dict) else None,
        error=members.get("error"),
    )


def _candidate(given: object) -> Candidate:
    parts = member(member(given, "content"), "parts")
    found = [cast("dict[str, object]", part) for part in _list(parts) if isinstance(part, dict)]
    reason, index = member(given, "finishReason"), member(given, "index")
    beside = member(given, "groundingMetadata"), member(given, "logprobsResult")
    return Candidate(Content(found), reason if isinstance(reason, str) else None, max(0, _as(int, index, 0)), *beside)


def _counts(report: object) -> Counts | None:
    """Return counts that may be nonsense; those that are not even whole numbers make the report worthless."""
    if not isinstance(report, dict):
        return None
    try:
        return msgspec.convert(report, Counts)
    except msgspec.ValidationError:
        return None


def _as(kind: type[T], value: object, otherwise: T) -> T:
    return value if isinstance(value, kind) and not isinstance(value, bool) else otherwise


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []
