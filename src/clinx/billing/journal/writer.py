"""The journal of one process, written.

A segment begins with the open holds (``carry``), so that recovery can begin with it and older ones can go. When a
record cannot be written, admission stops: `failing` is true and holds are refused. What is due for the calls in flight
goes on in the emergency segment, which continues the one that failed. Once the disk works again, a new segment begins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

from clinx.billing.journal.durability import Durability, Sync
from clinx.billing.journal.failures import JournalFailed, JournalRefused
from clinx.billing.journal.files import Header, Position, holds_room, is_volatile, segment_numbers, sync_folder
from clinx.billing.journal.records import Held, JournalRecord, Progress, frame
from clinx.billing.journal.segment import EMERGENCY_SIZE, Emergency, Segment
from clinx.billing.operations import Record
from clinx.domain.ledger import Origin
from clinx.telemetry.tasks import Supervisor

log = logging.getLogger("clinx.billing")

SEGMENT_SIZE: Final = 16 << 20
"""Bytes after which the next segment begins."""
RETRY: Final = timedelta(seconds=1)
"""The time between two attempts to write again."""

Carry = Callable[[], Iterable[Held | Progress]]
"""Says what is open at this moment: the holds that were appended and neither settled nor released, each with its
progress if that matters."""


class Journal:
    """Appends records. Everything is called in the event loop, by the one process that has the slot."""

    failing: bool
    """Whether it cannot be written, so that nothing new may be admitted."""

    def __init__(self, folder: Path, origin: Origin, carry: Carry, *, sync: Sync, segment_size: int) -> None:
        """Wire it: see `open`."""
        self.failing = False
        self._folder = folder
        self._origin = origin
        self._carry = carry
        self._sync = sync
        self._segment_size = segment_size
        self._mapped = holds_room(folder)
        self._segment: Segment
        self._emergency: Emergency | None = None
        self._durability = Durability(folder, sync, lambda: self._segment)
        self._supervisor: Supervisor
        self._healing: asyncio.Task[None] | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        origin: Origin,
        sync: Sync,
        supervisor: Supervisor,
        carry: Carry,
        segment_size: int = SEGMENT_SIZE,
    ) -> Journal:
        """Begin a new segment behind all others, with what ``carry`` says is open.

        Raises:
            JournalRefused: the folder does not outlive a power cut, and nobody said that it need not.
            OSError: it cannot be written.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sync is not Sync.OFF and is_volatile(folder):
            raise JournalRefused(
                f"{folder} is in memory: a power cut would lose what was spent. Keep the state folder on a disk "
                f"(CLINX_STATE_DIR), or set CLINX_JOURNAL_SYNC=off to accept that."
            )
        made = cls(folder, origin, carry, sync=sync, segment_size=segment_size)
        made._begin(supervisor)
        return made

    def _begin(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._emergency = Emergency.create(self._folder)
        self._segment = self._create(max(segment_numbers(self._folder), default=0) + 1)
        if self._sync is not Sync.OFF:
            self._segment.sync()
            sync_folder(self._folder)
            sync_folder(self._folder.parent)
        self._durability.start(supervisor, self._fail)

    @property
    def position(self) -> Position:
        """Where the next record will be."""
        return self._segment.position

    @property
    def synced(self) -> Position:
        """How much outlives a power cut; with `Sync.OFF`, all counts."""
        return self._durability.synced

    def append(self, record: JournalRecord) -> Position:
        """Write a record and return the position after it: from now on it survives the process.

        Raises:
            JournalFailed: it was not written. Of a settlement or a release that is logged with all it holds.
        """
        data = frame(record)
        if self.failing:
            self._append_in_need(record, data)
        else:
            try:
                if self._segment.offset >= self._segment_size:
                    self._rotate()
                self._segment.write(data)
            except OSError as error:
                self._fail(error)
                self._append_in_need(record, data)
        self._durability.mark()
        segment = self._segment
        return Position(segment.number, segment.offset)

    @property
    def waits(self) -> bool:
        """Whether `durable` waits for anything: only then need it be called."""
        return self._sync is Sync.EACH

    async def durable(self, position: Position) -> None:
        """With `Sync.EACH`, return when everything before a position outlives a power cut; else at once.

        Raises:
            JournalFailed: it may not.
        """
        if self._sync is Sync.EACH:
            await self._durability.reach(position)

    async def retry(self) -> bool:
        """Try to write again after a failure; say whether it works. Called every second while it does not."""
        if not self.failing:
            return True
        try:
            emergency = await self._durability.run(lambda: Emergency.create(self._folder))
            self._replace_emergency(emergency)
            if self.failing:
                self._rotate()
        except OSError:
            return False
        if self.failing:
            self.failing = False
            log.warning("journal.recovered", extra={"folder": str(self._folder)})
        return True

    async def close(self) -> None:
        """Stop: what was appended is synced, unless that is off.

        Raises:
            OSError: it is not known to be on disk.
        """
        if self._healing is not None:
            self._healing.cancel()
        try:
            await self._durability.close()
        finally:
            if self._emergency is not None:
                self._emergency.close()

    def _create(self, number: int) -> Segment:
        carried = b"".join(map(frame, self._carry()))
        header = Header(self._origin.node, self._origin.epoch)
        return Segment.create(self._folder, number, header, carried, mapped=self._mapped)

    def _rotate(self) -> None:
        made = self._create(self._segment.number + 1)
        self._durability.retire(self._segment)
        self._segment = made

    def _append_in_need(self, record: JournalRecord, data: bytes) -> None:
        """Write what is due of the calls in flight, and nothing else: there is little room."""
        spare = isinstance(record, Progress) and self._segment.offset > EMERGENCY_SIZE // 2
        if spare or isinstance(record, Held | Record):
            raise JournalFailed
        try:
            self._segment.write(data)
        except OSError as error:
            log.critical("journal.lost", extra={"record": repr(record)}, exc_info=error)
            raise JournalFailed from error

    def _fail(self, error: OSError) -> None:
        """Stop admission, and go on in the emergency segment."""
        if self.failing:
            return
        self.failing = True
        log.error("journal.failed", extra={"folder": str(self._folder), "reason": str(error)})
        self._healing = self._supervisor.start(self._heal(), name="journal.retry", endless=True)
        emergency, self._emergency = self._emergency, None
        if emergency is None:
            return
        try:
            segment = emergency.begin(self._segment.number + 1, self._origin)
        except OSError as worse:
            log.exception("journal.failed", extra={"folder": str(self._folder), "reason": str(worse)})
            self._emergency = emergency
            return
        self._durability.retire(self._segment)
        self._segment = segment

    def _replace_emergency(self, fresh: Emergency) -> None:
        if self._emergency is not None:
            self._emergency.close()
        self._emergency = fresh

    async def _heal(self) -> None:
        while True:
            await asyncio.sleep(RETRY.total_seconds())
            if await self.retry():
                return
