"""What one operation reads once, however many objects ask for it: tokens, and when they were last used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from strawberry.dataloader import DataLoader

from clinx.domain.identity import Token
from clinx.graphql.context import Context
from clinx.storage import token_lists, tokens


class TokenLoader(DataLoader[int, Token | None]):
    """Tokens by their ids; None for those that were deleted."""

    def __init__(self, context: Context) -> None:
        """Ask nothing yet."""
        super().__init__(load_fn=self._of)
        self._database = context.services.database

    async def _of(self, token_ids: list[int]) -> Sequence[Token | None]:
        found = await tokens.by_ids(self._database, token_ids)
        return [found.get(token_id) for token_id in token_ids]


class LastUsed(DataLoader[int, datetime | None]):
    """When tokens were last used, as far as the request log goes back."""

    def __init__(self, context: Context) -> None:
        """Ask nothing yet."""
        super().__init__(load_fn=self._of)
        self._logs = context.services.logs

    async def _of(self, token_ids: list[int]) -> Sequence[datetime | None]:
        found = await token_lists.last_used(self._logs, token_ids)
        return [found.get(token_id) for token_id in token_ids]
