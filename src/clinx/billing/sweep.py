"""Ends the direct holds of exchanges that never came back: a killed process, a lost node."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container, Sequence
from datetime import datetime, timedelta
from typing import Final

from clinx.billing.books import Books, Locked
from clinx.domain.identity import user_account
from clinx.domain.ledger import Origin, Reservation, ReservationState
from clinx.storage import ledger, reservations
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.program import Program
from clinx.storage.reservations import StoredReservation

log = logging.getLogger("clinx.billing")

BATCH: Final = 500
EVERY: Final = timedelta(minutes=1)


async def sweep(database: Database, now: datetime) -> int:
    """Expire every open hold whose time is over and free what it held; return how many there were.

    An exchange that settles later is still charged. Safe to run beside the vault and in several processes.

    Raises:
        StorageUnavailable: the database cannot be written now.
    """
    total = 0
    while (expired := await database.atomically(_expire(now))) == BATCH:
        total += expired
    return total + expired


async def keep_sweeping(database: Database, *, now: Callable[[], datetime], every: timedelta = EVERY) -> None:
    """Sweep at once and then again and again, until cancelled; a failure only delays the next one."""
    failing = False
    while True:
        try:
            expired = await sweep(database, now())
        except StorageUnavailable as error:
            if not failing:  # Once: an hour without a database is no news every minute.
                log.warning("billing.sweep_failed", extra={"reason": str(error)})
            failing = True
        else:
            failing = False
            if expired:
                log.warning("billing.holds_expired", extra={"count": expired})
        await asyncio.sleep(every.total_seconds())


async def release_orphans(database: Database, origin: Origin, now: datetime, keep: Container[str]) -> int:
    """Expire what earlier lives of a node hold and nobody will settle: every open hold whose id is not kept.

    Only when those processes are dead. One that is settled after all is still charged. Returns how many there were.

    Raises:
        StorageUnavailable: the database cannot be written now.
    """
    total, after = 0, ""
    while True:
        last, expired = await database.atomically(_orphans(origin, now, after, keep))
        total += expired
        if last is None:
            return total
        after = last


def _orphans(origin: Origin, now: datetime, after: str, keep: Container[str]) -> Program[tuple[str | None, int]]:
    found = yield from reservations.lock_orphans(origin.node, origin.epoch, after, BATCH)
    expired = [reservation for reservation in found if reservation.id not in keep]
    yield from _end(expired, now)
    return found[-1].id if len(found) == BATCH else None, len(expired)


def _expire(now: datetime) -> Program[int]:
    expired = yield from reservations.lock_expired(now, BATCH)
    yield from _end(expired, now)
    return len(expired)


def _end(expired: Sequence[Reservation], now: datetime) -> Program[None]:
    accounts = yield from ledger.lock_accounts({user_account(reservation.user_id) for reservation in expired})
    budgets = yield from reservations.lock_budgets({reservation.token_id for reservation in expired})
    books = Books(now, Locked(_open(expired), accounts, budgets))
    books.expire()
    yield from ledger.move(books.movements)
    yield from reservations.move_budgets(books.budget_movements)
    yield from reservations.resolve([(id_, *books.resolved[id_]) for id_ in sorted(books.resolved)])


def _open(expired: Sequence[Reservation]) -> dict[str, StoredReservation]:
    return {reservation.id: StoredReservation(reservation, ReservationState.OPEN) for reservation in expired}
