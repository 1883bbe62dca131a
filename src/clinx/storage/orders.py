"""Top-up orders and what was said about them: rows to values and back. Writes go through `billing.orders`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clinx.domain.money import Amount
from clinx.domain.order import Order, OrderState, Outcome, PaymentEvent, PaymentProvider, before
from clinx.storage.codec import clean, instant, micros
from clinx.storage.conditions import Conditions
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, execute, fetch, json_rows

_LONGEST_DETAIL: Final = 1000
_COLUMNS: Final = (
    "id, user_id, provider, method, amount, price, currency, state, reference, created_at, expires_at, settled_at,"
    " asked_at"
)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders are wanted."""

    user_id: int | None = None
    state: OrderState | None = None
    provider: PaymentProvider | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""


def insert(order: Order) -> Program[None]:
    """Write a new order.

    Raises:
        StorageRefused: the id is taken.
    """
    yield from execute(
        f"INSERT INTO topup_order ({_COLUMNS})"  # noqa: S608  (a constant list of columns)
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        order.id,
        order.user_id,
        order.provider.value,
        order.method,
        order.amount.nano,
        order.price,
        order.currency,
        order.state.value,
        order.reference,
        micros(order.created_at),
        micros(order.expires_at),
        _micros(order.settled_at),
        _micros(order.asked_at),
    )


def lock(order_id: str) -> Program[Order | None]:
    """Read an order and keep it until the commit."""
    rows = yield from fetch(
        f"SELECT {_COLUMNS} FROM topup_order WHERE id = $1 FOR UPDATE",  # noqa: S608  (a constant list of columns)
        order_id,
    )
    return _order(rows[0]) if rows else None


def move(order_id: str, state: OrderState, at: datetime) -> Program[bool]:
    """Pass an order into a state, if it may from where it is; say whether it did."""
    changed = yield from execute(
        "UPDATE topup_order SET state = $2, settled_at = $3 WHERE id = $1"
        " AND state IN (SELECT value ->> 0 FROM json_array_elements($4))",
        order_id,
        state.value,
        micros(at),
        json_rows((each.value,) for each in sorted(before(state))),
    )
    return changed == 1


def bind(order_id: str, reference: str) -> Program[bool]:
    """Write the provider's own id of an order that has none, or has this one; say whether it is this one now.

    Raises:
        StorageRefused: another order of the provider has it.
    """
    changed = yield from execute(
        "UPDATE topup_order SET reference = $2 WHERE id = $1 AND (reference IS NULL OR reference = $2)",
        order_id,
        reference,
    )
    return changed == 1


def owner(provider: PaymentProvider, reference: str) -> Program[str | None]:
    """Return the id of the order that a provider's own id belongs to, if it belongs to one."""
    rows = yield from fetch(
        "SELECT id FROM topup_order WHERE provider = $1 AND reference = $2", provider.value, reference
    )
    return rows[0][0] if rows else None


def note(event: PaymentEvent) -> Program[None]:
    """Keep what was said and what came of it, unless the same is there already."""
    yield from execute(
        'INSERT INTO payment_event (provider, event, "order", outcome, address, at, detail)'
        " SELECT CAST($1 AS text), CAST($2 AS text), CAST($3 AS text), CAST($4 AS text), CAST($5 AS text),"
        " CAST($6 AS bigint), CAST($7 AS text) WHERE NOT EXISTS (SELECT 1 FROM payment_event"
        " WHERE provider = CAST($1 AS text) AND event = CAST($2 AS text) AND outcome = CAST($4 AS text))",
        event.provider.value,
        clean(event.event, 255),
        _clean(event.order, 64),
        event.outcome.value,
        _clean(event.address, 64),
        micros(event.at),
        _clean(event.detail, _LONGEST_DETAIL),
    )


def claim(now: datetime, *, after: timedelta, until: timedelta, limit: int) -> Program[list[Order]]:
    """Take pending orders of an age to ask about, the longest unasked first, and write that they are asked now.

    One that was asked before waits a quarter of the age it had then, and at least ``after``.
    """
    rows = yield from fetch(
        f"SELECT {_COLUMNS} FROM topup_order WHERE state = 'pending'"  # noqa: S608  (a constant list of columns)
        " AND created_at <= $1 AND created_at > $2 AND (asked_at IS NULL"
        " OR (asked_at <= $1 AND 4 * ($3 - asked_at) >= asked_at - created_at))"
        " ORDER BY COALESCE(asked_at, 0), id LIMIT $4 FOR UPDATE SKIP LOCKED",
        micros(now - after),
        micros(now - until),
        micros(now),
        limit,
    )
    yield from execute(
        "UPDATE topup_order SET asked_at = $1 WHERE id IN (SELECT value ->> 0 FROM json_array_elements($2))",
        micros(now),
        json_rows((row[0],) for row in rows),
    )
    return [_order(row) for row in rows]


