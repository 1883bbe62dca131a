"""What people read about money: balances, entries, open holds, and what was spent on what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from clinx.domain.ledger import Balance, EntryKind, LedgerEntry
from clinx.domain.money import ZERO, Amount
from clinx.storage.codec import instant, micros
from clinx.storage.conditions import Conditions
from clinx.storage.database import Database
from clinx.storage.models import AccountRow, EntryRow
from clinx.storage.program import Row

MOST_ROWS: Final = 1000
"""Rows of spend that one question is answered with, at most."""

_FIRST_DAY: Final = date(1970, 1, 1)
_ENTRY: Final = "id, event, account, amount, kind, at, revision, detail"


class SpendBy(StrEnum):
    """What spend may be grouped by."""

    DAY = "day"
    MODEL = "model"
    TOKEN = "token"  # noqa: S105  (a column, not a secret)
    GROUP = "group"


_COLUMNS: Final[Mapping[SpendBy, str]] = {
    SpendBy.DAY: "day",
    SpendBy.MODEL: "model",
    SpendBy.TOKEN: "token_id",
    SpendBy.GROUP: '"group"',
}
"""In this order, whatever the caller's."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are wanted."""

    account: str | None
    """None is the account of any user, and all that moved it but charges."""
    kind: EntryKind | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What settled calls cost, summed up. A key that was not grouped by is None."""

    calls: int
    charge: Amount
    input_tokens: int
    output_tokens: int
    day: date | None = None
    """In UTC."""
    model: str | None = None
    """The public name; empty when a call named none."""
    token_id: int | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one token may spend: its budget, or else its user's balance."""

    spent: Amount
    """What the token was charged since it was issued."""
    left: Amount
    """Not spent yet; held and leased amounts are part of it. Negative when more was charged than there was."""
    budgeted: bool
    """Whether a budget bounds it."""

    @property
    def granted(self) -> Amount:
        """What it could spend in all."""
        return self.spent + self.left


@dataclass(frozen=True, slots=True)
class OpenHold:
    """An amount held for an exchange that has not ended, or whose process was killed."""

    id: str
    """The exchange's request id."""
    token_id: int
    amount: Amount
    expires_at: datetime
    """When the sweep frees it, at the latest a minute later."""


async def balance(database: Database, account: str) -> Balance:
    """Return what an account has; an account never used has nothing."""
    with database.reading() as client:
        row = await AccountRow.get_or_none(name=account, using_db=client)
    return Balance(ZERO, ZERO) if row is None else Balance(Amount(row.balance), Amount(row.held), Amount(row.leased))


async def entries(database: Database, account: str, *, before: int | None = None, limit: int = 50) -> list[LedgerEntry]:
    """Return an account's entries, newest first, older than the entry ``before``."""
    with database.reading() as client:
        query = EntryRow.filter(account=account).using_db(client)
        if before is not None:
            query = query.filter(id__lt=before)
        rows = await query.order_by("-id").limit(limit)
    return [
        _entry((row.id, row.event, row.account, row.amount, row.kind, row.at, row.revision, row.detail)) for row in rows
    ]


async def balances(database: Database, accounts: Collection[str]) -> dict[str, Balance]:
    """Return what accounts have, by name; those never used are absent."""
    with database.reading() as client:
        rows = await AccountRow.filter(name__in=list(accounts)).using_db(client)
    return {row.name: Balance(Amount(row.balance), Amount(row.held), Amount(row.leased)) for row in rows}


async def entry(database: Database, entry_id: int) -> LedgerEntry | None:
    """Return the entry of that id."""
    rows = await database.fetch(f"SELECT {_ENTRY} FROM entry WHERE id = $1", entry_id)  # noqa: S608  (constant columns)
    return _entry(rows[0]) if rows else None


async def page_of_entries(
    database: Database, wanted: EntryFilter, *, after: tuple[datetime, int] | None, limit: int
) -> list[LedgerEntry]:
    """Return entries, the latest first, after the one of that instant and id."""
    conditions = _conditions(wanted)
    if after is not None:
        conditions.add("(at, id) < ($?, $?)", micros(after[0]), after[1])
    most = conditions.place(limit)
    rows = await database.fetch(
        f"SELECT {_ENTRY} FROM entry {conditions.where} ORDER BY at DESC, id DESC LIMIT {most}",  # noqa: S608  (constant columns)
        *conditions.values,
    )
    return [_entry(row) for row in rows]


