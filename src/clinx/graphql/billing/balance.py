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
    held: Amount = strawberry.field(description="Held in the ledger itself, for tasks and calls that are under way.")
    lent: Amount = strawberry.field(
        description=(
            "Lent to workers, which hold and charge calls out of it, and give back what calls leave for some seconds."
            " It is the user's own: calls may spend it."
        )
    )
    available: Amount = strawberry.field(description="Neither held nor lent.")
    spendable: Amount = strawberry.field(
        description=(
            "What calls may still spend: available and lent, with what workers hold for calls under way. What pages"
            " show: it changes by what is charged, and not by what is lent."
        )
    )

    @classmethod
    def of(cls, balance: ledger.Balance) -> Self:
        """Return a balance as the console shows it."""
        return cls(
            total=balance.total,
            held=balance.held,
            lent=balance.leased,
            available=balance.available,
            spendable=balance.spendable,
        )


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


ACCESS = over("Balance", REACHED, "total", "held", "lent", "available", "spendable")
