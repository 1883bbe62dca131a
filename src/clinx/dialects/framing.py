"""How a streamed answer is written: as events, or as one JSON array."""

from __future__ import annotations

from enum import StrEnum

from clinx.dialects.sse import SseReader

_SEPARATOR = b"\n,\r\n"
_LARGEST = 64 << 20
"""Bytes of one event. It was let pass, or written, by those who know what is too much."""


class Framing(StrEnum):
    """How a streamed answer is written to its caller."""

    EVENTS = "events"
    """Server-sent events."""
    SILENT = "silent"
    """Server-sent events without any comment: some clients take one for a broken event."""
    ARRAY = "array"
    """One JSON array that grows by what would be the data of events."""

    @property
    def keep_alive(self) -> bytes:
        """What may be written between two pieces to show that the connection is alive, and means nothing."""
        return b": ping\n\n" if self is Framing.EVENTS else b"\n"


class JsonArray:
    """Turns chunks of server-sent events into an array: ``[``, the data of each event, a comma between them, ``]``."""

    __slots__ = ("_count", "_reader")

    def __init__(self) -> None:
        """Start before the first event."""
        self._reader = SseReader(_LARGEST)
        self._count = 0

    def feed(self, data: bytes) -> bytes:
        """Take a chunk; return the elements that are complete now. Comments have no place in an array.

        Raises:
            UpstreamBroken: one event is too large for any format.
        """
        return b"".join(self._element(event.data) for event in self._reader.feed(data) if event.data)

    def close(self) -> bytes:
        """Return what ends the array: of a stream without events an empty one."""
        return b"\n]\n" if self._count else b"[]\n"

    def _element(self, data: bytes) -> bytes:
        self._count += 1
        return (b"[" if self._count == 1 else _SEPARATOR) + data
