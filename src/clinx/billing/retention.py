"""Forgets history when its time is over: logs, fine sums, ended holds, and what sign-in leaves behind.

Money is never forgotten: entries, orders, codes and the sums by the day stay.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from clinx.domain.console import Keep
from clinx.storage import audit_log, retention
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageUnavailable
from clinx.storage.program import Program
from clinx.storage.retention import Old

log = logging.getLogger("clinx.billing")

EVERY: Final = timedelta(minutes=10)
"""Time between two rounds."""
BATCH: Final = 500
"""Rows of one transaction."""
PAUSE: Final = timedelta(milliseconds=50)
"""Between two transactions: others write meanwhile."""
HOLDS: Final = timedelta(days=30)
"""How long resolved holds are kept: longer than a journal from which a restored database is rolled forward."""
COUNTED: Final = timedelta(days=30)
"""The same of the exchanges that cost nothing."""
IDEMPOTENCY: Final = timedelta(days=2)
"""How long a repeated request of the console comes to the same."""

Forget = Callable[[], Program[int]]
"""Makes the transaction that forgets one batch; that returns how many rows there were."""


async def prune(
    database: Database, keep: Keep, *, now: datetime, pause: timedelta = PAUSE, logs: Database | None = None
) -> Mapping[str, int]:
    """Forget everything whose time is over; return how much, by kind. Safe to run in several processes.

    Where request logs have a database of their own, they are forgotten there and where they wait; there last, so that
    the rest does not depend on it.

    Raises:
        StorageUnavailable: a database cannot be written now.
    """
    found = await _forget(database, _due(keep, now), pause)
    if logs is None or logs is database:
        return found
    there = await _forget(logs, _due_logs(keep, now), pause)
    return {name: found.get(name, 0) + there.get(name, 0) for name in (*found, *there)}


async def _forget(database: Database, due: Iterable[tuple[str, Forget]], pause: timedelta) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for name, forget in due:
        while count := await database.atomically(forget()):
            found[name] = found.get(name, 0) + count
            if count < BATCH:
                break
            await asyncio.sleep(pause.total_seconds())
    return found


def _due(keep: Keep, now: datetime) -> Iterator[tuple[str, Forget]]:
    yield from _due_logs(keep, now)
    for old, length in (
        (Old.MINUTES, keep.minutes),
        (Old.HOURS, keep.hours),
        (Old.HOLDS, HOLDS),
        (Old.COUNTED, COUNTED),
        (Old.SESSIONS, timedelta()),
        (Old.CHALLENGES, timedelta()),
        (Old.IDEMPOTENCY, IDEMPOTENCY),
    ):
        yield old.name.lower(), partial(retention.forget, old, now - length, limit=BATCH)
    if keep.audit is not None:
        yield "audit", partial(audit_log.trim, now - keep.audit, limit=BATCH)


def _due_logs(keep: Keep, now: datetime) -> Iterator[tuple[str, Forget]]:
    if keep.request_logs is not None:
        old = Old.REQUEST_LOGS
        yield old.name.lower(), partial(retention.forget, old, now - keep.request_logs, limit=BATCH)


async def keep_pruning(
    database: Database,
    *,
    keep: Callable[[], Keep],
    now: Callable[[], datetime],
    every: timedelta = EVERY,
    logs: Database | None = None,
) -> None:
    """Forget again and again, until cancelled; a failure only delays the next round."""
    failing = False
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            found = await prune(database, keep(), now=now(), logs=logs)
        except StorageConflict:
            continue
        except StorageUnavailable as error:
            if not failing:  # Once: an hour without a database is no news every few minutes.
                log.warning("retention.delayed", extra={"reason": str(error)})
            failing = True
            continue
        failing = False
        if found:
            log.info("retention.forgotten", extra=dict(found))