async def count_entries(database: Database, wanted: EntryFilter, *, most: int) -> int:
    """Return how many entries there are, counted up to ``most``."""
    conditions = _conditions(wanted)
    limit = conditions.place(most)
    rows = await database.fetch(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM entry {conditions.where} LIMIT {limit}) AS found",  # noqa: S608  (constants)
        *conditions.values,
    )
    return rows[0][0]


def _conditions(wanted: EntryFilter) -> Conditions:
    conditions = Conditions()
    if wanted.account is not None:
        conditions.add("account = $?", wanted.account)
    else:  # Written out, for only so the index of these is known to fit.
        conditions.add("kind <> 'charge' AND substr(account, 1, 5) = 'user:'")
    if wanted.kind is not None:
        conditions.add("kind = $?", wanted.kind.value)
    if wanted.since is not None:
        conditions.add("at >= $?", micros(wanted.since))
    if wanted.until is not None:
        conditions.add("at < $?", micros(wanted.until))
    return conditions


def _entry(row: Row) -> LedgerEntry:
    id_, event, account, amount, kind, at, revision, detail = row
    return LedgerEntry(id_, event, account, Amount(amount), EntryKind(kind), instant(at), revision, detail)


async def spend(
    database: Database,
    user_id: int | None,
    since: date,
    until: date,
    *,
    by: Collection[SpendBy] = (),
    token_id: int | None = None,
) -> list[Spent]:
    """Sum what was spent from one day (UTC) to another, both included: by a user, through a token, or by everyone.

    Newest day first, then the dearest; at most `MOST_ROWS`. Without keys there is one row, or none when nothing was
    spent. Refunds and adjustments are no spend.
    """
    keys = [key for key in _COLUMNS if key in by]
    columns = [_COLUMNS[key] for key in keys]
    order = [*(["day DESC"] if SpendBy.DAY in by else []), "dearest DESC", *columns]
    conditions = {"user_id": user_id, "token_id": token_id}
    wanted = {column: value for column, value in conditions.items() if value is not None}
    rows = await database.fetch(
        "SELECT "  # noqa: S608  (constant columns)
        + "".join(f"{column}, " for column in columns)
        + "CAST(SUM(calls) AS bigint), CAST(SUM(charge) AS bigint) AS dearest,"
        " CAST(SUM(input_tokens) AS bigint), CAST(SUM(output_tokens) AS bigint)"
        " FROM spend WHERE day >= $1 AND day <= $2"
        + "".join(f" AND {column} = ${number}" for number, column in enumerate(wanted, 3))
        + (f" GROUP BY {', '.join(columns)}" if columns else "")
        + f" ORDER BY {', '.join(order)} LIMIT {MOST_ROWS}",
        _day_number(since),
        _day_number(until),
        *wanted.values(),
    )
    # Without a group SQL sums nothing to NULL.
    return [_spend(dict(zip(keys, row, strict=False)), *row[len(keys) :]) for row in rows if row[-1] is not None]


def _day_number(day: date) -> int:
    return (day - _FIRST_DAY).days


def _spend(found: Mapping[SpendBy, Any], calls: int, charge: int, input_tokens: int, output_tokens: int) -> Spent:
    day = found.get(SpendBy.DAY)
    return Spent(
        calls,
        Amount(charge),
        input_tokens,
        output_tokens,
        day=None if day is None else _FIRST_DAY + timedelta(days=day),
        model=found.get(SpendBy.MODEL),
        token_id=found.get(SpendBy.TOKEN),
        group=found.get(SpendBy.GROUP),
    )


async def allowance(database: Database, token_id: int) -> Allowance | None:
    """Return what a token has spent and what is left for it, read at once; None when there is no such token."""
    rows = await database.fetch(
        "SELECT t.budget, t.spent, COALESCE(a.balance, 0) FROM token t"
        " LEFT JOIN account a ON a.name = 'user:' || t.user_id WHERE t.id = $1",
        token_id,
    )
    if not rows:
        return None
    budget, spent, balance_ = rows[0]
    left = balance_ if budget is None else budget - spent
    return Allowance(Amount(spent), Amount(left), budgeted=budget is not None)


async def open_holds(database: Database, user_id: int, *, limit: int = 50) -> list[OpenHold]:
    """Return a user's open holds; those that expire first are first."""
    rows = await database.fetch(
        # A literal: with a parameter in its place no engine would use the index of open holds.
        "SELECT id, token_id, amount, expires_at FROM reservation WHERE state = 'open' AND user_id = $1"
        " ORDER BY expires_at, id LIMIT $2",
        user_id,
        limit,
    )
    return [OpenHold(id_, token_id, Amount(amount), instant(end)) for id_, token_id, amount, end in rows]
