"""One event of a stream, read quickly when it is as it should be and as far as possible when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from clinx.dialects import lenient


class Delta(msgspec.Struct, gc=False):
    """What is new in a block, or in the message. Types are the upstream's own: nothing may be relied upon."""

    text: object = None
    thinking: object = None
    partial_json: object = None
    signature: object = None
    stop_reason: object = None


class Event(msgspec.Struct, gc=False):
    """What of an event is looked at."""

    type: object = None
    delta: Delta | None = None
    content_block: dict[str, object] | None = None
    message: dict[str, object] | None = None
    usage: object = None
    error: object = None


EVENT: Final = msgspec.json.Decoder(Event)


def read_event(data: bytes) -> Event:
    """Read an event; what has an odd type is left out and the rest is read.

    Raises:
        ValueError: not a JSON object.
    """
    try:
        return lenient.decode_as(EVENT, data)
    except msgspec.ValidationError:
        return _read_loosely(lenient.decode(data))


def _read_loosely(document: object) -> Event:
    members = lenient.object_in(document)
    delta = _object(members.get("delta"))
    return Event(
        type=members.get("type"),
        delta=None if delta is None else Delta(**{name: delta.get(name) for name in Delta.__struct_fields__}),
        content_block=_object(members.get("content_block")),
        message=_object(members.get("message")),
        usage=members.get("usage"),
        error=members.get("error"),
    )


def _object(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def usage_in(event: Event) -> Mapping[str, object] | None:
    """Return the usage an event reports: its own, or that of the message it begins."""
    given = event.usage if event.message is None else event.message.get("usage")
    return cast("Mapping[str, object]", given) if isinstance(given, dict) else None
