"""Where the body of an answer ends: after so many bytes, after its last chunk, or with the connection.

Each framing is fed bytes as they come and puts what belongs to the body into a list. Any split of the bytes gives the
same body, the same verdict, and the same answer to whether something came after the end.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, Protocol

from clinx.upstream.head import LONGEST_LINE, Head, Malformed

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;" + _TOKEN + rb"(?:=" + _TOKEN + rb")?)*")
"""A chunk's size; extensions mean nothing to us, and quoted ones, which nobody sends, are refused."""

_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})\r\n")
"""The beginning of a chunk as almost all are."""

_TRAILER: Final = re.compile(_TOKEN + rb":[^\0-\x08\n-\x1f\x7f]*")


class Framing(Protocol):
    """One body's way of ending."""

    done: bool
    """The end has been seen."""
    surplus: bool
    """Bytes came after the end: they answer nothing, and nobody may read them as an answer."""

    def feed(self, data: bytes, pieces: list[bytes]) -> None:
        """Take what came, and add what belongs to the body.

        Raises:
            Malformed: the framing is broken; what was added before stands.
        """
        ...

    def ends_with_connection(self) -> bool:
        """Whether a connection closed in good order ends the body."""
        ...


def framing(head: Head) -> Framing:
    """Return the framing a head announces."""
    if head.length is not None:
        return Sized(head.length)
    return Chunked() if head.chunked else UntilClosed()


class Sized:
    """``Content-Length``."""

    __slots__ = ("_left", "done", "surplus")

    def __init__(self, length: int) -> None:
        """Expect so many bytes."""
        self._left = length
        self.done = length == 0
        self.surplus = False

    def feed(self, data: bytes, pieces: list[bytes]) -> None:
        """See `Framing`."""
        left = self._left - len(data)
        if left < 0:
            self.surplus = True
            data, left = data[: self._left], 0
        if data:
            pieces.append(data)
        self._left = left
        self.done = not left

    def ends_with_connection(self) -> bool:
        """Never: what is missing is missing."""
        return False


class UntilClosed:
    """No framing at all: the connection's end is the body's."""

    __slots__ = ("done", "surplus")

    def __init__(self) -> None:
        """Expect anything."""
        self.done = False
        self.surplus = False

    def feed(self, data: bytes, pieces: list[bytes]) -> None:
        """See `Framing`."""
        pieces.append(data)

    def ends_with_connection(self) -> bool:
        """Nothing else does."""
        return True


class _Line(Enum):
    """Which line comes next, where no data is owed."""

    SIZE = auto()
    AFTER_DATA = auto()
    TRAILER = auto()


class Chunked:
    """``Transfer-Encoding: chunked``. Lines end in CRLF and nothing else; trailers are read and dropped."""

    __slots__ = ("_expects", "_held", "_left", "_trailers", "done", "surplus")

    def __init__(self) -> None:
        """Expect a size."""
        self._expects = _Line.SIZE
        self._left = 0
        self._held = b""
        self._trailers = 0
        self.done = False
        self.surplus = False

    def feed(self, data: bytes, pieces: list[bytes]) -> None:
        """See `Framing`."""
        if self._held:
            data, self._held = self._held + data, b""
        at = 0
        while at < len(data) and not self.done:
            if self._left:
                piece = data[at : at + self._left]
                self._left -= len(piece)
                pieces.append(piece)
                at += len(piece)
            elif self._expects is _Line.SIZE and (end := _take_whole(data, at, pieces)) > at:
                at = end
            elif (end := data.find(b"\r\n", at)) >= 0:
                self._read(data[at:end])
                at = end + 2
            else:
                self._hold(data[at:])
                return
        self.surplus = at < len(data)

    def ends_with_connection(self) -> bool:
        """Never: the last chunk is missing."""
        return False

    def _hold(self, part: bytes) -> None:
        """Keep a line that has not ended, unless it cannot become one."""
        if len(part) > LONGEST_LINE + 1:
            raise Malformed("chunk line too long")
        if self._expects is _Line.AFTER_DATA and part != b"\r":
            raise Malformed("data beyond its chunk")
        self._held = part

    def _read(self, line: bytes) -> None:
        if len(line) > LONGEST_LINE:
            raise Malformed("chunk line too long")
        match self._expects:
            case _Line.SIZE:
                self._read_size(line)
            case _Line.AFTER_DATA:
                if line:
                    raise Malformed("data beyond its chunk")
                self._expects = _Line.SIZE
            case _Line.TRAILER:
                self._read_trailer(line)

    def _read_size(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line)
        if match is None:
            raise Malformed("no chunk size")
        self._left = int(match[1], 16)
        self._expects = _Line.AFTER_DATA if self._left else _Line.TRAILER

    def _read_trailer(self, line: bytes) -> None:
        self._trailers += len(line)
        if line and (self._trailers > LONGEST_LINE or _TRAILER.fullmatch(line) is None):
            raise Malformed("unreadable trailer")
        self.done = not line


def _take_whole(data: bytes, at: int, pieces: list[bytes]) -> int:
    """Take the plain chunks that are there down to their last byte; return where they end."""
    while (match := _CHUNK.match(data, at)) is not None:
        start = match.end()
        end = start + int(match[1], 16)
        if end == start or not data.startswith(b"\r\n", end):
            break
        pieces.append(data[start:end])
        at = end + 2
    return at
