import asyncio
from datetime import timedelta

import pytest

from clinx.billing.folding import fold, keep_folding
from clinx.storage import rollups
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageUnavailable
from clinx.telemetry.tasks import Supervisor
from support.database import request_log

SUMS = "SELECT requests FROM rollup WHERE user_id = 0 AND facet = 'total' AND grain = 'minute'"


async def test_everything_that_waits_is_added(database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollups, "MOST_FACTS", 2)
    for number in range(5):
        await database.atomically(rollups.append([request_log(f"req-{number}")]))

    assert await fold(database) == 5
    assert await database.fetch(SUMS) == [(5,)]


async def test_what_comes_later_is_added_as_well(database: Database, supervisor: Supervisor):
    supervisor.start(keep_folding(database, every=timedelta(0)), name="folding", endless=True)
    for number in range(2):
        await database.atomically(rollups.append([request_log(f"req-{number}")]))
        async with asyncio.timeout(10):
            while await database.fetch(SUMS) != [(number + 1,)]:
                pass
    await supervisor.close(grace=0)


class Failing:
    """A database that fails in turn."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.all_failed = asyncio.Event()

    async def fetch(self, sql: str) -> list[object]:
        if not self._failures:
            self.all_failed.set()
            return []
        raise self._failures.pop(0)


async def test_an_outage_is_said_once_and_a_lost_race_not_at_all(
    supervisor: Supervisor, caplog: pytest.LogCaptureFixture
):
    failing = Failing(StorageConflict("locked"), StorageUnavailable("away"), StorageUnavailable("away"))
    caplog.set_level("INFO", "clinx.billing")
    supervisor.start(keep_folding(failing, every=timedelta(0)), name="folding")  # pyright: ignore[reportArgumentType]  (a stand-in)
    async with asyncio.timeout(10):
        await failing.all_failed.wait()

    assert [(record.message, vars(record)["reason"]) for record in caplog.records] == [("rollups.delayed", "away")]
    await supervisor.close(grace=0)
