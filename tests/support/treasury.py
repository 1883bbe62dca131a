"""A treasury over a real database and a journal of the test's own.

async with Bank(database, tmp_path) as bank:
    held = await bank.hold(caller, "0.10")
    await bank.cashier.settle(held, Amount.parse("0.03"), log=request_log(held.id, caller))

Two banks over one folder, with different names, are two processes of one machine.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from clinx.billing.cashier import Cashier, Wanted
from clinx.billing.journal.durability import Sync
from clinx.billing.treasury import Means, Place, Treasury
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import Amount
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor

LIFETIME = timedelta(minutes=35)
"""Of a hold in the database."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Bank:
    """One life of a process after another, as far as money goes."""

    database: Database
    folder: Path
    sync: Sync = Sync.OFF
    name: str = "node"
    """What the nodes it makes are called: no two banks of a database may share it."""
    monotonic_ns: Callable[[], int] = time.monotonic_ns
    _ids: Iterator[int] = field(default_factory=itertools.count)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        await self.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.end()

    async def begin(self) -> Treasury:
        """Begin a life."""
        self.supervisor = Supervisor()
        self._stack.push_async_callback(self.supervisor.close)
        place = Place(self.folder / "journal", "test", self.sync)
        means = Means(now, self.monotonic_ns, Random(1), lambda: f"{self.name}_{next(self._ids)}_{self.folder.name}")
        self.treasury = await Treasury.open(self.database, self.supervisor, place, means)
        self._stack.push_async_callback(self.treasury.close)
        return self.treasury

    def rest(self) -> None:
        """Let this life do its rounds only when it is asked to."""
        for task in self.supervisor._tasks:
            if task.get_name() == "upkeep":
                task.cancel()

    async def end(self) -> None:
        """End it in an orderly way."""
        await self._stack.aclose()

    async def crash(self) -> None:
        """End it as a kill does while no call waits: what is not written by now is never written."""
        tasks = set(self.supervisor._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self._stack.aclose()  # Nobody is left who would write, so this only lets go of the files.

    @property
    def cashier(self) -> Cashier:
        return self.treasury.cashier

    async def hold(  # noqa: PLR0913  (what a test does not care about has a default)
        self,
        caller: Principal,
        amount: str,
        *,
        request_id: str | None = None,
        whole: str | None = None,
        floor: str = "0",
        unresolved: Unresolved = Unresolved.METERED,
        cost: str | None = None,
        whole_cost: str | None = None,
    ) -> Reservation:
        """Hold an amount under an id that was never used."""
        wanted = Wanted(
            request_id=request_id or f"req_{next(self._ids)}_{time.monotonic_ns()}",
            revision="r1",
            amount=Amount.parse(amount),
            whole=Amount.parse(whole or amount),
            lifetime=LIFETIME,
            floor=Amount.parse(floor),
            unresolved=unresolved,
            cost=None if cost is None else Amount.parse(cost),
            whole_cost=None if whole_cost is None else Amount.parse(whole_cost),
        )
        return await self.cashier.reserve(caller, wanted)
