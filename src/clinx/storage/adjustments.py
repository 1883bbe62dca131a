"""Adjustments of balances that wait for a second person: rows to values and back. Writes go through `billing`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinx.domain.adjustment import Adjustment, AdjustmentState, Proposed
from clinx.domain.ledger import PROMO, EntryKind
from clinx.domain.money import Amount
from clinx.storage.codec import clean, instant, micros
from clinx.storage.conditions import Conditions
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, execute, fetch

_COLUMNS: Final = "id, user_id, amount, reason, proposer_id, actor, key, at, expires_at, state, decided_by, decided_at"
_ACTOR: Final = 128
_REASON: Final = 1000


@dataclass(frozen=True, slots=True)
class AdjustmentFilter:
    """Which proposals are wanted."""

    state: AdjustmentState | None = None
    user_id: int | None = None


def insert(proposed: Proposed) -> Program[Adjustment]:
    """Write a proposal, pending.

    Raises:
        StorageRefused: the proposer used the key before, or it is too long.
    """
    rows = yield from fetch(
        "INSERT INTO adjustment (user_id, amount, reason, proposer_id, actor, key, at, expires_at, state)"  # noqa: S608  (constant columns)
        f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending') RETURNING {_COLUMNS}",
        proposed.user_id,
        proposed.amount.nano,
        clean(proposed.reason, _REASON),
        proposed.proposer_id,
        clean(proposed.actor, _ACTOR),
        proposed.key,
        micros(proposed.at),
        micros(proposed.expires_at),
    )
    return _adjustment(rows[0])


def of_key(proposer_id: int, key: str) -> Program[Adjustment | None]:
    """Return what somebody proposed under a key of theirs."""
    rows = yield from fetch(
        f"SELECT {_COLUMNS} FROM adjustment WHERE proposer_id = $1 AND key = $2",  # noqa: S608  (constant columns)
        proposer_id,
        key,
    )
    return _adjustment(rows[0]) if rows else None


def look_up(id_: int) -> Program[Adjustment | None]:
    """Return a proposal."""
    rows = yield from fetch(f"SELECT {_COLUMNS} FROM adjustment WHERE id = $1", id_)  # noqa: S608  (constant columns)
    return _adjustment(rows[0]) if rows else None


def decide(id_: int, state: AdjustmentState, by: int, at: datetime) -> Program[bool]:
    """Decide about a proposal that waits and has not expired; of many who try, one does."""
    changed = yield from execute(
        "UPDATE adjustment SET state = $2, decided_by = $3, decided_at = $4"
        " WHERE id = $1 AND state = 'pending' AND expires_at > $4",
        id_,
        state.value,
        by,
        micros(at),
    )
    return changed == 1


def given_since(prefix: str, since: datetime) -> Program[Amount]:
    """Return the sum of the grants since an instant whose events begin with a prefix."""
    rows = yield from fetch(
        "SELECT CAST(COALESCE(-SUM(amount), 0) AS bigint) FROM entry WHERE account = $1 AND at >= $2 AND kind = $3"
        " AND substr(event, 1, CAST($4 AS integer)) = $5",
        PROMO,
        micros(since),
        EntryKind.GRANT.value,
        len(prefix),
        prefix,
    )
    return Amount(rows[0][0])


def printed_since(since: datetime) -> Program[dict[str, Amount]]:
    """Return what the codes are worth that were made since an instant, by who made them."""
    rows = yield from fetch(
        "SELECT created_by, CAST(SUM(amount) AS bigint) FROM code WHERE created_at >= $1 GROUP BY created_by",
        micros(since),
    )
    return {maker: Amount(amount) for maker, amount in rows}


async def get(database: Database, id_: int) -> Adjustment | None:
    """Return a proposal.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    return await database.look(look_up(id_))


async def page(
    database: Database, wanted: AdjustmentFilter, *, at: datetime, below: int | None, limit: int
) -> list[Adjustment]:
    """Return proposals, the latest first, of ids below that one; states are as they are at the instant."""
    conditions = _conditions(wanted, at)
    if below is not None:
        conditions.add("id < $?", below)
    most = conditions.place(limit)
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM adjustment {conditions.where} ORDER BY id DESC LIMIT {most}",  # noqa: S608  (constant columns)
        *conditions.values,
    )
    return [_adjustment(row) for row in rows]


async def count(database: Database, wanted: AdjustmentFilter, *, at: datetime, most: int) -> int:
    """Return how many proposals there are, counted up to ``most``."""
    conditions = _conditions(wanted, at)
    limit = conditions.place(most)
    rows = await database.fetch(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM adjustment {conditions.where} LIMIT {limit}) AS found",  # noqa: S608  (constants)
        *conditions.values,
    )
    return rows[0][0]


def _conditions(wanted: AdjustmentFilter, at: datetime) -> Conditions:
    conditions = Conditions()
    if wanted.user_id is not None:
        conditions.add("user_id = $?", wanted.user_id)
    match wanted.state:
        case None:
            pass
        case AdjustmentState.PENDING:
            conditions.add("state = 'pending' AND expires_at > $?", micros(at))
        case AdjustmentState.EXPIRED:
            conditions.add("state = 'pending' AND expires_at <= $?", micros(at))
        case AdjustmentState.APPROVED | AdjustmentState.REJECTED:
            conditions.add("state = $?", wanted.state.value)
    return conditions


def _adjustment(row: Row) -> Adjustment:
    id_, user_id, amount, reason, proposer_id, actor, key, at, expires_at, state, decided_by, decided_at = row
    return Adjustment(
        id_,
        Proposed(user_id, Amount(amount), reason, proposer_id, actor, key, instant(at), instant(expires_at)),
        AdjustmentState(state),
        decided_by,
        None if decided_at is None else instant(decided_at),
    )
