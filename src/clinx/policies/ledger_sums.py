"""What the ledger says a budget's subject has spent, once everything this process settled is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from clinx.domain.money import Amount
from clinx.policies.subject import Scope, Subject
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.spent import Whose, spent


@dataclass(frozen=True, slots=True)
class LedgerSums:
    """Answers the gate's question for a sum."""

    database: Database
    settled: Callable[[], Awaitable[None]]
    """Returns when all that was settled here, and by this place's earlier lives, is in the ledger."""
    patience: float = 2.0
    """Seconds it may take."""
    logs: Database | None = None
    """Where request logs go, if that is another database."""

    async def spent(self, subject: Subject, scopes: Sequence[Scope], since: datetime) -> Amount:
        """Sum what was charged since an instant to whoever shares these scopes with a subject.

        Raises:
            StorageUnavailable: a database cannot be read now, or what was settled does not get there.
        """
        try:
            async with asyncio.timeout(self.patience):
                await self.settled()
        except TimeoutError as error:
            raise StorageUnavailable("what was settled is not in the ledger yet") from error
        of_user = Scope.USER in scopes or Scope.TOKEN in scopes
        whose = Whose(
            user_id=subject.user if of_user else None,
            token_id=subject.token if Scope.TOKEN in scopes else None,
            group=subject.group if Scope.GROUP in scopes else None,
            model=subject.model if Scope.MODEL in scopes else None,
        )
        return await spent(self.database, since, whose, logs=self.logs)
