"""Moves request logs from the ledger's database to one of their own, all the time, where there is one.

Settling waits for nothing of this: logs are written with the money, as ever, and leave within about a second. While
the other database is away they wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from clinx.storage import log_outbox
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused, StorageUnavailable
from clinx.storage.migrate import migrate
from clinx.storage.program import Row

log = logging.getLogger("clinx.billing")

EVERY: Final = timedelta(seconds=1)
"""How far readers of logs are behind."""
BATCH: Final = 500
"""Logs of one transaction."""
PAUSE: Final = timedelta(milliseconds=20)
"""Between two transactions: others write meanwhile."""
MOST_REFUSED: Final = 1000
"""Logs that may be left behind because of what is in them; if there are more, it is not them."""


class NotForLogs(ValueError):
    """The database for logs is one in which a gateway keeps its books."""

    def __init__(self, where: str) -> None:
        """Say which one."""
        super().__init__(
            f"CLINX_LOG_DATABASE_URL: a gateway keeps its books in {where}; request logs need a database of their own"
        )


class LogMover:
    """Moves what there is. Any number of them may be at it."""

    def __init__(self, database: Database, logs: Database, url: str, *, pause: timedelta = PAUSE) -> None:
        """Name where logs are written, and where they belong, with its URL."""
        self._database = database
        self._logs = logs
        self._url = url
        self._pause = pause
        self._is_ready = False
        self._refused: set[str] = set()

    async def prepare(self) -> None:
        """Bring the database for logs to the newest schema, once, and see whether it is one.

        Raises:
            NotForLogs: it has a ledger; moved there from itself, logs would be lost.
            StorageUnavailable: it cannot be reached or written.
        """
        if not self._is_ready:
            await migrate(self._url)
            if await log_outbox.has_ledger(self._logs):
                raise NotForLogs(self._logs.location.shown)
            self._is_ready = True

    async def move(self) -> int:
        """Move logs, the oldest first, until there are none, or somebody else moves them; return how many that were.

        Raises:
            StorageUnavailable: one of the databases cannot be used now.
            StorageRefused: so many logs were refused that something else must be wrong.
        """
        total, after = 0, log_outbox.BEGINNING
        while page := await log_outbox.oldest(self._database, after, BATCH):
            written = await self._write([row for row in page if log_outbox.id_of(row) not in self._refused])
            dropped = await self._database.atomically(log_outbox.drop([log_outbox.id_of(row) for row in written]))
            total += dropped
            after = log_outbox.place_of(page[-1])
            if len(page) < BATCH or dropped < len(written):
                break
            await asyncio.sleep(self._pause.total_seconds())
        return total

    async def _write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Write rows; return those that are there now: without such as the other database refuses."""
        if not rows:
            return rows
        try:
            await self._logs.atomically(log_outbox.write(rows))
        except StorageRefused as error:
            if len(rows) > 1:
                middle = len(rows) // 2
                return [*await self._write(rows[:middle]), *await self._write(rows[middle:])]
            if len(self._refused) >= MOST_REFUSED:
                raise
            id_ = log_outbox.id_of(rows[0])
            self._refused.add(id_)
            log.error("logs.refused", extra={"id": id_, "reason": str(error)})  # noqa: TRY400  (the reason says it)
            return []
        return rows


async def keep_moving(mover: LogMover, *, every: timedelta = EVERY) -> None:
    """Move again and again, until cancelled; a failure only delays that.

    It ends by itself only when the database is not one for logs.
    """
    failing = False
    while True:
        try:
            await mover.prepare()
            await mover.move()
        except StorageConflict:  # Another process is at it, or a writer was in the way.
            pass
        except NotForLogs as error:
            log.error("logs.misplaced", extra={"reason": str(error)})  # noqa: TRY400  (it is the operator's mistake)
            return
        except (StorageUnavailable, StorageRefused) as error:
            if not failing:  # Once: an hour without a database is no news every second.
                log.warning("logs.delayed", extra={"reason": str(error)})
            failing = True
        else:
            if failing:
                log.info("logs.recovered")
            failing = False
        await asyncio.sleep(every.total_seconds())
