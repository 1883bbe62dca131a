import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from clinx.billing import retention
from clinx.billing.retention import keep_pruning, prune
from clinx.domain.audit_entry import AuditEntry, AuditFilter
from clinx.domain.console import Keep
from clinx.storage import audit_log, request_logs, rollups
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.telemetry.tasks import Supervisor
from support.away import Away
from support.database import START, Clock, request_log
from support.flaky import Fault, Flaky

NO_PAUSE = timedelta()


async def write(database: Database, *ages: timedelta) -> None:
    logs = [replace(request_log(f"req-{number}"), at=START - age) for number, age in enumerate(ages)]
    await database.atomically(request_logs.append(logs))
    await database.atomically(rollups.append(logs))
    await rollups.fold(database)


async def left(database: Database) -> dict[str, int]:
    rows = await database.fetch("SELECT grain, COUNT(*) FROM rollup WHERE facet = 'total' GROUP BY grain")
    logs = await database.fetch("SELECT COUNT(*) FROM request_log")
    return {"logs": logs[0][0]} | {row[0]: row[1] for row in rows}


async def test_each_kind_is_kept_as_long_as_the_tree_says(database: Database):
    await write(database, timedelta(0), timedelta(hours=30), timedelta(days=20), timedelta(days=200))
    keep = Keep(request_logs=timedelta(days=7), minutes=timedelta(days=1), hours=timedelta(days=100))

    found = await prune(database, keep, now=START, pause=NO_PAUSE)

    assert await left(database) == {"logs": 2, "minute": 1, "hour": 3, "day": 4}
    assert (found["request_logs"], found.keys()) == (2, {"request_logs", "minutes", "hours"})
    assert await prune(database, keep, now=START, pause=NO_PAUSE) == {}


async def test_what_is_kept_for_ever_is_not_forgotten(database: Database):
    await write(database, timedelta(days=3650))

    found = await prune(database, Keep(request_logs=None), now=START, pause=NO_PAUSE)

    assert found.keys() == {"minutes", "hours"}
    assert (await left(database))["logs"] == 1


async def test_what_people_changed_is_known_as_long_as_the_tree_says(database: Database):
    for age in (40, 10, 0):
        entry = AuditEntry(START - timedelta(days=age), "req_1", "user:ann", 7, None, "tokenCreate", "{}", "ok")
        await database.atomically(audit_log.append(entry))

    assert "audit" not in await prune(database, Keep(), now=START, pause=NO_PAUSE)
    found = await prune(database, Keep(audit=timedelta(days=30)), now=START, pause=NO_PAUSE)

    assert found["audit"] == 1
    kept = await audit_log.page(database, AuditFilter(), below=None, limit=10)
    assert [entry.at for entry in kept] == [START, START - timedelta(days=10)]


async def test_logs_are_forgotten_where_they_wait_and_where_they_were_moved_to(database: Database, logs: Database):
    await write(database, timedelta(0), timedelta(days=20))
    await write(logs, timedelta(0), timedelta(days=20), timedelta(days=30))

    found = await prune(database, Keep(request_logs=timedelta(days=7)), now=START, pause=NO_PAUSE, logs=logs)

    assert ((await left(database))["logs"], (await left(logs))["logs"]) == (1, 1)
    assert found["request_logs"] == 3
    assert (await left(logs))["minute"] == 3


async def test_while_the_database_for_logs_is_away_the_rest_is_forgotten_all_the_same(
    database: Database, logs: Database
):
    away = Flaky(logs)
    away.plan = lambda _: Fault.AWAY
    await write(database, timedelta(days=20))

    with pytest.raises(StorageUnavailable):
        await prune(database, Keep(request_logs=timedelta(days=7)), now=START, pause=NO_PAUSE, logs=away)

    assert await left(database) == {"logs": 0, "hour": 1, "day": 1}


async def test_many_rows_go_in_many_transactions(database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    await write(database, *(timedelta(days=200, seconds=number) for number in range(5)))

    assert (await prune(database, Keep(), now=START, pause=NO_PAUSE))["request_logs"] == 5


async def test_what_changes_is_what_is_kept_then(database: Database, supervisor: Supervisor, clock: Clock):
    await write(database, timedelta(days=20))
    asked: list[datetime] = []
    enough = asyncio.Event()
    keeps = iter([Keep(), Keep(request_logs=timedelta(days=7)), Keep()])

    def keep() -> Keep:
        asked.append(clock.now())
        if len(asked) == 3:
            enough.set()
        return next(keeps, Keep())

    supervisor.start(keep_pruning(database, keep=keep, now=clock.now, every=NO_PAUSE), name="retention", endless=True)
    async with asyncio.timeout(20):
        await enough.wait()

    assert (await left(database))["logs"] == 0
    await supervisor.close(grace=0)


async def test_a_database_that_is_away_is_tried_again_and_said_once(
    supervisor: Supervisor, clock: Clock, caplog: pytest.LogCaptureFixture
):
    away = Away()
    caplog.set_level("INFO", "clinx.billing")
    pruning = keep_pruning(away, keep=Keep, now=clock.now, every=NO_PAUSE)  # pyright: ignore[reportArgumentType]  (a stand-in)
    supervisor.start(pruning, name="retention")
    async with asyncio.timeout(10):
        await away.asked_twice.wait()

    assert [(record.message, vars(record)["reason"]) for record in caplog.records] == [("retention.delayed", "away")]
    await supervisor.close(grace=0)
