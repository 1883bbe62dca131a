"""The read side: what a user has, what moved it, what was spent, and whether the books balance."""

from __future__ import annotations

from datetime import datetime

from clinx.domain.identity import User
from clinx.domain.ledger import Balance, LedgerEntry
from clinx.storage import statements
from clinx.storage.database import Database
from clinx.storage.statements import DailySpend, Discrepancy, OpenHold


async def balance(database: Database, user: User) -> Balance:
    """Return what a user has, and how much of it is held."""
    return await statements.balance(database, user.account)


async def entries(database: Database, user: User, *, before: int | None = None, limit: int = 50) -> list[LedgerEntry]:
    """Return a user's ledger entries, newest first; page on with the last one's id as ``before``."""
    return await statements.entries(database, user.account, before=before, limit=limit)


async def spend(database: Database, user: User, since: datetime) -> list[DailySpend]:
    """Return what a user was charged on each day (UTC) since an instant, oldest first."""
    return await statements.spend_by_day(database, user.account, since)


async def holds(database: Database, user: User, *, limit: int = 50) -> list[OpenHold]:
    """Return a user's open holds, with the instants they expire; those that expire first are first."""
    return await statements.open_holds(database, user.id, limit=limit)


async def discrepancies(database: Database) -> list[Discrepancy]:
    """Return the accounts whose balance is not the sum of their entries, or whose held is not that of open holds."""
    return await statements.discrepancies(database)
