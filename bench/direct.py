"""Direct mode: every hold of an account that is not leased is a transaction of the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.bank import HOLD, RICH, Call, life, make_caller, now
from clinx.billing.treasury import Treasury
from clinx.domain.money import ZERO, Amount
from clinx.storage import audit
from clinx.storage.database import Database

CALLS = 5_000
ALMOST_TWO = str(HOLD + HOLD - Amount(1))
"""Too little to be parted: one call at a time, each of which needs what the last one gave back."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Of one account's calls, each held by the database."""

    per_second: float
    cpu: float
    """Microseconds of the whole process per call; its end and its log are shipped in that time."""


async def frozen(database: Database, folder: Path, connections: int) -> Rate:
    """Measure an account that the audit has frozen: rich, and never leased."""
    caller = await make_caller(database, balance=RICH)
    await database.atomically(audit.freeze([caller.user.account], now()))
    return await _rate(database, folder, [Call.of(caller) for _ in range(CALLS)], connections)


async def poor(database: Database, folder: Path) -> Rate:
    """Measure an account whose next call can be paid only when the last one is in the ledger."""
    caller = await make_caller(database, balance=ALMOST_TWO)
    calls = [replace(Call.of(caller), charge=ZERO) for _ in range(CALLS // 5)]
    return await _rate(database, folder, calls, 1)


async def _rate(database: Database, folder: Path, calls: list[Call], connections: int) -> Rate:
    left = iter(calls)
    async with life(database, folder) as treasury:
        began, busy = time.perf_counter(), time.process_time()
        await asyncio.gather(*(_run(treasury, left) for _ in range(connections)))
        await treasury.cashier.flush()
        seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    return Rate(len(calls) / seconds, cpu / len(calls) * 1e6)


async def _run(treasury: Treasury, calls: Iterator[Call]) -> None:
    for call in calls:
        await call.run(treasury.cashier)
