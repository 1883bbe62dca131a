"""One event of a stream, read quickly, and as far as the tap needs it."""

from __future__ import annotations

from typing import Final

import msgspec

from clinx.dialects import lenient


class Event(msgspec.Struct, gc=False):
    """What of an event is looked at. Types are the upstream's own: nothing may be relied upon."""

    type: object = None
    delta: object = None
    item: object = None
    response: object = None
    error: object = None


EVENT: Final = msgspec.json.Decoder(Event)


def read_event(data: bytes) -> Event:
    """Read an event.

    Raises:
        ValueError: not a JSON object.
    """
    return lenient.decode_as(EVENT, data)
