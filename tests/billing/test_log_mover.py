import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from clinx.billing import log_mover
from clinx.billing.log_mover import LogMover, NotForLogs, keep_moving
from clinx.domain.money import Amount
from clinx.storage import nodes, request_logs
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused, StorageUnavailable
from clinx.storage.migrate import pending
from clinx.storage.program import Program, fetch
from clinx.telemetry.tasks import Supervisor
from support.database import START, request_log
from support.flaky import Fault, Flaky, Killed
from support.log_database import charge, ids, log, some_logs

NO_PAUSE = timedelta()
NAMES = [f"req-{number:03}" for number in range(7)]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_mover, "BATCH", 3)


@pytest.fixture
def mover(database: Database, logs: Database, logs_url: str) -> LogMover:
    return LogMover(database, logs, logs_url, pause=NO_PAUSE)


async def run(database: Database, sql: str) -> None:
    def program() -> Program[None]:
        yield from fetch(sql)

    await database.atomically(program())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  (the condition is what an operator would see)
            await asyncio.sleep(0.005)


async def all_are_there(database: Database, logs: Database, names: list[str]) -> None:
    async with asyncio.timeout(20):
        while await ids(database) or await ids(logs) != names:
            pass


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "clinx.billing"]


async def test_all_that_waits_is_moved_page_by_page(database: Database, logs: Database, mover: LogMover):
    await log(database, *some_logs(7))

    assert await mover.move() == 7
    assert await mover.move() == 0
    assert (await ids(database), await ids(logs)) == ([], NAMES)
    assert await request_logs.latest(logs) == some_logs(7)[::-1]


async def test_what_was_charged_leaves_once_its_entries_say_the_same(
    database: Database, logs: Database, mover: LogMover
):
    await log(database, request_log("good", charge=Amount(5)), request_log("bad", charge=Amount(6)), *some_logs(4))
    await charge(database, "good", 5)

    assert await mover.move() == 5
    assert await ids(database) == ["bad"]
    assert await ids(logs) == ["good", *NAMES[:4]]


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
@pytest.mark.parametrize("where", ["here", "there"])
@pytest.mark.parametrize("nth", [1, 2])
async def test_whatever_fails_no_log_is_lost_and_none_is_there_twice(
    database: Database, logs: Database, logs_url: str, fault: Fault, where: str, nth: int
):
    await log(database, *some_logs(7))
    here, there = Flaky(database), Flaky(logs)
    (here if where == "here" else there).plan = {nth: fault}.get

    with pytest.raises((StorageUnavailable, Killed)):
        await LogMover(here, there, logs_url, pause=NO_PAUSE).move()
    between = {*await ids(database), *await ids(logs)}
    await LogMover(database, logs, logs_url, pause=NO_PAUSE).move()

    assert between == set(NAMES)
    assert (await ids(database), await ids(logs)) == ([], NAMES)


async def test_several_movers_move_each_log_once(database: Database, logs: Database, logs_url: str):
    await log(database, *some_logs(40))
    movers = [LogMover(database, logs, logs_url, pause=NO_PAUSE) for _ in range(3)]

    moved = 0
    while await ids(database):
        moved += sum(await asyncio.gather(*(mover.move() for mover in movers)))

    assert moved == 40
    assert await request_logs.latest(logs) == some_logs(40)[::-1]


async def test_a_log_that_is_written_again_after_it_was_moved_is_there_once(
    database: Database, logs: Database, mover: LogMover
):
    for _ in range(2):
        await log(database, *some_logs(2))
        assert await mover.move() == 2

    assert (await ids(database), await ids(logs)) == ([], NAMES[:2])


async def test_logs_wait_while_the_other_database_is_away_and_go_when_it_is_back(
    database: Database,
    logs: Database,
    logs_url: str,
    supervisor: Supervisor,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level("INFO", "clinx.billing")
    there = Flaky(logs)
    there.plan = lambda _: Fault.AWAY
    supervisor.start(
        keep_moving(LogMover(database, there, logs_url, pause=NO_PAUSE), every=NO_PAUSE), name="mover", endless=True
    )
    await log(database, *some_logs(4))
    await until(lambda: there.asked > 2)
    await log(database, *some_logs(3, first=4))
    waiting = await ids(database)
    there.plan = lambda _: None

    await all_are_there(database, logs, NAMES)
    await until(lambda: said(caplog)[-1:] == ["logs.recovered"])
    assert waiting == NAMES
    assert said(caplog) == ["logs.delayed", "logs.recovered"]
    await supervisor.close(grace=0)


async def test_a_lost_race_is_not_worth_a_word(
    database: Database,
    logs: Database,
    logs_url: str,
    supervisor: Supervisor,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level("INFO", "clinx.billing")
    here = Flaky(database)
    here.plan = {1: Fault.CONFLICT}.get
    await log(database, *some_logs(7))
    supervisor.start(
        keep_moving(LogMover(here, logs, logs_url, pause=NO_PAUSE), every=NO_PAUSE), name="mover", endless=True
    )

    await all_are_there(database, logs, NAMES)
    assert said(caplog) == []
    await supervisor.close(grace=0)


async def test_a_log_that_is_refused_there_stays_and_holds_up_no_other(
    database: Database, logs: Database, mover: LogMover, caplog: pytest.LogCaptureFixture
):
    await run(logs, "CREATE UNIQUE INDEX odd ON request_log (address) WHERE address = 'odd'")
    odd = {1, 2, 5}
    await log(
        database,
        *(replace(each, address="odd") if number in odd else each for number, each in enumerate(some_logs(7))),
    )

    assert await mover.move() == 5
    assert await mover.move() == 0

    assert await ids(database) == ["req-002", "req-005"]
    assert [vars(record)["id"] for record in caplog.records] == ["req-002", "req-005"]
    assert said(caplog) == ["logs.refused"] * 2


async def test_when_too_many_are_refused_it_is_not_the_logs(
    database: Database, logs: Database, mover: LogMover, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(log_mover, "MOST_REFUSED", 2)
    await run(logs, "CREATE UNIQUE INDEX odd ON request_log (address)")
    await log(database, *some_logs(7))

    with pytest.raises(StorageRefused):
        await mover.move()

    assert {*await ids(database), *await ids(logs)} == set(NAMES)


async def test_a_new_database_for_logs_gets_its_tables(empty_url: str):
    logs = await Database.connect(empty_url, may_be_away=True)
    try:
        mover = LogMover(logs, logs, empty_url)
        await mover.prepare()
        await mover.prepare()

        assert await pending(empty_url) == []
        assert await ids(logs) == []
    finally:
        await logs.close()


async def test_a_ledger_is_no_database_for_logs_and_nothing_is_moved_into_itself(
    database: Database, database_url: str, caplog: pytest.LogCaptureFixture
):
    await database.atomically(nodes.begin("node_1", "host", START, 0))
    await log(database, *some_logs(7))
    mover = LogMover(database, database, database_url)

    with pytest.raises(NotForLogs, match="CLINX_LOG_DATABASE_URL") as caught:
        await mover.prepare()
    await keep_moving(mover)

    assert await ids(database) == NAMES
    assert [(record.message, vars(record)["reason"]) for record in caplog.records] == [
        ("logs.misplaced", str(caught.value))
    ]
