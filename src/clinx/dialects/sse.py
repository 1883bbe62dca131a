"""Server-sent events: an incremental reader that keeps each event's exact bytes, and an encoder.

Any split of a stream into chunks gives the same events, and their ``raw`` bytes together are the stream. Line ends are
LF, CRLF or CR, mixed as one likes; a byte order mark at the very start is skipped. An event whose last line end is a
CR is complete only when the next byte is known, for that may be the LF of the same line end.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from clinx.errors import UpstreamBroken

MAX_EVENT: Final = 1024 * 1024
"""The most bytes one event may have."""

_BLANK_LINE: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_CRLF_TWICE: Final = b"\r\n\r\n"
_BOM: Final = b"\xef\xbb\xbf"


class SseEvent(NamedTuple):
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

    __slots__ = ("_fresh", "_pending", "_searched")

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._pending = bytearray()
        self._searched = 0
        """No blank line begins before this offset of the pending bytes."""
        self._fresh = True

    def feed(self, data: bytes) -> list[SseEvent]:
        """Take a chunk; return the events it completes.

        Raises:
            UpstreamBroken: an event exceeds `MAX_EVENT`.
        """
        if data.endswith(_CRLF_TWICE) and not self._pending and _is_one_line(data):
            self._fresh = False
            return [SseEvent(data, data[6:-4])]
        size = len(self._pending) + len(data)
        if self._pending or b"\r" in data:
            blocks = self._cut(data)
        else:
            blocks = data.split(b"\n\n")
            self._pending += blocks.pop()
            blocks = [block + b"\n\n" for block in blocks]
        if size > MAX_EVENT and max(map(len, [self._pending, *blocks])) > MAX_EVENT:
            raise UpstreamBroken(f"stream_event_too_large: one event exceeds {MAX_EVENT} bytes.")
        return [self._read(block) for block in blocks]

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
        if block.startswith(b"data: ") and block.find(b"\n") == len(block) - 2 and b"\r" not in block:
            self._fresh = False
            return SseEvent(block, block[6:-2])
        if block.startswith(b"event: ") and block.endswith(b"\n\n") and b"\r" not in block:
            name, _, rest = block[7:-2].partition(b"\n")
            if rest.startswith(b"data: ") and b"\n" not in rest:
                self._fresh = False
                return SseEvent(block, rest[6:], name)
        text = block.removeprefix(_BOM) if self._fresh else block
        self._fresh = False
        return _parsed(block, text)


def _is_one_line(data: bytes) -> bool:
    """Whether it is one event of one line of data, with the line ends that some vendors have."""
    end = len(data) - 4
    is_plain = data.startswith(b"data: ") and data.find(b"\r") == end and data.find(b"\n") == end + 1
    return is_plain and len(data) <= MAX_EVENT


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
