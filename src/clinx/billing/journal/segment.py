"""Files that are being written: the segment that grows, and the one kept for an emergency."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from clinx.billing.journal.files import EMERGENCY, Header, Position, opening, segment_path, sync_folder
from clinx.domain.ledger import Origin

EMERGENCY_SIZE: Final = 4 << 20
"""Bytes that are kept for the records of calls in flight."""

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
_MODE: Final = 0o600


class Segment:
    """An open segment, written at its end. It is written by one thread; `sync` may run in another."""

    def __init__(self, path: Path, number: int, descriptor: int) -> None:
        """Take over an open file with nothing in it."""
        self.path = path
        self.number = number
        self.offset = 0
        """Where it ends."""
        self._descriptor = descriptor

    @classmethod
    def create(cls, folder: Path, number: int, header: Header) -> Segment:
        """Begin a segment.

        Raises:
            OSError: it could not be written; there is no such segment then.
        """
        path = segment_path(folder, number)
        made = cls(path, number, os.open(path, _FLAGS | os.O_EXCL, _MODE))
        try:
            made.write(opening(header))
        except OSError:
            made.discard()
            raise
        return made

    @property
    def position(self) -> Position:
        """Where the next record will be."""
        return Position(self.number, self.offset)

    def write(self, data: bytes) -> None:
        """Append data: all or nothing.

        Raises:
            OSError: nothing was appended.
        """
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
        """Let go of the file."""
        os.close(self._descriptor)

    def discard(self) -> None:
        """Undo the creation."""
        self.close()
        with suppress(OSError):
            self.path.unlink()


class Emergency:
    """A file whose room on disk is allocated: it can be written when nothing else can."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Take over the open file."""
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def create(cls, folder: Path, size: int = EMERGENCY_SIZE) -> Emergency:
        """Allocate it, on disk. Blocks of zeros are written, for overwriting those needs no room of any kind.

        Raises:
            OSError: there is no room, or the disk does not work.
        """
        path = folder / EMERGENCY
        made = cls(path, os.open(path, _FLAGS | os.O_TRUNC, _MODE))
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
        segment.write(opening(Header(origin.node, origin.epoch, continues=True)))
        self._path.rename(path)
        return segment

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)
