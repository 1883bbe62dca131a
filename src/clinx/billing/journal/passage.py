"""One segment, read from an offset to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clinx.billing.journal.files import MAGIC, Header, decode_header, segment_path
from clinx.billing.journal.frames import Fault, Frame, Frames

_CHUNK: Final = 1 << 20
_OPENING: Final = 4096  # More than any opening has.


class Passage:
    """The frames of a segment up to the first that is not intact; `end` and `fault` follow the iteration."""

    def __init__(self, folder: Path, number: int, offset: int = 0) -> None:
        """Read the header; iterating begins at the offset.

        Raises:
            JournalUnreadable: the header is of a version that this version does not know.
        """
        self.number = number
        self.path = segment_path(folder, number)
        self.fault: Fault | None = None
        """Why reading stopped before the end."""
        self.header: Header | None = None
        """None when it is not intact; nothing of the segment is read then."""
        self.end = offset
        """The offset after the last frame that was read."""
        self._read_header()

    def __iter__(self) -> Iterator[Frame]:
        """Yield one frame after another, in pieces of the file that fit in memory."""
        if self.header is None:
            return
        size = _CHUNK
        with self.path.open("rb") as file:
            while True:
                began = self.end
                file.seek(began)
                data = file.read(size)
                frames = Frames(data, began)
                for frame in frames:
                    self.end = frame.end
                    yield frame
                if len(data) < size or frames.fault is Fault.CORRUPT or (self.end == began and frames.fault is None):
                    self.fault = frames.fault
                    return
                if self.end == began:  # A frame that is larger than what was read.
                    size *= 2

    def tail(self) -> bytes:
        """Return what follows the last frame that was read."""
        with self.path.open("rb") as file:
            file.seek(self.end)
            return file.read()

    def _read_header(self) -> None:
        with self.path.open("rb") as file:
            data = file.read(_OPENING)
        if not data.startswith(MAGIC):
            self.fault = _find_fault(data)
            return
        frames = Frames(data[len(MAGIC) :], len(MAGIC))
        first = next(iter(frames), None)
        if first is None:
            self.fault = Fault.TORN if len(data) < _OPENING else Fault.CORRUPT
            return
        self.header = decode_header(first)
        self.end = max(self.end, first.end)


def _find_fault(data: bytes) -> Fault | None:
    """Of a segment without its first bytes: nothing was lost with one that nothing was written to."""
    if not data.strip(b"\0"):
        return None
    return Fault.TORN if MAGIC.startswith(data) else Fault.CORRUPT
