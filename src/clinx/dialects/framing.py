"""A stream of events as one JSON array: ``[``, the data of each event, a comma between them, ``]``."""

from __future__ import annotations

from clinx.dialects.sse import SseReader

_SEPARATOR = b"\n,\r\n"


class JsonArray:
    """Turns chunks of server-sent events into chunks of an array."""

    __slots__ = ("_count", "_reader")

    def __init__(self) -> None:
        """Start before the first event."""
        self._reader = SseReader()
        self._count = 0

    def feed(self, data: bytes) -> bytes:
        """Take a chunk; return the elements that are complete now. Comments have no place in an array.

        Raises:
            UpstreamBroken: one event exceeds 1 MiB.
        """
        return b"".join(self._element(event.data) for event in self._reader.feed(data) if event.data)

    def close(self) -> bytes:
        """Return what ends the array: of a stream without events an empty one."""
        return b"\n]\n" if self._count else b"[]\n"

    def _element(self, data: bytes) -> bytes:
        self._count += 1
        return (b"[" if self._count == 1 else _SEPARATOR) + data
