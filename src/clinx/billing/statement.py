"""The read side: what a user or a token has, what moved it, and what was spent."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from clinx.domain.identity import Token, User
from clinx.domain.ledger import Balance, LedgerEntry
from clinx.errors import TokenDisabled
from clinx.storage import statements
from clinx.storage.database import Database
from clinx.storage.statements import Allowance, OpenHold, SpendBy, Spent


async def balance(database: Database, user: User) -> Balance:
    """Return what a user has, and how much of it is held or leased."""
    return await statements.balance(database, user.account)


async def entries(database: Database, user: User, *, before: int | None = None, limit: int = 50) -> list[LedgerEntry]:
    """Return a user's ledger entries, newest first; page on with the last one's id as ``before``."""
    return await statements.entries(database, user.account, before=before, limit=limit)


async def spend(
    database: Database,
    user: User | None,
    since: date,
    until: date,
    *,
    by: Collection[SpendBy] = (),
    token: Token | None = None,
) -> list[Spent]:
    """Sum what a user, or everyone, spent from one day (UTC) to another, both included; through one token if given.

    The newest day is first, then the dearest row; at most `statements.MOST_ROWS`. Without keys there is one row, or
    none when nothing was spent. Refunds and adjustments are no spend.
    """
    return await statements.spend(
        database,
        None if user is None else user.id,
        since,
        until,
        by=by,
        token_id=None if token is None else token.id,
    )


async def allowance(database: Database, token: Token) -> Allowance:
    """Return what a token has spent, and what is left for it: of its budget, or else of its user's balance.

    Raises:
        TokenDisabled: it was deleted meanwhile.
    """
    found = await statements.allowance(database, token.id)
    if found is None:
        raise TokenDisabled("This API key was revoked.", hint="Ask the operator for a new one.")
    return found


async def holds(database: Database, user: User, *, limit: int = 50) -> list[OpenHold]:
    """Return a user's open holds, with the instants they expire; those that expire first are first."""
    return await statements.open_holds(database, user.id, limit=limit)
