"""Journal to ledger, exactly once: batches of records, each in one transaction with the position they end at.

The position in the database moves only from where a batch began to where it ended, so a batch that was written cannot
be written again, whoever tries: after a lost answer, a crash or a restored backup the database itself says where to go
on. Nothing is ever dropped: what the database refuses as nonsense is put aside in a file, said loudly, and passed over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from clinx.billing import batch
from clinx.billing.batch import Overtaken
from clinx.billing.journal.failures import JournalUnreadable
from clinx.billing.journal.files import Position
from clinx.billing.journal.reader import Batch, read
from clinx.billing.journal.records import Shipped
from clinx.billing.operations import Operation
from clinx.billing.outage import Outage
from clinx.domain.ledger import Origin
from clinx.storage import nodes
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused, StorageUnavailable
from clinx.storage.program import Program

log = logging.getLogger("clinx.billing")

BATCH: Final = 500
"""Most records of one transaction."""
DELAY: Final = timedelta(milliseconds=200)
"""How long a record waits for others at most, while the database keeps up."""
MOST_FRESH: Final = 5_000
"""Records that are remembered until they are shipped, so that they need not be read from the journal again."""
LONGEST_PAUSE: Final = 1.0
"""Seconds between two tries while the database is away."""

Record = tuple[Shipped, Position]


class Shipper:
    """Ships the journal of one process. Positions are of its own folder."""

    def __init__(
        self, database: Database, folder: Path, origin: Origin, *, now: Callable[[], datetime], random: Random
    ) -> None:
        """Wire it; where to begin is told to `run`."""
        self._database = database
        self._folder = folder
        self._origin = origin
        self._random = random
        self._outage = Outage(time.monotonic_ns)
        self._written = Position(0, 0)
        self._count = 0
        self._fresh: deque[Record] = deque()
        """Every record to ship that ends after `_fresh_from`."""
        self._fresh_from: Position | None = None
        self._begun = asyncio.Event()
        self._hurry = asyncio.Event()
        self._moved = asyncio.Condition()
        self._closing = False
        self._carrier = Carrier(database, folder, origin, now)
        self.shipped = Position(0, 0)
        """How far the journal is in the ledger."""
        self.fenced = False
        """Whether somebody else has taken over this node, or the database was exchanged: nothing may be admitted."""

    @property
    def waiting(self) -> int:
        """Records that were written and are not in the ledger yet."""
        return self._count

    def notice(self, position: Position, record: Shipped | None = None) -> None:
        """Take note of a record to ship that ends here; one that is given need not be read from the journal."""
        if record is not None and self._fresh_from is not None and len(self._fresh) < MOST_FRESH:
            self._fresh.append((record, position))
        else:
            self._fresh.clear()
            self._fresh_from = position
        self._written = position
        self._count += 1
        self._begun.set()
        if self._count >= BATCH:
            self._hurry.set()

    async def run(self, start: Position) -> None:
        """Ship what is written from a position on, until `close`."""
        self.shipped = start
        while True:
            await self._begun.wait()
            if self._count < BATCH and not self._closing:
                await self._gather()
            self._hurry.clear()
            await self._ship_all()
            if self._closing:
                return

    async def flush(self) -> None:
        """Return when everything that was noticed so far is in the ledger; waits as long as that takes."""
        target = self._written
        self._hurry.set()
        async with self._moved:
            await self._moved.wait_for(lambda: self.shipped >= target)

    def close(self) -> None:
        """Let `run` ship what is there, once, and end; what the database does not take now stays in the journal."""
        self._closing = True
        self._begun.set()
        self._hurry.set()

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(DELAY.total_seconds()):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _ship_all(self) -> None:
        failures = 0
        while self.shipped < self._written:
            if await self._ship_next():
                failures = 0
                self._outage.end()
                continue
            failures += 1
            if self._closing:
                log.warning("journal.left", extra={"records": self._count})
                return
            await asyncio.sleep(self._random.uniform(0.5, 1.0) * min(0.02 * 2**failures, LONGEST_PAUSE))
        self._begun.clear()

    async def _ship_next(self) -> bool:
        """Ship one batch; False when that does not work now: the database is away, or the journal cannot be read."""
        try:
            found = self._read()
            await self._carrier.ship(self.shipped, found)
            await self._go_on(found.end, len(found.records))
        except Overtaken:  # An earlier try was written after all, or somebody else's.
            return await self._look_again()
        except (StorageUnavailable, JournalUnreadable, OSError) as error:
            self._outage.fail(str(error), waiting=self._count)
            return False
        return True

    def _read(self) -> Batch:
        if records := self._remembered():
            return Batch(records, records[-1][1], None, self._origin)
        found = read(self._folder, self.shipped, most=BATCH)
        if found.end == self.shipped:
            raise JournalUnreadable(found.problem or f"nothing is there at {self.shipped}")
        return found

    def _remembered(self) -> list[Record]:
        """Return what comes next as far as it is in memory; the journal has it as well, and is read where it is not."""
        if self._fresh_from is None or self._fresh_from > self.shipped:
            return []
        while self._fresh and self._fresh[0][1] <= self.shipped:
            self._fresh_from = self._fresh.popleft()[1]
        return list(islice(self._fresh, BATCH))

    async def _look_again(self) -> bool:
        """See where the ledger is; False when going on from there makes no sense now."""
        try:
            epoch, stored = await self._database.atomically(self._node())
        except StorageUnavailable as error:
            self._outage.fail(str(error), waiting=self._count)
            return False
        if epoch != self._origin.epoch or stored > self._written:
            if not self.fenced:
                self.fenced = True
                log.critical("journal.overtaken", extra={"node": self._origin.node, "folder": str(self._folder)})
            return False
        if stored == self.shipped:
            return False
        await self._go_on(stored, 0 if stored < self.shipped else BATCH)
        return True

    def _node(self) -> Program[tuple[int, Position]]:
        epoch = yield from nodes.epoch(self._origin.node)
        return epoch, Position(*(yield from nodes.position(self._origin.node)))

    async def _go_on(self, position: Position, shipped: int) -> None:
        async with self._moved:
            self.shipped = position
            self._count = max(0, self._count - shipped) if position < self._written else 0
            self._moved.notify_all()


@dataclass(frozen=True, slots=True)
class Carrier:
    """Writes batches of one folder into the ledger, for the living process of its node."""

    database: Database
    folder: Path
    living: Origin
    now: Callable[[], datetime]

    async def ship(self, start: Position, found: Batch) -> None:
        """Write a batch that was read at ``start``.

        Raises:
            Overtaken: the ledger is not at ``start``, or another life ships: nothing was written.
            StorageUnavailable: not now; a lost race is worth an immediate retry.
            OSError: what the database refuses cannot be put aside.
        """
        if found.problem is not None:
            log.error("journal.damaged", extra={"folder": str(self.folder), "reason": found.problem})
        await self._write(found.origin or self.living, (start, found.end), found.records)

    async def _write(self, origin: Origin, between: tuple[Position, Position], records: Sequence[Record]) -> None:
        start, end = between
        operations = [record for record, _ in records]
        passage = batch.Passage(start, end, self.living.epoch)
        try:
            await self.database.atomically(batch.ship(operations, self.now(), origin, passage))
        except StorageRefused as error:
            if not records:
                raise StorageConflict(str(error)) from error
            if len(records) == 1:
                put_aside(self.folder, operations[0], error)
                await self._write(origin, between, ())
                return
            middle = len(records) // 2
            border = records[middle - 1][1]
            await self._write(origin, (start, border), records[:middle])
            await self._write(origin, (border, end), records[middle:])


def put_aside(folder: Path, operation: Operation, error: StorageRefused) -> None:
    """Keep what no database takes where a person finds it: the journal itself is pruned one day.

    Raises:
        OSError: it is not kept.
    """
    log.critical("billing.refused", extra={"operation": repr(operation)}, exc_info=error)
    with (folder / "refused.log").open("a") as file:
        file.write(f"{operation!r}\n")
