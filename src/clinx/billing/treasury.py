"""Everything that moves money in one process, opened and closed in the right order.

Opening claims a place for the journal, begins a new life there, and brings the lives before it to their end in the
background. Closing ships what was written and returns what is leased; what the database does not take stays in the
journal for the next life.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from clinx.billing.cashier import Cashier
from clinx.billing.diary import Diary, OpenHolds
from clinx.billing.journal import slots
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.files import Position, segment_numbers
from clinx.billing.journal.reader import last_epoch
from clinx.billing.journal.slots import Slot
from clinx.billing.journal.writer import Journal
from clinx.billing.lease import Leases
from clinx.billing.recovery import Recovery
from clinx.billing.shipper import Shipper
from clinx.billing.task_holds import TaskHolds
from clinx.billing.upkeep import Upkeep
from clinx.billing.vault import Vault
from clinx.domain.ledger import Origin
from clinx.storage import nodes
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.telemetry.tasks import Supervisor

log = logging.getLogger("clinx.billing")

PROMPT: Final = timedelta(seconds=1)
"""How long opening waits for what earlier lives left; the rest of it goes on beside the first calls."""
LAST: Final = timedelta(seconds=10)
"""How long closing waits for the database."""


class ForeignJournal(Exception):
    """The journal holds records of a node that the database does not know: it belongs to another database."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the journal is kept, and how carefully."""

    folder: Path
    """Of all journals of this machine; each process has a folder of its own in it."""
    host: str
    """How people call this machine."""
    sync: Sync


@dataclass(frozen=True, slots=True)
class Means:
    """What time and chance are."""

    now: Callable[[], datetime]
    monotonic_ns: Callable[[], int]
    random: Random
    new_id: Callable[[], str]
    """Makes ids that never meet: names of nodes."""


@dataclass(frozen=True, slots=True)
class JournalFigures:
    """How a process keeps its journal, and how far the ledger is behind it."""

    waiting: int
    """Records that are not in the ledger yet."""
    is_failing: bool
    """Whether it cannot be written now: nothing that costs something is admitted."""
    is_fenced: bool
    """Whether somebody else has taken over this node: nothing is admitted any more."""
    is_recovered: bool
    """Whether nothing of earlier lives is left to bring into the ledger."""


@dataclass(slots=True)
class Treasury:
    """One life of a process, as far as money goes."""

    origin: Origin
    cashier: Cashier
    task_holds: TaskHolds
    vault: Vault
    leases: Leases
    journal: Journal
    shipper: Shipper
    upkeep: Upkeep
    recovered: asyncio.Event
    """Set when nothing of earlier lives is left to do."""
    stack: AsyncExitStack

    @classmethod
    async def open(cls, database: Database, supervisor: Supervisor, place: Place, means: Means) -> Treasury:
        """Begin a life.

        Raises:
            ForeignJournal: the folder belongs to another database.
            JournalRefused: the folder does not keep what is written.
            StorageUnavailable: the database cannot be used now.
            OSError: the folder cannot be used.
        """
        async with AsyncExitStack() as stack:
            treasury = await _Opening(database, supervisor, means, stack).open(place)
            treasury.stack = stack.pop_all()
            return treasury

    async def settle_down(self) -> None:
        """Return when everything settled so far is in the ledger and nothing is leased that no call holds."""
        await self.recovered.wait()
        await self.cashier.flush()
        await self.leases.return_all()

    def figures(self) -> JournalFigures:
        """Return how the journal is doing now."""
        return JournalFigures(
            waiting=self.shipper.waiting,
            is_failing=self.journal.failing,
            is_fenced=self.shipper.fenced,
            is_recovered=self.recovered.is_set(),
        )

    async def close(self) -> None:
        """End this life: ship, repay, close. What the database does not take now stays in the journal."""
        await self.stack.aclose()


