"""Files that are being written: the segment that grows, and the one kept for an emergency.

A segment is written through memory where its file system gives the room it has promised (`holds_room`): a record is in
the page cache then, and so outlives the process, without a system call and without letting go of the interpreter, which
costs more than all the rest of writing it. Elsewhere it is written with ``pwrite``.
"""

from __future__ import annotations

import errno
import mmap
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from clinx.billing.journal.files import EMERGENCY, Header, Position, opening, segment_path, sync_folder
from clinx.domain.ledger import Origin

EMERGENCY_SIZE: Final = 4 << 20
"""Bytes that are kept for the records of calls in flight."""

WINDOW: Final = 1 << 20
"""Bytes of a segment that are allocated and mapped at a time; what of them is not written is cut off in the end."""

_LENGTH: Final = 8
"""Bytes of a frame that are written first, and at once."""
_NOT_HERE: Final = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV, errno.ENOSYS, errno.EPERM})
"""What a file system says that allocates or maps nothing."""
_CLOSED: Final = -1
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
_MODE: Final = 0o600


class Segment:
    """An open segment, written at its end. It is written by one thread; `sync` may run in another."""

    def __init__(self, path: Path, number: int, descriptor: int, *, mapped: bool = False) -> None:
        """Take over an open file with nothing in it."""
        self.path = path
        self.number = number
        self.offset = 0
        """Where it ends."""
        self._descriptor = descriptor
        self._mapped = mapped
        self._window: mmap.mmap | None = None
        self._window_begins = 0
        self._window_ends = 0
        self.allocated = 0
        """How far it has room: what of that is not written is given back in the end."""

    @classmethod
    def create(
        cls, folder: Path, number: int, header: Header, carried: bytes = b"", *, mapped: bool = False
    ) -> Segment:
        """Begin a segment with some frames; ``mapped`` says that the folder's file system keeps promises of room.

        Raises:
            OSError: it could not be written; there is no such segment then.
        """
        path = segment_path(folder, number)
        made = cls(path, number, os.open(path, _FLAGS | os.O_EXCL, _MODE), mapped=mapped)
        try:
            made._write_through(opening(header) + carried)
        except OSError:
            made.discard()
            raise
        return made

    @property
    def position(self) -> Position:
        """Where the next record will be."""
        return Position(self.number, self.offset)

    def write(self, data: bytes) -> None:
        """Append one frame: all or nothing.

        Raises:
            OSError: nothing was appended.
        """
        offset = self.offset
        end = offset + len(data)
        window = self._window if self._mapped else None
        if window is None or end > self._window_ends:
            window = self._move_window(len(data)) if self._mapped else None
        if window is None:
            self._write_through(data)
            return
        # The process may be killed amid all this, and copying is not done from left to right. Readers take a frame for
        # one that was only begun if its length is there and its last byte is still zero.
        first, last = offset - self._window_begins, end - 1 - self._window_begins
        window[first : first + _LENGTH] = data[:_LENGTH]
        window[first + _LENGTH : last] = data[_LENGTH:-1]
        window[last] = data[-1]
        self.offset = end

    def _move_window(self, size: int) -> mmap.mmap | None:
        """Allocate what comes next, and map it in place of what is written; None where that is not to be had."""
        try:
            return self._allocate(size)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
        self._unmap()
        self._mapped = False
        return None

    def _allocate(self, size: int) -> mmap.mmap:
        begins = self.offset - self.offset % mmap.ALLOCATIONGRANULARITY
        needed = self.offset - begins + size
        length = max(WINDOW, needed)
        try:
            os.posix_fallocate(self._descriptor, begins, length)
        except OSError:  # The last of a disk is used as well.
            length = needed
            os.posix_fallocate(self._descriptor, begins, length)
        self.allocated = begins + length
        window = mmap.mmap(self._descriptor, length, offset=begins)
        self._unmap()
        self._window, self._window_begins, self._window_ends = window, begins, begins + length
        return window

    def _unmap(self) -> None:
        window, self._window = self._window, None
        if window is not None:
            window.close()

    def _write_through(self, data: bytes) -> None:
        offset = self.offset
        try:
            done = os.pwrite(self._descriptor, data, offset)
            while done < len(data):
                done += os.pwrite(self._descriptor, data[done:], offset + done)
        except OSError:
            with suppress(OSError):  # If not even this works, half a frame stays; the checksum tells.
                os.ftruncate(self._descriptor, offset)
            raise
        self.offset = offset + done

    def sync(self) -> None:
        """Return when all that was written is on disk."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Let go of the file, and give back what was allocated ahead."""
        self._unmap()
        self._mapped = False
        descriptor, self._descriptor = self._descriptor, _CLOSED  # A number that another file will have.
        if self.allocated > self.offset:
            with suppress(OSError):  # Zeros at its end are no frame.
                os.ftruncate(descriptor, self.offset)
        os.close(descriptor)

    def discard(self) -> None:
        """Undo the creation."""
        self.close()
        with suppress(OSError):
            self.path.unlink()


class Emergency:
    """A file whose room on disk is allocated: it can be written when nothing else can."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        """Take over the open file."""
        self._path = path
        self._descriptor = descriptor
        self._size = size

    @classmethod
    def create(cls, folder: Path, size: int = EMERGENCY_SIZE) -> Emergency:
        """Allocate it, on disk. Blocks of zeros are written, for overwriting those needs no room of any kind.

        Raises:
            OSError: there is no room, or the disk does not work.
        """
        path = folder / EMERGENCY
        made = cls(path, os.open(path, _FLAGS | os.O_TRUNC, _MODE), size)
        try:
            done = 0
            while done < size:
                done += os.pwrite(made._descriptor, bytes(size - done), done)
            os.fsync(made._descriptor)
            sync_folder(folder)
        except OSError:
            made.close()
            with suppress(OSError):
                path.unlink()
            raise
        return made

    def begin(self, number: int, origin: Origin) -> Segment:
        """Turn it into a segment that continues the one before it; this object is spent.

        Raises:
            OSError: that did not work either.
        """
        path = segment_path(self._path.parent, number)
        segment = Segment(path, number, self._descriptor)
        segment.allocated = self._size
        segment.write(opening(Header(origin.node, origin.epoch, continues=True)))
        self._path.rename(path)
        return segment

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)
