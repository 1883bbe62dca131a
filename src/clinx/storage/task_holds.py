"""Holds of tasks, which outlive their requests: rows of ``reservation`` with terms. Imported by `billing` only."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from clinx.domain.ledger import Reservation, ReservationState
from clinx.domain.money import Amount
from clinx.storage.codec import instant, micros
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict
from clinx.storage.program import Program, Row, execute, fetch

_COLUMNS: Final = "id, user_id, token_id, amount, revision, state, expires_at, charge, terms"


class StoredTaskHold(Struct, frozen=True):
    """A task's hold as its row says."""

    reservation: Reservation
    state: ReservationState
    expires_at: datetime
    charge: Amount | None
    """What it was settled for; None when it was not."""
    terms: str


def _stored(row: Row) -> StoredTaskHold:
    id_, user_id, token_id, amount, revision, state, expires_at, charge, terms = row
    return StoredTaskHold(
        Reservation(id_, user_id, token_id, Amount(amount), revision),
        ReservationState(state),
        instant(expires_at),
        None if charge is None else Amount(charge),
        terms,
    )


async def find(database: Database, id_: str) -> StoredTaskHold | None:
    """Return a task's hold, whatever became of it; None when there is none of that id."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM reservation WHERE id = $1 AND terms IS NOT NULL",  # noqa: S608  (constant columns)
        id_,
    )
    return _stored(rows[0]) if rows else None


async def find_open(database: Database, *, after: str = "", limit: int = 500) -> list[StoredTaskHold]:
    """Return open holds of tasks by id, those behind the id ``after``."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM reservation"  # noqa: S608  (constant columns)
        # A literal: with a parameter in its place no engine would use the index of open holds.
        " WHERE state = 'open' AND terms IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
        after,
        limit,
    )
    return [_stored(row) for row in rows]


def lock(id_: str) -> Program[StoredTaskHold | None]:
    """Read a task's hold and keep it until the commit."""
    rows = yield from fetch(
        f"SELECT {_COLUMNS} FROM reservation"  # noqa: S608  (constant columns)
        " WHERE id = $1 AND terms IS NOT NULL FOR UPDATE",
        id_,
    )
    return _stored(rows[0]) if rows else None


def extend(id_: str, amount: Amount, expires_at: datetime) -> Program[None]:
    """Write a new amount and a new end of an open hold that was locked before.

    Raises:
        StorageConflict: it is not open.
    """
    changed = yield from execute(
        "UPDATE reservation SET amount = $2, expires_at = $3 WHERE id = $1 AND state = 'open'",
        id_,
        amount.nano,
        micros(expires_at),
    )
    if changed != 1:
        raise StorageConflict("a hold changed under the transaction")
