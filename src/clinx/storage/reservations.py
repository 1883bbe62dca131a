"""Holds, and the budgets of tokens they count against. Imported by `billing` only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from clinx.domain.identity import Status
from clinx.domain.ledger import Origin, Reservation, ReservationState
from clinx.domain.money import ZERO, Amount
from clinx.storage.codec import instant, micros
from clinx.storage.failures import StorageConflict
from clinx.storage.program import Program, Row, Value, execute, fetch, json_rows


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
    leased: Amount = ZERO


class BudgetMovement(Struct, frozen=True):
    """How one token's sums change."""

    token_id: int
    spent: Amount = ZERO
    held: Amount = ZERO
    leased: Amount = ZERO
    guarded: bool = False
    """Whether the change must stay within the budget: true when it holds or lends, false for settlements."""


class NewReservation(Struct, frozen=True):
    """A row to write, open until it expires."""

    reservation: Reservation
    expires_at: datetime
    origin: Origin | None
    """The life of the process that holds it; a task's hold belongs to none."""
    terms: str | None = None


_SILENT = timedelta(days=1)
"""How long a node is silent before its holds are ended like those of the dead: beyond any clock's error."""

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
        " WHERE state = 'open' AND expires_at <= $1"
        # A living process ends its own holds, whatever somebody else's clock says.
        " AND NOT EXISTS (SELECT 1 FROM node n WHERE n.id = reservation.node AND n.epoch = reservation.epoch"
        " AND n.seen_at > $3) ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
        micros(now),
        limit,
        micros(now - _SILENT),
    )
    return [_stored(row).reservation for row in rows]


def lock_orphans(node: str, before: int, after: str, limit: int) -> Program[list[Reservation]]:
    """Read open reservations of a node's lives before an epoch, and keep them until the commit.

    At most ``limit`` of them, with ids after ``after``; tasks' holds belong to no node.
    """
    rows = yield from fetch(
        f"SELECT {_COLUMNS} FROM reservation"  # noqa: S608  (a constant list of columns)
        " WHERE state = 'open' AND node = $1 AND epoch < $2 AND id > $3 ORDER BY id LIMIT $4 FOR UPDATE",
        node,
        before,
        after,
        limit,
    )
    return [_stored(row).reservation for row in rows]


def lock_budgets(token_ids: Collection[int]) -> Program[dict[int, TokenBudget]]:
    """Read tokens with their users' state and keep the tokens until the commit; deleted ones are absent."""
    if not token_ids:
        return {}
    rows = yield from fetch(
        "SELECT t.id, t.status, u.status, t.expires_at, t.budget, t.spent, t.held, t.leased"
        ' FROM token t JOIN "user" u ON u.id = t.user_id'
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
            Amount(leased),
        )
        for id_, status, user_status, expires_at, budget, spent, held, leased in rows
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
        "UPDATE token SET spent = spent + d_spent, held = held + d_held, leased = leased + d_leased"
        " FROM (SELECT CAST(value ->> 0 AS bigint) AS d_id, CAST(value ->> 1 AS bigint) AS d_spent,"
        " CAST(value ->> 2 AS bigint) AS d_held, CAST(value ->> 3 AS bigint) AS d_leased,"
        " CAST(value ->> 4 AS bigint) AS guarded FROM json_array_elements($1)) AS d"
        " WHERE id = d_id AND (guarded = 0 OR (status = 'active'"
        " AND (budget IS NULL OR budget - spent - d_spent - held - d_held - leased - d_leased >= 0)))"
        " RETURNING id, spent, held, leased",
        json_rows((m.token_id, m.spent.nano, m.held.nano, m.leased.nano, int(m.guarded)) for m in movements),
    )
    moved: set[int] = {id_ for id_, *sums in rows if all(Amount(value) >= ZERO for value in sums)}
    if any(m.guarded and m.token_id not in moved for m in movements):
        raise StorageConflict("a token changed under the transaction")


def insert(reservations: Sequence[NewReservation], now: datetime) -> Program[None]:
    """Write open reservations.

    Raises:
        StorageRefused: an id is taken.
    """
    if not reservations:
        return
    yield from execute(
        "INSERT INTO reservation"
        " (id, user_id, token_id, amount, state, revision, created_at, expires_at, node, epoch, terms)"
        " SELECT value ->> 0, CAST(value ->> 1 AS bigint), CAST(value ->> 2 AS bigint), CAST(value ->> 3 AS bigint),"
        " 'open', value ->> 4, CAST($1 AS bigint), CAST(value ->> 5 AS bigint), value ->> 6,"
        " CAST(value ->> 7 AS bigint), value ->> 8 FROM json_array_elements($2)",
        micros(now),
        json_rows(_values(new) for new in reservations),
    )


def _values(new: NewReservation) -> tuple[Value, ...]:
    held, origin = new.reservation, new.origin
    node, epoch = (origin.node, origin.epoch) if origin is not None else (None, 0)
    return (
        held.id,
        held.user_id,
        held.token_id,
        held.amount.nano,
        held.revision,
        micros(new.expires_at),
        node,
        epoch,
        new.terms,
    )


def resolve(resolutions: Sequence[tuple[str, ReservationState, Amount | None]]) -> Program[None]:
    """Write the end of reservations that were locked before: (id, state, charge)."""
    if not resolutions:
        return
    yield from execute(
        "UPDATE reservation SET state = new_state, charge = new_charge"
        " FROM (SELECT value ->> 0 AS new_id, value ->> 1 AS new_state, CAST(value ->> 2 AS bigint) AS new_charge"
        " FROM json_array_elements($1)) AS d WHERE id = new_id AND state IN ('open', 'expired')",
        json_rows((id_, state.value, None if charge is None else charge.nano) for id_, state, charge in resolutions),
    )
