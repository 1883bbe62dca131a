"""Redemption codes: rows to values and back. Writes go through `billing`; a code itself is never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from clinx.domain.money import Amount
from clinx.storage.codec import instant, micros
from clinx.storage.conditions import Conditions
from clinx.storage.database import Database
from clinx.storage.models import CodeRow
from clinx.storage.program import Program, Row, Value, execute, execute_many, fetch

_COLUMNS: Final = "id, hint, batch, name, amount, state, expires_at, redeemed_at, redeemed_by"


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


@dataclass(frozen=True, slots=True)
class CodeFilter:
    """Which codes are wanted."""

    batch: str | None = None
    state: CodeState | None = None
    hint: str | None = None
    """As it is stored, with its ellipsis."""
    redeemed_by: int | None = None


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
        "UPDATE code SET state = 'redeemed', redeemed_at = $2, redeemed_by = $3"  # noqa: S608  (constant columns)
        " WHERE digest = $1 AND state = 'open' AND (expires_at IS NULL OR expires_at > $2)"
        f" RETURNING {_COLUMNS}",
        digest,
        micros(at),
        user_id,
    )
    return _code(rows[0]) if rows else None


def look_up(digest: str) -> Program[Code | None]:
    """Return the code with that digest."""
    rows = yield from fetch(
        f"SELECT {_COLUMNS} FROM code WHERE digest = $1",  # noqa: S608  (constant columns)
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


async def page(database: Database, wanted: CodeFilter, *, at: datetime, below: int | None, limit: int) -> list[Code]:
    """Return codes, the latest made first, of ids below that one; states are as they are at the instant."""
    conditions = _conditions(wanted, at)
    if below is not None:
        conditions.add("id < $?", below)
    most = conditions.place(limit)
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM code {conditions.where} ORDER BY id DESC LIMIT {most}",  # noqa: S608  (constant columns)
        *conditions.values,
    )
    return [_code(row) for row in rows]


async def count(database: Database, wanted: CodeFilter, *, at: datetime, most: int) -> int:
    """Return how many codes there are, counted up to ``most``."""
    conditions = _conditions(wanted, at)
    limit = conditions.place(most)
    rows = await database.fetch(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM code {conditions.where} LIMIT {limit}) AS found",  # noqa: S608  (constants)
        *conditions.values,
    )
    return rows[0][0]


def _conditions(wanted: CodeFilter, at: datetime) -> Conditions:
    conditions = Conditions()
    if wanted.batch is not None:
        conditions.add("batch = $?", wanted.batch)
    if wanted.hint is not None:
        conditions.add("hint = $?", wanted.hint)
    if wanted.redeemed_by is not None:
        conditions.add("redeemed_by = $?", wanted.redeemed_by)
    match wanted.state:
        case None:
            pass
        case CodeState.OPEN:
            conditions.add("state = 'open' AND (expires_at IS NULL OR expires_at > $?)", micros(at))
        case CodeState.EXPIRED:
            conditions.add("state = 'open' AND expires_at <= $?", micros(at))
        case CodeState.REDEEMED | CodeState.DISABLED:
            conditions.add("state = $?", wanted.state.value)
    return conditions


async def batches(database: Database, now: datetime) -> list[BatchOfCodes]:
    """Return all batches, oldest first."""
    found = await _batches(database, now, "", "ORDER BY MIN(id)")
    return [batch for batch, _ in found]


async def page_of_batches(
    database: Database, *, at: datetime, below: int | None, limit: int
) -> list[tuple[BatchOfCodes, int]]:
    """Return batches, the latest first, each with the id of its first code: those whose id is below that one."""
    rest = ("" if below is None else "HAVING MIN(id) < $2 ") + "ORDER BY MIN(id) DESC LIMIT "
    values = [limit] if below is None else [below, limit]
    return await _batches(database, at, "", f"{rest}${len(values) + 1}", *values)


async def get_batch(database: Database, batch: str, *, at: datetime) -> BatchOfCodes | None:
    """Return a batch."""
    found = await _batches(database, at, "WHERE batch = $2 ", "", batch)
    return found[0][0] if found else None


async def count_batches(database: Database, *, most: int) -> int:
    """Return how many batches there are, counted up to ``most``."""
    rows = await database.fetch("SELECT COUNT(*) FROM (SELECT DISTINCT batch FROM code LIMIT $1) AS found", most)
    return rows[0][0]


async def _batches(
    database: Database, now: datetime, where: str, rest: str, *values: Value
) -> list[tuple[BatchOfCodes, int]]:
    rows = await database.fetch(
        "SELECT MIN(id), batch, name, amount, created_by, created_at, expires_at,"  # noqa: S608  (constants)
        " CAST(SUM(CASE WHEN state = 'open' AND (expires_at IS NULL OR expires_at > $1) THEN 1 ELSE 0 END) AS bigint),"
        " CAST(SUM(CASE WHEN state = 'redeemed' THEN 1 ELSE 0 END) AS bigint),"
        " CAST(SUM(CASE WHEN state = 'disabled' THEN 1 ELSE 0 END) AS bigint),"
        " CAST(SUM(CASE WHEN state = 'open' AND expires_at <= $1 THEN 1 ELSE 0 END) AS bigint)"
        f" FROM code {where}GROUP BY batch, name, amount, created_by, created_at, expires_at {rest}",
        micros(now),
        *values,
    )
    return [
        (BatchOfCodes(batch, name, Amount(amount), by, instant(at), _instant(expiry), *counts), first)
        for first, batch, name, amount, by, at, expiry, *counts in rows
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
