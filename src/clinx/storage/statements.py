"""What people read about money: balances, entries, spend by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from clinx.domain.ledger import Balance, EntryKind, LedgerEntry
from clinx.domain.money import ZERO, Amount
from clinx.storage.codec import instant, micros
from clinx.storage.database import Database
from clinx.storage.models import AccountRow, EntryRow

_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class DailySpend:
    """What an account paid in charges on one day, in UTC."""

    day: date
    charges: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class OpenHold:
    """An amount held for an exchange that has not ended, or whose process was killed."""

    id: str
    """The exchange's request id."""
    token_id: int
    amount: Amount
    expires_at: datetime
    """When the sweep frees it, at the latest a minute later."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """An account whose cached sums differ from their causes: a defect, never to be mended by itself."""

    account: str
    cached: Balance
    actual: Balance


async def balance(database: Database, account: str) -> Balance:
    """Return what an account has; an account never used has nothing."""
    with database.reading() as client:
        row = await AccountRow.get_or_none(name=account, using_db=client)
    return Balance(ZERO, ZERO) if row is None else Balance(Amount(row.balance), Amount(row.held))


async def entries(database: Database, account: str, *, before: int | None = None, limit: int = 50) -> list[LedgerEntry]:
    """Return an account's entries, newest first, older than the entry ``before``."""
    with database.reading() as client:
        query = EntryRow.filter(account=account).using_db(client)
        if before is not None:
            query = query.filter(id__lt=before)
        rows = await query.order_by("-id").limit(limit)
    return [
        LedgerEntry(
            row.id,
            row.event,
            row.account,
            Amount(row.amount),
            EntryKind(row.kind),
            instant(row.at),
            row.revision,
            row.detail,
        )
        for row in rows
    ]


async def spend_by_day(database: Database, account: str, since: datetime) -> list[DailySpend]:
    """Sum an account's charges for each day (UTC) since an instant, oldest first."""
    rows = await database.fetch(
        "SELECT at / $1 AS day, COUNT(*) AS charges, CAST(-SUM(amount) AS bigint) AS spent FROM entry"
        " WHERE account = $2 AND kind = $3 AND at >= $4 GROUP BY 1 ORDER BY 1",
        _DAY,
        account,
        EntryKind.CHARGE.value,
        micros(since),
    )
    return [DailySpend(instant(day * _DAY).date(), count, Amount(amount)) for day, count, amount in rows]


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


async def discrepancies(database: Database) -> list[Discrepancy]:
    """Compare every account's cached sums with its entries and its open holds; return those that differ."""
    rows = await database.fetch(
        "SELECT name, balance, held, entered, holding FROM (SELECT a.name, a.balance, a.held,"
        " CAST(COALESCE((SELECT SUM(e.amount) FROM entry e WHERE e.account = a.name), 0) AS bigint) AS entered,"
        " CAST(COALESCE((SELECT SUM(r.amount) FROM reservation r WHERE r.state = 'open'"
        " AND 'user:' || r.user_id = a.name), 0) AS bigint) AS holding FROM account a) AS s"
        " WHERE balance <> entered OR held <> holding ORDER BY name",
    )
    return [
        Discrepancy(name, Balance(Amount(total), Amount(held)), Balance(Amount(entered), Amount(holding)))
        for name, total, held, entered, holding in rows
    ]