async def begin(database: Database, slot: Slot, host: str, now: datetime) -> Origin:
    """Begin the next life of the node that keeps its journal in a slot.

    Raises:
        ForeignJournal: the slot has a journal, but this database never heard of its node.
        StorageUnavailable: the database cannot be used now.
    """
    if segment_numbers(slot.path) and not await database.atomically(nodes.exists(slot.node)):
        raise ForeignJournal(
            f"the journal in {slot.path} belongs to another database (its node is {slot.node});"
            " use the state folder of this database, or move that folder away"
        )
    origin, _ = await database.atomically(nodes.begin(slot.node, host, now, last_epoch(slot.path)))
    return origin


class _Opening:
    """Builds a treasury; what is opened goes on the stack in the order opposite to the one it must be closed in."""

    def __init__(self, database: Database, supervisor: Supervisor, means: Means, stack: AsyncExitStack) -> None:
        self._database = database
        self._supervisor = supervisor
        self._means = means
        self._stack = stack

    async def open(self, place: Place) -> Treasury:
        slot = slots.claim(place.folder, self._means.new_id)
        self._stack.callback(slot.release)
        origin = await begin(self._database, slot, place.host, self._means.now())
        holds = OpenHolds()
        journal = self._journal(slot, origin, place.sync, holds)
        start = Position(journal.position.segment, 0)
        shipper = Shipper(self._database, slot.path, origin, now=self._means.now, random=self._means.random)
        recovery = Recovery(self._database, self._means.now, self._means.random)
        recovered = await self._recover(recovery, slot, origin, start, shipper)
        vault, leases = self._lend(origin)
        diary = Diary(journal, shipper, holds)
        cashier = Cashier(vault, leases, diary, now=self._means.now, recall=self._recall)
        upkeep = Upkeep(self._database, place.folder, slot, origin, place.host, shipper, recovery, self._means.now)
        self._keep(upkeep.run(), "upkeep")
        tasks = TaskHolds(self._database, vault, now=self._means.now, free=cashier.free)
        return Treasury(origin, cashier, tasks, vault, leases, journal, shipper, upkeep, recovered, self._stack)

    def _journal(self, slot: Slot, origin: Origin, sync: Sync, holds: OpenHolds) -> Journal:
        journal = Journal.open(slot.path, origin=origin, sync=sync, supervisor=self._supervisor, carry=holds.records)
        self._stack.push_async_callback(journal.close)
        return journal

    async def _recover(
        self, recovery: Recovery, slot: Slot, origin: Origin, start: Position, shipper: Shipper
    ) -> asyncio.Event:
        """Finish the earlier lives, then ship this one's; wait for the first of it only so long."""
        recovered = asyncio.Event()

        async def run() -> None:
            await recovery.recover(slot.path, origin, start)
            recovered.set()
            await shipper.run(start)

        shipping = self._supervisor.start(run(), name="shipper", endless=True)

        async def finish() -> None:
            shipper.close()
            await asyncio.wait({shipping}, timeout=LAST.total_seconds())
            shipping.cancel()

        self._stack.push_async_callback(finish)
        waiting = self._supervisor.start(recovered.wait(), name="recovery", endless=True)
        await asyncio.wait({waiting}, timeout=PROMPT.total_seconds())
        return recovered

    def _lend(self, origin: Origin) -> tuple[Vault, Leases]:
        vault = Vault(self._database, self._supervisor, origin=origin, now=self._means.now, random=self._means.random)
        vault.start()
        self._stack.push_async_callback(vault.close)
        leases = Leases(vault, self._supervisor, monotonic_ns=self._means.monotonic_ns)
        self._stack.push_async_callback(leases.close)
        self._keep(leases.keep(), "leases")
        return vault, leases

    def _keep(self, work: Coroutine[None, None, None], name: str) -> None:
        """Run until this life ends."""
        self._stack.callback(self._supervisor.start(work, name=name, endless=True).cancel)

    def _recall(self, scope: str) -> None:
        self._supervisor.start(self._announce(Topic.RECALL, scope), name="recall")

    async def _announce(self, topic: Topic, subject: str) -> None:
        with contextlib.suppress(StorageUnavailable):  # Losing it only delays.
            await self._database.atomically(announce(topic, subject, self._means.now()))
