"""Server-sent events: an incremental reader that keeps each event's exact bytes, and an encoder.

Any split of a stream into chunks gives the same events, and their ``raw`` bytes together are the stream. Line ends are
LF, CRLF or CR, mixed as one likes; a byte order mark at the very start is skipped. An event whose last line end is a
CR is complete only when the next byte is known, for that may be the LF of the same line end.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from clinx.errors import UpstreamBroken

MAX_EVENT: Final = 1024 * 1024
"""The most bytes one event may have, where a format does not need more."""

_BLANK_LINE: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_CR: Final = 0x0D
_LF: Final = 0x0A
_BOM: Final = b"\xef\xbb\xbf"


class SseEvent(Struct, frozen=True, gc=False):
    """One block of a stream, up to and including its blank line."""

    raw: bytes
    data: bytes | None
    """The data lines joined by LF; None for a block without any, such as a comment: nothing is dispatched."""
    event: bytes = b""
    id: bytes = b""
    retry: bytes = b""
    has_comment: bool = False


class SseReader:
    """Turns chunks of a stream into events."""

    __slots__ = ("_fresh", "_most", "_pending", "_searched")

    def __init__(self, most: int = MAX_EVENT) -> None:
        """Start at the beginning of a stream whose events have at most so many bytes."""
        self._most = most
        self._pending = bytearray()
        self._searched = 0
        """No blank line begins before this offset of the pending bytes."""
        self._fresh = True

    def feed(self, data: bytes) -> list[SseEvent]:
        """Take a chunk; return the events it completes.

        Raises:
            UpstreamBroken: an event is too large.
        """
        event = self.alone(data)
        if event is not None:
            return [event]
        size = len(self._pending) + len(data)
        if self._pending or b"\r" in data:
            blocks = self._cut(data)
        else:
            blocks = data.split(b"\n\n")
            self._pending += blocks.pop()
            blocks = [block + b"\n\n" for block in blocks]
        if size > self._most and max(map(len, [self._pending, *blocks])) > self._most:
            raise UpstreamBroken(f"stream_event_too_large: one event exceeds {self._most} bytes.")
        return [self._read(block) for block in blocks]

    def alone(self, data: bytes) -> SseEvent | None:
        """Take a chunk that is one event, written as most vendors do; None for any other, which is left to `feed`."""
        if self._pending or len(data) > self._most:
            return None
        event = _plain(data)
        if event is not None:
            self._fresh = False
        return event

    def close(self) -> list[SseEvent]:
        """Say that the stream ended; return what is left as a last event, complete or not."""
        if not self._pending:
            return []
        block = bytes(self._pending)
        self._pending.clear()
        return [self._read(block)]

    def _cut(self, data: bytes) -> list[bytes]:
        """Cut complete blocks off the pending bytes, with any line ends."""
        pending = self._pending
        pending += data
        blocks: list[bytes] = []
        start = 0
        found = _BLANK_LINE.search(pending, self._searched)
        while found and not (found.end() == len(pending) and pending.endswith(b"\r")):
            blocks.append(bytes(pending[start : found.end()]))
            start = found.end()
            found = _BLANK_LINE.search(pending, start)
        del pending[:start]
        self._searched = max(0, len(pending) - 3)
        return blocks

    def _read(self, block: bytes) -> SseEvent:
        event = _plain(block)
        if event is not None:
            self._fresh = False
            return event
        text = block.removeprefix(_BOM) if self._fresh else block
        self._fresh = False
        return _parsed(block, text)


def _plain(block: bytes) -> SseEvent | None:
    """Read a block that is written as most vendors do; None for any other, and for more or less than one block."""
    before, _, rest = block.partition(b"data: ")
    data, _, end = rest.partition(b"\n")
    if end == b"\r\n":
        data = data.removesuffix(b"\r")
    elif end != b"\n":
        return None
    if _CR in data:
        return None
    if not before:
        return SseEvent(block, data)
    last = -len(end)
    name = before[7:last]
    if before[:7] != b"event: " or before[last:] != end or _LF in name or _CR in name:
        return None
    return SseEvent(block, data, name)


def _parsed(block: bytes, text: bytes) -> SseEvent:
    """Read the fields of a block, line by line; of repeated names and ids the last counts."""
    fields: dict[bytes, list[bytes]] = {}
    has_comment = False
    for line in _LINE_END.split(text):
        name, colon, value = line.partition(b":")
        if name:
            fields.setdefault(name, []).append(value.removeprefix(b" "))
        has_comment |= not name and bool(colon)
    data = fields.get(b"data")
    event, identity, retry = (fields.get(name, [b""])[-1] for name in (b"event", b"id", b"retry"))
    return SseEvent(block, None if data is None else b"\n".join(data), event, identity, retry, has_comment)


def without_comments(raw: bytes) -> bytes:
    """Return a block without its comment lines; all other lines stay as they are."""
    return b"".join(line for line in raw.removeprefix(_BOM).splitlines(keepends=True) if not line.startswith(b":"))


def encode_event(data: bytes, event: bytes = b"") -> bytes:
    """Write one event; line ends inside the data become data lines of their own."""
    head = b"event: " + event + b"\n" if event else b""
    return head + b"".join(b"data: " + line + b"\n" for line in _LINE_END.split(data)) + b"\n"


def encode_comment(text: bytes) -> bytes:
    """Write a comment: what keeps a silent connection open."""
    return b": " + text + b"\n\n"