def expire_older(created_before: datetime, at: datetime) -> Program[int]:
    """Expire every pending order that is older; return how many there were."""
    return (
        yield from execute(
            "UPDATE topup_order SET state = 'expired', settled_at = $2 WHERE state = 'pending' AND created_at <= $1",
            micros(created_before),
            micros(at),
        )
    )


async def get(database: Database, order_id: str) -> Order | None:
    """Return an order."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM topup_order WHERE id = $1",  # noqa: S608  (a constant list of columns)
        order_id,
    )
    return _order(rows[0]) if rows else None


async def latest(
    database: Database, *, user_id: int | None = None, state: OrderState | None = None, limit: int = 50
) -> list[Order]:
    """Return orders, newest first: all, or a user's, or those in a state."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM topup_order"  # noqa: S608  (a constant list of columns)
        " WHERE (CAST($1 AS bigint) IS NULL OR user_id = CAST($1 AS bigint))"
        " AND (CAST($2 AS text) IS NULL OR state = CAST($2 AS text)) ORDER BY created_at DESC, id LIMIT $3",
        user_id,
        None if state is None else state.value,
        limit,
    )
    return [_order(row) for row in rows]


async def page(
    database: Database, wanted: OrderFilter, *, after: tuple[datetime, str] | None, limit: int
) -> list[Order]:
    """Return orders, the latest first, after the one of that instant and id."""
    conditions = _conditions(wanted)
    if after is not None:
        conditions.add("(created_at, id) < ($?, $?)", micros(after[0]), after[1])
    most = conditions.place(limit)
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM topup_order {conditions.where}"  # noqa: S608  (a constant list of columns)
        f" ORDER BY created_at DESC, id DESC LIMIT {most}",
        *conditions.values,
    )
    return [_order(row) for row in rows]


async def count(database: Database, wanted: OrderFilter, *, most: int) -> int:
    """Return how many orders there are, counted up to ``most``."""
    conditions = _conditions(wanted)
    limit = conditions.place(most)
    rows = await database.fetch(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM topup_order {conditions.where} LIMIT {limit}) AS found",  # noqa: S608  (constants)
        *conditions.values,
    )
    return rows[0][0]


def _conditions(wanted: OrderFilter) -> Conditions:
    conditions = Conditions()
    if wanted.user_id is not None:
        conditions.add("user_id = $?", wanted.user_id)
    if wanted.state is not None:
        conditions.add("state = $?", wanted.state.value)
    if wanted.provider is not None:
        conditions.add("provider = $?", wanted.provider.value)
    if wanted.since is not None:
        conditions.add("created_at >= $?", micros(wanted.since))
    if wanted.until is not None:
        conditions.add("created_at < $?", micros(wanted.until))
    return conditions


async def events_of(database: Database, order_ids: Collection[str]) -> dict[str, list[PaymentEvent]]:
    """Return what was said about orders, by their ids, oldest first; those nobody spoke of are absent."""
    rows = await database.fetch(
        'SELECT provider, event, "order", outcome, address, at, detail FROM payment_event'
        ' WHERE "order" IN (SELECT value ->> 0 FROM json_array_elements($1)) ORDER BY id',
        json_rows((each,) for each in order_ids),
    )
    found: dict[str, list[PaymentEvent]] = {}
    for row in rows:
        found.setdefault(row[2], []).append(_event(row))
    return found


async def events(database: Database, order_id: str) -> list[PaymentEvent]:
    """Return what was said about an order, oldest first."""
    rows = await database.fetch(
        'SELECT provider, event, "order", outcome, address, at, detail FROM payment_event WHERE "order" = $1'
        " ORDER BY id",
        order_id,
    )
    return [_event(row) for row in rows]


def _order(row: Row) -> Order:
    id_, user_id, provider, method, amount, price, currency, state, reference, created, expires, settled, asked = row
    return Order(
        id_,
        user_id,
        PaymentProvider(provider),
        method,
        Amount(amount),
        price,
        currency,
        OrderState(state),
        reference,
        instant(created),
        instant(expires),
        _instant(settled),
        _instant(asked),
    )


def _event(row: Row) -> PaymentEvent:
    provider, event, order, outcome, address, at, detail = row
    return PaymentEvent(PaymentProvider(provider), event, order, Outcome(outcome), address, instant(at), detail)


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _instant(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


def _clean(text: str | None, limit: int) -> str | None:
    return None if text is None else clean(text, limit)
