"""What one operation reads once, however many objects ask for it: users, and what they may still spend."""

from __future__ import annotations

from collections.abc import Sequence

from strawberry.dataloader import DataLoader

from clinx.domain.identity import User, user_account
from clinx.domain.money import ZERO, Amount
from clinx.graphql.context import Context
from clinx.storage import lookups, statements


class UserLoader(DataLoader[int, User | None]):
    """Users by their ids; None where there is none."""

    def __init__(self, context: Context) -> None:
        """Ask nothing yet."""
        super().__init__(load_fn=self._of)
        self._database = context.services.database

    async def _of(self, user_ids: list[int]) -> Sequence[User | None]:
        found = await lookups.users_by_ids(self._database, user_ids)
        return [found.get(user_id) for user_id in user_ids]


class Available(DataLoader[int, Amount]):
    """What users may still spend, by their ids; those who never had anything, nothing."""

    def __init__(self, context: Context) -> None:
        """Ask nothing yet."""
        super().__init__(load_fn=self._of)
        self._database = context.services.database

    async def _of(self, user_ids: list[int]) -> Sequence[Amount]:
        accounts = [user_account(user_id) for user_id in user_ids]
        found = await statements.balances(self._database, accounts)
        return [found[account].available if account in found else ZERO for account in accounts]
