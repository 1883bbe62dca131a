"""What the ledger costs the calls that are answered, and how far it is behind them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.bank import Call, life, make_caller
from clinx.billing.journal.files import Position
from clinx.billing.treasury import Treasury
from clinx.domain.identity import Principal
from clinx.storage.database import Database

CALLS = 20_000
SLICE = 100
"""Calls between two turns of the event loop."""

TICK = 0.005
"""Seconds between two looks of the paced run: what its lags are exact to."""
MOST_BEHIND = 2_000
"""Records that may wait in the run that goes as fast as the shipper does."""


class Watched:
    """Awaits a coroutine and tells whether that had to wait."""

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._coroutine = coroutine
        self.waited = False

    def __await__(self) -> Generator[Any, Any, None]:
        running = self._coroutine.__await__()
        for wanted in running:
            self.waited = True
            yield wanted


@dataclass(slots=True)
class Cost:
    """Of a hold and a settlement; CPU in microseconds."""

    calls: int = 0
    waited: list[int] = field(default_factory=list[int])
    """Which calls waited for the database."""
    calling: float = 0.0
    """In the calls that waited for nothing."""
    behind: float = 0.0
    """All else: renewals, the shipper, the database's driver, syncing."""


async def cost(database: Database, folder: Path, caller: Principal, calls: int = CALLS) -> Cost:
    """Hold and settle in slices, with a turn of the loop between them."""
    found, seconds, warm = Cost(calls), 0.0, 0
    async with life(database, folder) as treasury:
        began = time.process_time()
        for done in range(0, calls, SLICE):
            batch = [Call.of(caller) for _ in range(SLICE)]
            before = time.thread_time()
            waited = 0
            for number, call in enumerate(batch):
                watched = Watched(call.run(treasury.cashier))
                await watched
                if watched.waited:
                    found.waited.append(done + number)
                    waited += 1
            if not waited:  # Else others had the thread for a while.
                seconds += time.thread_time() - before
                warm += SLICE
            await asyncio.sleep(0)
        await treasury.cashier.flush()
        whole = time.process_time() - began
    found.calling = seconds / max(warm, 1) * 1e6
    found.behind = whole / calls * 1e6 - found.calling - making(caller)
    return found


def making(caller: Principal) -> float:
    """Return what making a call up costs: it is ours, not the ledger's."""
    began = time.thread_time()
    for _ in range(5_000):
        Call.of(caller)
    return (time.thread_time() - began) / 5_000 * 1e6


@dataclass(slots=True)
class Lags:
    """Milliseconds from a settlement's return to the commit that has it."""

    treasury: Treasury
    waited: int = 0
    """Calls that waited for the database."""
    seen: list[float] = field(default_factory=list[float])
    waiting: deque[tuple[Position, float]] = field(default_factory=deque[tuple[Position, float]])

    async def call(self, caller: Principal) -> None:
        watched = Watched(Call.of(caller).run(self.treasury.cashier))
        await watched
        self.waited += watched.waited
        self.waiting.append((self.treasury.journal.position, time.monotonic()))

    def look(self) -> None:
        shipped, at = self.treasury.shipper.shipped, time.monotonic()
        while self.waiting and self.waiting[0][0] <= shipped:
            self.seen.append((at - self.waiting.popleft()[1]) * 1000)

    def percentile(self, percent: int) -> float:
        return sorted(self.seen)[min(len(self.seen) * percent // 100, len(self.seen) - 1)]


async def lag(database: Database, folder: Path, rate: int, seconds: float) -> Lags:
    """Settle at a steady rate and watch the ledger follow."""
    caller = await make_caller(database)
    async with life(database, folder) as treasury:
        lags, began, done = Lags(treasury), time.monotonic(), 0
        while done < rate * seconds:
            await asyncio.sleep(TICK)
            due = int(min(time.monotonic() - began, seconds) * rate)
            for _ in range(due - done):
                await lags.call(caller)
            done = due
            lags.look()
        while lags.waiting:
            await asyncio.sleep(TICK)
            lags.look()
    return lags


async def fastest(database: Database, folder: Path, seconds: float) -> float:
    """Return how many calls a second are held, settled and in the ledger when the shipper sets the pace."""
    caller = await make_caller(database)
    async with life(database, folder) as treasury:
        await Call.of(caller).run(treasury.cashier)
        await treasury.cashier.flush()
        began, done = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            if treasury.shipper.waiting > MOST_BEHIND:
                await asyncio.sleep(0.001)
                continue
            for _ in range(SLICE):
                await Call.of(caller).run(treasury.cashier)
            done += SLICE
            await asyncio.sleep(0)
        await treasury.cashier.flush()
        return done / (time.monotonic() - began)
