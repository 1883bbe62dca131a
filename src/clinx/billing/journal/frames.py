"""Frames: u32 length of the body, u32 CRC32C of the rest, u8 kind, u8 version, body; integers are little-endian.

A body is never empty, so zeros are no frame: they are the unused end of a file that was allocated ahead.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import google_crc32c

if TYPE_CHECKING:

    def _checksum(data: bytes) -> int: ...
else:
    _checksum = google_crc32c.value

MOST: Final = 1 << 24
"""Bytes of the largest body; a length beyond it is not a length."""

_HEAD: Final = struct.Struct("<IIBB")
_CHECKED: Final = struct.Struct("<II")
_pack: Final = _CHECKED.pack
_MARK: Final = 2  # kind and version


class Frame(NamedTuple):
    """One intact frame."""

    kind: int
    version: int
    body: bytes
    end: int
    """The offset after it."""


class Fault(StrEnum):
    """Why reading stopped before the end."""

    TORN = "torn"
    """The data end within a frame: it is being written right now, or never was completely."""
    CORRUPT = "corrupt"
    """What is there is no frame."""


def enclose(mark: bytes, body: bytes) -> bytes:
    """Return the frame of a body; the mark is its kind and version.

    Raises:
        ValueError: an empty body, or one that is too large.
    """
    length = len(body)
    if not 0 < length <= MOST:
        raise ValueError(f"not the body of a frame: {length} bytes")
    marked = mark + body
    return _pack(length, _checksum(marked)) + marked


class Frames:
    """The frames of some data, up to the first that is not intact. Afterwards `end` and `fault` say where and why."""

    def __init__(self, data: bytes, base: int = 0) -> None:
        """Read from the beginning; the data's first byte has the offset ``base``."""
        self._data = data
        self._base = base
        self.end = base
        """The offset after the last intact frame."""
        self.fault: Fault | None = None

    def __iter__(self) -> Iterator[Frame]:
        """Yield one after another."""
        data, base, at, size = self._data, self._base, 0, len(self._data)
        unpack, head = _HEAD.unpack_from, _HEAD.size
        while size - at > head:
            length, checksum, kind, version = unpack(data, at)
            end = at + head + length
            if not 0 < length <= MOST or end > size or _checksum(data[at + head - _MARK : end]) != checksum:
                break
            self.end = base + end
            yield Frame(kind, version, data[at + head : end], base + end)
            at = end
        self.fault = self._find_fault(at)

    def _find_fault(self, at: int) -> Fault | None:
        rest = len(self._data) - at
        if self._data.count(0, at) == rest:
            return None
        if rest < _CHECKED.size:
            return Fault.TORN
        length, _ = _CHECKED.unpack_from(self._data, at)
        if not 0 < length <= MOST:
            return Fault.CORRUPT
        return Fault.TORN if self._is_unfinished(at + _HEAD.size + length) else Fault.CORRUPT

    def _is_unfinished(self, end: int) -> bool:
        """Whether a frame was begun only: data end before it does, or in allocated room, its end is still zeros."""
        behind = len(self._data) - end
        return behind < 0 or self._data.count(0, end - 1) == behind + 1
