"""What one operation reads once, however many objects ask for it: balances, and what was said of orders."""

from __future__ import annotations

from collections.abc import Sequence

from strawberry.dataloader import DataLoader

from clinx.domain.identity import user_account
from clinx.domain.ledger import Balance
from clinx.domain.money import ZERO
from clinx.domain.order import PaymentEvent
from clinx.graphql.context import Context
from clinx.storage import orders, statements

_NOTHING = Balance(ZERO, ZERO)


class Balances(DataLoader[int, Balance]):
    """What users have, by their ids; those who never had anything have nothing."""

    def __init__(self, context: Context) -> None:
        """Ask nothing yet."""
        super().__init__(load_fn=self._of)
        self._database = context.services.database

    async def _of(self, user_ids: list[int]) -> Sequence[Balance]:
        accounts = [user_account(user_id) for user_id in user_ids]
        found = await statements.balances(self._database, accounts)
        return [found.get(account, _NOTHING) for account in accounts]


class Sayings(DataLoader[str, list[PaymentEvent]]):
    """What providers said of orders, by the orders' ids."""

    def __init__(self, context: Context) -> None:
        """Ask nothing yet."""
        super().__init__(load_fn=self._of)
        self._database = context.services.database

    async def _of(self, order_ids: list[str]) -> Sequence[list[PaymentEvent]]:
        found = await orders.events_of(self._database, order_ids)
        return [found.get(order_id, []) for order_id in order_ids]
