"""Segments on disk: what they are called, how they begin, and positions in them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder, Encoder

from clinx.billing.journal.failures import JournalUnreadable
from clinx.billing.journal.frames import Frame, enclose
from clinx.domain.ledger import Origin

MAGIC: Final = b"clinxjnl"
"""How every segment begins; its header is the first frame after it."""
EMERGENCY: Final = "emergency"
"""The file that is kept for when there is no other room. It is given a segment's name when it is needed."""

_NAME: Final = re.compile(r"(\d{8,})\.journal")
_HEADER_MARK: Final = bytes((0, 1))
_VOLATILE: Final = frozenset({"tmpfs", "ramfs"})
_OF_THEIR_WORD: Final = frozenset({"ext4", "xfs", "f2fs", "tmpfs"})
"""File systems on which overwriting what was allocated needs no more room; those that copy on write are none, and an
overlay is as good as what is beneath it, which nobody tells."""


class Position(NamedTuple):
    """A place between two records: everything before this byte of this segment, and all earlier segments."""

    segment: int
    offset: int


BEGINNING: Final = Position(0, 0)
"""Before everything: segments are numbered from 1."""


class Header(Struct, frozen=True):
    """What a segment says of itself."""

    node: str
    epoch: int
    continues: bool = False
    """Whether it does not repeat the open holds of the segment before it."""

    @property
    def origin(self) -> Origin:
        """Whose records these are."""
        return Origin(self.node, self.epoch)


_decoder: Final = Decoder(Header)
_encode: Final = Encoder().encode


def opening(header: Header) -> bytes:
    """Return the first bytes of a segment."""
    return MAGIC + enclose(_HEADER_MARK, _encode(header))


def decode_header(found: Frame) -> Header:
    """Return the header in a segment's first frame.

    Raises:
        JournalUnreadable: it is none, or of a version that this version does not know.
    """
    if bytes((found.kind, found.version)) != _HEADER_MARK:
        raise JournalUnreadable(f"a header of kind {found.kind}, version {found.version}")
    try:
        return _decoder.decode(found.body)
    except DecodeError as error:
        raise JournalUnreadable(f"a header that is none: {error}") from error


def segment_path(folder: Path, number: int) -> Path:
    """Return where a segment is, or would be."""
    return folder / f"{number:08d}.journal"


def segment_numbers(folder: Path) -> list[int]:
    """Return which segments there are, in order."""
    matches = (_NAME.fullmatch(entry.name) for entry in os.scandir(folder))
    return sorted(int(match[1]) for match in matches if match)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_volatile(folder: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether what is in an existing folder is gone after a power cut: tmpfs or ramfs. False where nobody knows."""
    return not _VOLATILE.isdisjoint(_kinds(folder, mounts))


def holds_room(folder: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether what is allocated in an existing folder can be written whatever happens. False where nobody knows."""
    kinds = _kinds(folder, mounts)
    return bool(kinds) and kinds <= _OF_THEIR_WORD


def _kinds(folder: Path, mounts: Path) -> set[str]:
    device = folder.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return set()
    return {_kind(line) for line in lines if line.split()[2:3] == [wanted]}


def _kind(line: str) -> str:
    """The type of file system: the first field after the separator, whatever the number of optional ones before it."""
    _, _, after = line.partition(" - ")
    return after.partition(" ")[0]
