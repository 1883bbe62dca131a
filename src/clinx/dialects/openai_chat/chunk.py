"""One chunk of a stream, read quickly when it is as it should be and as far as possible when it is not."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from clinx.dialects import lenient
from clinx.dialects.lenient import member, object_in
from clinx.dialects.openai_chat.response import Choice


class Chunk(msgspec.Struct, gc=False):
    """What of a chunk is looked at."""

    choices: list[Choice] | None = None
    usage: object = None
    error: object = None
    kind: object = msgspec.field(name="object", default=None)
    x_groq: object = None


class Source(msgspec.Struct, gc=False):
    """What every chunk says, and only the first is asked for."""

    id: object = None
    model: object = None


CHUNK: Final = msgspec.json.Decoder(Chunk)
SOURCE: Final = msgspec.json.Decoder(Source)


def read_chunk(data: bytes) -> Chunk:
    """Read a chunk; what has an odd type is left out and the rest is read.

    Raises:
        ValueError: not a JSON object.
    """
    try:
        return CHUNK.decode(data)
    except lenient.FAULTS:
        return _read_slowly(data)


def _read_slowly(data: bytes) -> Chunk:
    try:
        return lenient.decode_as(CHUNK, data)
    except msgspec.ValidationError:
        return _read_loosely(lenient.decode(data))


def _read_loosely(document: object) -> Chunk:
    members = object_in(document)
    choices = members.get("choices")
    found = [_choice(choice) for choice in cast("list[object]", choices)] if isinstance(choices, list) else None
    names = ("usage", "error", "object", "x_groq")
    return Chunk(found, *(members.get(name) for name in names))


def _choice(given: object) -> Choice:
    delta = member(given, "delta")
    return Choice(
        index=member(given, "index"),
        delta=cast("dict[str, object]", delta) if isinstance(delta, dict) else None,
        text=member(given, "text"),
        finish_reason=member(given, "finish_reason"),
        usage=member(given, "usage"),
        logprobs=member(given, "logprobs"),
    )


def whole_number(index: object) -> int:
    """Return the number of a choice that is not written as an integer; the first one's if it is no number at all."""
    try:
        return int(cast("float", index))
    except (TypeError, ValueError, OverflowError):
        return 0
