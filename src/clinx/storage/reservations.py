"""Holds, and the budgets of tokens they count against. Imported by `billing` only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from clinx.domain.identity import Status
from clinx.domain.ledger import Reservation, ReservationState
from clinx.domain.money import ZERO, Amount
from clinx.storage.codec import instant, micros
from clinx.storage.failures import StorageConflict
from clinx.storage.program import Program, Row, execute_many, fetch, json_rows


class StoredReservation(Struct, frozen=True):
    """A reservation as its row says."""

    reservation: Reservation
    state: ReservationState


class TokenBudget(Struct, frozen=True):
    """What decides whether a token may hold: its own state, its user's, and what is left of its budget."""

    status: Status
    user_status: Status
    expires_at: datetime | None
    budget: Amount | None
    spent: Amount
    held: Amount


class BudgetMovement(Struct, frozen=True):
    """How one token's sums change."""

    token_id: int
    spent: Amount = ZERO
    held: Amount = ZERO
    guarded: bool = False
    """Whether the change must stay within the budget: true when it admits a hold, false for settlements."""


_COLUMNS = "id, user_id, token_id, amount, revision, state"


def _stored(row: Row) -> StoredReservation:
    id_, user_id, token_id, amount, revision, state = row
    return StoredReservation(Reservation(id_, user_id, token_id, Amount(amount), revision), ReservationState(state))


def lock(ids: Collection[str]) -> Program[dict[str, StoredReservation]]:
    """Read reservations and keep them until the commit; unknown ids are absent from the answer."""
    if not ids:
        return {}
    rows = yield from fetch(
        f"SELECT {_COLUMNS} FROM reservation"  # noqa: S608  (a constant list of columns)
        " WHERE id IN (SELECT value ->> 0 FROM json_array_elements($1)) ORDER BY id FOR UPDATE",
        json_rows((id_,) for id_ in ids),
    )
    return {row[0]: _stored(row) for row in rows}


def lock_expired(now: datetime, limit: int) -> Program[list[Reservation]]:
    """Read at most ``limit`` open reservations whose time is over, and keep them until the commit."""
    rows = yield from fetch(
        f"SELECT {_COLUMNS} FROM reservation"  # noqa: S608  (a constant list of columns)
        # A literal: with a parameter in its place no engine would use the index of open holds.
        " WHERE state = 'open' AND expires_at <= $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
        micros(now),
        limit,
    )
    return [_stored(row).reservation for row in rows]


def lock_budgets(token_ids: Collection[int]) -> Program[dict[int, TokenBudget]]:
    """Read tokens with their users' state and keep the tokens until the commit; deleted ones are absent."""
    if not token_ids:
        return {}
    rows = yield from fetch(
        'SELECT t.id, t.status, u.status, t.expires_at, t.budget, t.spent, t.held FROM token t JOIN "user" u'
        " ON u.id = t.user_id"
        " WHERE t.id IN (SELECT CAST(value ->> 0 AS bigint) FROM json_array_elements($1))"
        " ORDER BY t.id FOR UPDATE OF t",
        json_rows((id_,) for id_ in token_ids),
    )
    return {
        id_: TokenBudget(
            Status(status),
            Status(user_status),
            None if expires_at is None else instant(expires_at),
            None if budget is None else Amount(budget),
            Amount(spent),
            Amount(held),
        )
        for id_, status, user_status, expires_at, budget, spent, held in rows
    }


def move_budgets(movements: Sequence[BudgetMovement]) -> Program[None]:
    """Change tokens' sums, all or none; the condition is in the statement itself. Deleted tokens are passed over.

    Raises:
        StorageConflict: a guarded token is disabled or would exceed its budget.
        OverflowError: a sum outgrows its column.
    """
    if not movements:
        return
    rows = yield from fetch(
        "UPDATE token SET spent = spent + d_spent, held = held + d_held"
        " FROM (SELECT CAST(value ->> 0 AS bigint) AS d_id, CAST(value ->> 1 AS bigint) AS d_spent,"
        " CAST(value ->> 2 AS bigint) AS d_held, CAST(value ->> 3 AS bigint) AS guarded"
        " FROM json_array_elements($1)) AS d"
        " WHERE id = d_id AND (guarded = 0 OR (status = 'active'"
        " AND (budget IS NULL OR budget - spent - d_spent - held - d_held >= 0)))"
        " RETURNING id, spent, held",
        json_rows((m.token_id, m.spent.nano, m.held.nano, int(m.guarded)) for m in movements),
    )
    moved: set[int] = {id_ for id_, spent, held in rows if Amount(spent) >= ZERO and Amount(held) >= ZERO}
    if any(m.guarded and m.token_id not in moved for m in movements):
        raise StorageConflict("a token changed under the transaction")


def insert(reservations: Sequence[tuple[Reservation, datetime]], now: datetime) -> Program[None]:
    """Write open reservations, each with the instant it expires.

    Raises:
        StorageRefused: an id is taken.
    """
    created = micros(now)
    yield from execute_many(
        "INSERT INTO reservation (id, user_id, token_id, amount, state, revision, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, 'open', $5, $6, $7)",
        [(r.id, r.user_id, r.token_id, r.amount.nano, r.revision, created, micros(end)) for r, end in reservations],
    )


def resolve(resolutions: Sequence[tuple[str, ReservationState, Amount | None]]) -> Program[None]:
    """Write the end of reservations that were locked before: (id, state, charge)."""
    yield from execute_many(
        "UPDATE reservation SET state = $2, charge = $3 WHERE id = $1 AND state IN ('open', 'expired')",
        [(id_, state.value, None if charge is None else charge.nano) for id_, state, charge in resolutions],
    )
