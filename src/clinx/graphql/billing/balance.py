"""What a user has."""

from __future__ import annotations

from typing import Self

import strawberry

from clinx.domain import ledger
from clinx.domain.identity import user_account
from clinx.domain.money import Amount
from clinx.graphql.billing.loaders import Balances
from clinx.graphql.context import Context
from clinx.graphql.permissions import over
from clinx.graphql.users.whose import REACHED
from clinx.storage import statements


@strawberry.type(name="Balance", description="What a user has, and how much of it is bound.")
class BalanceNode:
    """A balance."""

    total: Amount = strawberry.field(description="The sum of all ledger entries.")
    held: Amount = strawberry.field(description="Held for calls that are under way, or lent to workers for them.")
    available: Amount = strawberry.field(description="What may still be spent.")

    @classmethod
    def of(cls, balance: ledger.Balance) -> Self:
        """Return a balance as the console shows it."""
        return cls(total=balance.total, held=balance.held + balance.leased, available=balance.available)


async def balance_of(context: Context, user_id: int) -> BalanceNode:
    """Return what a user has; of many users in one operation, read at once.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    return BalanceNode.of(await context.loader(Balances).load(user_id))


async def balance_now(context: Context, user_id: int) -> BalanceNode:
    """Return what a user has after it was changed.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    found = await statements.balance(context.services.database, user_account(user_id))
    context.loader(Balances).prime(user_id, found, force=True)
    return BalanceNode.of(found)


ACCESS = over("Balance", REACHED, "total", "held", "available")
