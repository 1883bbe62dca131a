"""Adds what batches of the ledger wrote down to the sums of dashboards, all the time."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from clinx.storage import rollups
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageUnavailable

log = logging.getLogger("clinx.billing")

EVERY: Final = timedelta(seconds=3)
"""How far dashboards are behind, and how long facts are gathered: the more at once, the less each costs."""


async def fold(database: Database) -> int:
    """Add everything that waits; return how many exchanges that were. Safe to run in several processes.

    Raises:
        StorageUnavailable: the database cannot be used now.
    """
    total = 0
    while count := await rollups.fold(database):
        total += count
    return total


async def keep_folding(database: Database, *, every: timedelta = EVERY) -> None:
    """Add again and again, until cancelled; a failure only delays the next one."""
    failing = False
    while True:
        try:
            await fold(database)
            failing = False
        except StorageConflict:  # Another process is at it, or a writer was in the way.
            pass
        except StorageUnavailable as error:
            if not failing:  # Once: an hour without a database is no news every few seconds.
                log.warning("rollups.delayed", extra={"reason": str(error)})
            failing = True
        await asyncio.sleep(every.total_seconds())
