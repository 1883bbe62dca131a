"""What was: where it is found, and the tasks that sum it up, move it to where it belongs and forget it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime

from clinx.billing.folding import keep_folding
from clinx.billing.log_mover import LogMover, keep_moving
from clinx.billing.retention import keep_pruning
from clinx.domain.console import Keep
from clinx.domain.request_log import Keeper
from clinx.settings import Settings
from clinx.storage import request_logs
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.log_outbox import check_kind
from clinx.telemetry.tasks import Supervisor


@dataclass(frozen=True, slots=True)
class History:
    """Where a process finds what was."""

    database: Database
    """Where money and sums are, and logs are written."""
    logs: Database
    """Where logs are read; the same database, unless the settings name another."""
    url: str
    """Of the other one, if there is one."""

    @classmethod
    async def open(cls, settings: Settings, database: Database, stack: AsyncExitStack) -> History:
        """Open the database for logs; one that is away now is opened all the same.

        Raises:
            ValueError: its URL is not understood, or it is of another kind than the first.
            StorageUnavailable: it is a file, and the place cannot be written.
        """
        if not (url := settings.log_database_url):
            return cls(database, database, url)
        check_kind(database, url)
        logs = await Database.connect(url, may_be_away=True)
        stack.push_async_callback(logs.close)
        return cls(database, logs, url)

    async def keeper(self, user_id: int, answer: str) -> Keeper | None:
        """Return who keeps an answer of a user's, by the id the upstream gave it.

        Raises:
            StorageUnavailable: a database cannot be read now.
        """
        return await request_logs.keeper(self.database, user_id, answer, logs=self.logs)

    async def keep(self, supervisor: Supervisor, keep: Callable[[], Keep], now: Callable[[], datetime]) -> None:
        """Start to sum up, to forget, and to move logs; once the ledger is open, for by that it is told from logs.

        Raises:
            NotForLogs: what the settings name for logs is a database with a ledger.
        """
        supervisor.start(keep_folding(self.database), name="rollups", endless=True)
        pruning = keep_pruning(self.database, keep=keep, now=now, logs=self.logs)
        supervisor.start(pruning, name="retention", endless=True)
        if self.url:
            mover = LogMover(self.database, self.logs, self.url)
            with suppress(StorageUnavailable):  # It tries again, and says so.
                await mover.prepare()
            supervisor.start(keep_moving(mover), name="log mover", endless=True)
