"""Redemption codes: rows to values and back. Writes go through `billing`; a code itself is never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clinx.domain.money import Amount
from clinx.storage.codec import instant, micros
from clinx.storage.database import Database
from clinx.storage.models import CodeRow
from clinx.storage.program import Program, Row, execute, execute_many, fetch


class CodeState(StrEnum):
    """The life of a code: open, then one of the others."""

    OPEN = "open"
    REDEEMED = "redeemed"
    DISABLED = "disabled"
    EXPIRED = "expired"
    """Never stored: an open code whose time is over."""


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code before it has an id."""

    digest: str
    hint: str
    batch: str
    name: str
    amount: Amount
    created_by: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Code:
    """What is known of a code."""

    id: int
    hint: str
    batch: str
    name: str
    amount: Amount
    state: CodeState
    expires_at: datetime | None
    redeemed_at: datetime | None
    redeemed_by: int | None

    def state_at(self, at: datetime) -> CodeState:
        """Return its state at an instant: an open one may have expired."""
        is_over = self.expires_at is not None and self.expires_at <= at
        return CodeState.EXPIRED if self.state is CodeState.OPEN and is_over else self.state


@dataclass(frozen=True, slots=True)
class BatchOfCodes:
    """Codes that were made together, counted by their states."""

    id: str
    name: str
    amount: Amount
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    open: int
    redeemed: int
    disabled: int
    expired: int


def insert(codes: Sequence[NewCode]) -> Program[None]:
    """Write codes, open.

    Raises:
        StorageRefused: a digest is taken.
    """
    yield from execute_many(
        "INSERT INTO code (digest, hint, batch, name, amount, state, created_by, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8)",
        [
            (
                c.digest,
                c.hint,
                c.batch,
                c.name,
                c.amount.nano,
                c.created_by,
                micros(c.created_at),
                _micros(c.expires_at),
            )
            for c in codes
        ],
    )


def claim(digest: str, user_id: int, at: datetime) -> Program[Code | None]:
    """Mark an open code that has not expired as redeemed by a user and return it; None when there is no such one.

    The condition is in the statement itself, so of many who try one gets it.
    """
    rows = yield from fetch(
        "UPDATE code SET state = 'redeemed', redeemed_at = $2, redeemed_by = $3"
        " WHERE digest = $1 AND state = 'open' AND (expires_at IS NULL OR expires_at > $2)"
        " RETURNING id, hint, batch, name, amount, state, expires_at, redeemed_at, redeemed_by",
        digest,
        micros(at),
        user_id,
    )
    return _code(rows[0]) if rows else None


def look_up(digest: str) -> Program[Code | None]:
    """Return the code with that digest."""
    rows = yield from fetch(
        "SELECT id, hint, batch, name, amount, state, expires_at, redeemed_at, redeemed_by FROM code WHERE digest = $1",
        digest,
    )
    return _code(rows[0]) if rows else None


def disable(code_id: int) -> Program[int]:
    """Withdraw a code if it is open; return how many were."""
    return (yield from execute("UPDATE code SET state = 'disabled' WHERE id = $1 AND state = 'open'", code_id))


def disable_batch(batch: str) -> Program[int]:
    """Withdraw the codes of a batch that are open; return how many were."""
    return (yield from execute("UPDATE code SET state = 'disabled' WHERE batch = $1 AND state = 'open'", batch))


async def get(database: Database, code_id: int) -> Code | None:
    """Return the code of that id."""
    with database.reading() as client:
        row = await CodeRow.get_or_none(id=code_id, using_db=client)
    return None if row is None else _from_row(row)


async def find_by_hint(database: Database, hint: str) -> list[Code]:
    """Return the codes with that hint: usually one."""
    with database.reading() as client:
        rows = await CodeRow.filter(hint=hint).using_db(client).order_by("id")
    return [_from_row(row) for row in rows]


async def of_batch(database: Database, batch: str) -> list[Code]:
    """Return the codes of a batch, in the order they were made."""
    with database.reading() as client:
        rows = await CodeRow.filter(batch=batch).using_db(client).order_by("id")
    return [_from_row(row) for row in rows]


async def batches(database: Database, now: datetime) -> list[BatchOfCodes]:
    """Return all batches, oldest first."""
    rows = await database.fetch(
        "SELECT batch, name, amount, created_by, created_at, expires_at,"
        " CAST(SUM(CASE WHEN state = 'open' AND (expires_at IS NULL OR expires_at > $1) THEN 1 ELSE 0 END) AS bigint),"
        " CAST(SUM(CASE WHEN state = 'redeemed' THEN 1 ELSE 0 END) AS bigint),"
        " CAST(SUM(CASE WHEN state = 'disabled' THEN 1 ELSE 0 END) AS bigint),"
        " CAST(SUM(CASE WHEN state = 'open' AND expires_at <= $1 THEN 1 ELSE 0 END) AS bigint)"
        " FROM code GROUP BY batch, name, amount, created_by, created_at, expires_at ORDER BY MIN(id)",
        micros(now),
    )
    return [
        BatchOfCodes(batch, name, Amount(amount), by, instant(at), _instant(expiry), *counts)
        for batch, name, amount, by, at, expiry, *counts in rows
    ]


def _code(row: Row) -> Code:
    id_, hint, batch, name, amount, state, expires_at, redeemed_at, redeemed_by = row
    return Code(
        id_,
        hint,
        batch,
        name,
        Amount(amount),
        CodeState(state),
        _instant(expires_at),
        _instant(redeemed_at),
        redeemed_by,
    )


def _from_row(row: CodeRow) -> Code:
    return _code(
        (
            row.id,
            row.hint,
            row.batch,
            row.name,
            row.amount,
            row.state,
            row.expires_at,
            row.redeemed_at,
            row.redeemed_by,
        )
    )


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _instant(value: int | None) -> datetime | None:
    return None if value is None else instant(value)
