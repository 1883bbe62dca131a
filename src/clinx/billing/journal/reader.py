"""The journal of a process, alive or dead, read: what is to be shipped, and which holds are open.

Reading stops at the first frame of a segment that is not intact. A torn one is simply the end of what a process wrote
before it died, is writing now, or wrote again into its emergency segment: `Journal.append` never returned for it.
Otherwise something is lost: that is told, its bytes are kept beside it (``.torn``), and reading goes on with the next
segment. Only who writes a journal, or comes after it, reads it: to anybody else what is being written may look damaged.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from clinx.billing.journal.failures import JournalUnreadable
from clinx.billing.journal.files import Header, Position, segment_numbers, segment_path
from clinx.billing.journal.frames import Fault, Frame
from clinx.billing.journal.holds import Holds, OpenHold
from clinx.billing.journal.passage import Passage
from clinx.billing.journal.records import RECORD, SHIPPED, Held, Progress, Shipped, check_kind, decode
from clinx.domain.ledger import Origin

BATCH: Final = 500
"""Most records of one transaction."""


class Batch(Struct, frozen=True):
    """What is to be shipped next: of one life of the process only."""

    records: list[tuple[Shipped, Position]]
    """Each with the position after it."""
    end: Position
    """Where to go on; it may have moved although there are no records."""
    problem: str | None
    """What was lost; said once, if reading goes on at `end`. Corruption in the last segment is said each time."""
    origin: Origin | None
    """Who wrote the records."""


def read(folder: Path, start: Position, *, most: int = BATCH, end: Position | None = None) -> Batch:
    """Read what ships from a position on, up to another one or to the end.

    Raises:
        JournalUnreadable: the next record is intact but unknown to this version.
    """
    numbers = segment_numbers(folder)
    ahead = [number for number in numbers if number >= start.segment]
    if start.offset and ahead[:1] != [start.segment]:
        problem = f"{segment_path(folder, start.segment)} is missing; it was read up to byte {start.offset}"
        return Batch([], Position(ahead[0], 0) if ahead else start, problem, None)
    reading = _Reading(start, most, end)
    for number in ahead:
        passage = Passage(folder, number, start.offset if number == start.segment else 0)
        later = (Passage(folder, other) for other in ahead if other > number)
        if reading.is_of_another(passage) or not reading.take(passage) or not reading.leave(passage, later):
            break
    return Batch(reading.records, reading.end, reading.problem, reading.origin)


class _Reading:
    """A batch that is being filled."""

    def __init__(self, start: Position, most: int, limit: Position | None) -> None:
        self.records: list[tuple[Shipped, Position]] = []
        self.end = start
        self.problem: str | None = None
        self.origin: Origin | None = None
        self._most = most
        self._limit = limit

    def is_of_another(self, passage: Passage) -> bool:
        """Whether it was written by another life of the process than what was taken so far."""
        if passage.header is None:
            return False
        if self.records and passage.header.origin != self.origin:
            return True
        self.origin = passage.header.origin
        return False

    def take(self, passage: Passage) -> bool:
        """Take what ships; say whether there is room for more."""
        try:
            for frame in passage:
                here = Position(passage.number, frame.end)
                if self._limit is not None and here > self._limit:
                    return False
                self._take(frame, here)
                self.end = here
                if len(self.records) == self._most:
                    return False
        except JournalUnreadable as error:
            if self.records:  # They are good; the next reading begins with the unknown one.
                return False
            raise _located(error, passage) from error
        return True

    def _take(self, frame: Frame, here: Position) -> None:
        if frame.kind not in SHIPPED:
            check_kind(frame)
            return
        record = decode(frame)
        assert not isinstance(record, Held | Progress)  # noqa: S101  (tells the type checker what the kind says)
        self.records.append((record, here))

    def leave(self, passage: Passage, later: Iterable[Passage]) -> bool:
        """Look at how a segment ended; say whether the next one may be read at once."""
        if passage.fault is None:
            return True
        following = next((other for other in later if other.header is not None), None)
        if passage.fault is Fault.TORN and (following is None or _may_follow(passage.header, following.header)):
            return following is not None
        self.problem = f"{passage.path} is {passage.fault} at byte {passage.end}"
        if following is not None:
            _keep_tail(passage)
            self.end = Position(following.number, 0)
        return False


def _may_follow(torn: Header | None, header: Header | None) -> bool:
    """Whether a segment begins as one does after its writer left half a frame in the one before."""
    return header is not None and (header.continues or torn is None or torn.origin != header.origin)


def _keep_tail(passage: Passage) -> None:
    with suppress(OSError):  # The segment itself is kept for days.
        passage.path.with_suffix(".torn").write_bytes(passage.tail())


def open_holds(folder: Path, position: Position) -> dict[str, OpenHold]:
    """Return what is held at the end of the journal, by reservation id, if everything before the position shipped.

    A position in the segments of one life says that the holds of earlier ones are resolved, or were carried into it.

    Raises:
        JournalUnreadable: there is an intact record that this version does not know.
    """
    found = Holds()
    first = _first_needed(folder, position)
    for number in segment_numbers(folder):
        if number >= first:
            _follow(Passage(folder, number), found)
    return found.open()


def _follow(passage: Passage, found: Holds) -> None:
    if passage.header is None:
        return
    origin = passage.header.origin
    try:
        for frame in passage:
            check_kind(frame)
            if frame.kind != RECORD:
                found.hear(frame, origin)
    except JournalUnreadable as error:
        raise _located(error, passage) from error


def last_epoch(folder: Path) -> int:
    """Return the epoch of the life that wrote last; 0 when none did."""
    for number in reversed(segment_numbers(folder)):
        header = Passage(folder, number).header
        if header is not None:
            return header.epoch
    return 0


def prune(folder: Path, shipped: Position, *, older_than: datetime) -> int:
    """Delete segments that nobody needs any more and nobody has written since; return how many."""
    first = _first_needed(folder, shipped)
    paths = [segment_path(folder, number) for number in segment_numbers(folder) if number < first]
    old = [path for path in paths if datetime.fromtimestamp(path.stat().st_mtime, UTC) < older_than]
    for path in old:
        path.unlink()
    return len(old)


def _first_needed(folder: Path, position: Position) -> int:
    """The segment to look for open holds from.

    The first of a life is enough: it was on disk with all that was open before anything else was written. Of the others
    the one before is read too: after a power cut, the beginning of a segment that was new may be missing while the
    ledger already has its position. Those that continue another one do not begin with what is open.
    """
    before = [number for number in segment_numbers(folder) if number < position.segment]
    if _begins_a_life(folder, position.segment, before):
        return position.segment
    for number in reversed(before):
        header = Passage(folder, number).header
        if header is not None and not header.continues:
            return number
    return before[0] if before else position.segment


def _begins_a_life(folder: Path, number: int, before: list[int]) -> bool:
    if not before or not segment_path(folder, number).exists():
        return False
    last, own = Passage(folder, before[-1]).header, Passage(folder, number).header
    return last is not None and own is not None and not own.continues and own.origin != last.origin


def _located(error: JournalUnreadable, passage: Passage) -> JournalUnreadable:
    return JournalUnreadable(f"{passage.path}, before byte {passage.end}: {error}")
