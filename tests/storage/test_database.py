import asyncio
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from clinx.storage.database import Database, Location
from clinx.storage.failures import StorageConflict, StorageRefused, StorageUnavailable
from clinx.storage.migrate import migrate
from clinx.storage.models import UserRow
from clinx.storage.program import Program, execute, execute_many, fetch
from support.database import make_user

INSERT = "INSERT INTO account (name, balance, held) VALUES ($1, $2, 0)"


def insert(name: str, balance: int = 0) -> Program[int]:
    return (yield from execute(INSERT, name, balance))


async def names(database: Database) -> list[str]:
    return [row[0] for row in await database.fetch("SELECT name FROM account WHERE name LIKE 'x%' ORDER BY name")]


async def test_a_program_commits_as_a_whole(database: Database):
    def program() -> Program[tuple[int, list[str]]]:
        count = yield from insert("x1", 5)
        yield from execute_many(INSERT, [("x2", 1), ("x3", 2)])
        rows = yield from fetch("SELECT name FROM account WHERE balance >= $1 ORDER BY name", 2)
        return count, [row[0] for row in rows]

    assert await database.atomically(program()) == (1, ["x1", "x3"])
    assert await names(database) == ["x1", "x2", "x3"]


async def test_an_exception_between_steps_rolls_back(database: Database):
    def program() -> Program[None]:
        yield from insert("x1")
        raise LookupError("no")

    with pytest.raises(LookupError):
        await database.atomically(program())

    assert await names(database) == []
    assert await database.atomically(insert("x1")) == 1


async def test_refused_values_roll_back_and_say_so(database: Database):
    def program() -> Program[None]:
        yield from insert("x1")
        yield from insert("x1")

    with pytest.raises(StorageRefused):
        await database.atomically(program())

    assert await names(database) == []


async def test_all_steps_of_a_look_see_the_same_moment(database: Database):
    began, written = threading.Event(), threading.Event()

    def program() -> Program[list[int]]:
        counts = [(yield from fetch("SELECT COUNT(*) FROM account WHERE name LIKE 'x%'"))[0][0]]
        began.set()
        while not written.is_set():
            yield from fetch("SELECT 1")
        return [*counts, (yield from fetch("SELECT COUNT(*) FROM account WHERE name LIKE 'x%'"))[0][0]]

    async def write() -> None:
        await asyncio.to_thread(began.wait, 10)
        await database.atomically(insert("x2"))
        written.set()

    await database.atomically(insert("x1"))
    seen, _ = await asyncio.gather(database.look(program()), write())

    assert seen == [1, 1]
    assert await names(database) == ["x1", "x2"]


async def test_a_look_cannot_write(database: Database):
    with pytest.raises(StorageUnavailable):
        await database.look(insert("x1"))

    assert await names(database) == []


async def test_a_look_that_nobody_waits_for_stops(database: Database, caplog: pytest.LogCaptureFixture):
    began, ended = threading.Event(), threading.Event()

    def endless() -> Program[None]:
        try:
            yield from fetch("SELECT 1")
            began.set()
            yield from fetch("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT COUNT(*) FROM n")
        finally:
            ended.set()

    task = asyncio.ensure_future(database.look(endless()))  # noqa: TID251  (to cancel)
    await asyncio.to_thread(began.wait, 10)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 10)
    assert await database.fetch("SELECT 1") == [(1,)]
    assert caplog.records == []


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
async def test_integers_beyond_the_column_are_refused(database: Database, value: int):
    with pytest.raises(StorageRefused):
        await database.atomically(insert("x1", value))


async def test_a_caller_cancelled_while_it_waits_leaves_the_database_whole(database: Database):
    tasks = [asyncio.ensure_future(database.atomically(insert(f"x{n}"))) for n in range(20)]  # noqa: TID251  (to cancel)
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [answer for answer in answers if answer == 1] == [1] * 10
    assert await database.atomically(insert("x-last")) == 1
    assert set(await names(database)) >= {f"x{n}" for n in range(1, 20, 2)}


async def test_it_serves_tasks_that_know_nothing_of_its_setup(database: Database):
    await make_user(database, "ann")

    async def read() -> list[str]:
        with database.reading() as client:
            return [user.name for user in await UserRow.all(using_db=client)]

    assert await asyncio.gather(*(asyncio.ensure_future(read()) for _ in range(5))) == [["ann"]] * 5  # noqa: TID251  (tasks)


async def test_two_open_databases_do_not_mix(database_url: str, tmp_path: Path):
    other_url = f"sqlite:///{tmp_path / 'other.db'}"
    await migrate(other_url)
    one, other = await Database.connect(database_url), await Database.connect(other_url)
    await one.atomically(insert("x-one"))
    await other.atomically(insert("x-other"))

    assert await names(one) == ["x-one"]
    assert await names(other) == ["x-other"]
    await one.close()
    await other.close()


async def test_it_says_whether_it_answers(database: Database, monkeypatch: pytest.MonkeyPatch):
    assert await database.is_reachable() is True

    def away(*, hasty: bool) -> NoReturn:
        raise StorageUnavailable("away" if hasty else "in no hurry")

    monkeypatch.setattr(database, "reading", away)
    assert await database.is_reachable() is False


@pytest.mark.parametrize("name", ["ann", "x" * 65])
async def test_what_tortoise_refuses_is_refused(database: Database, name: str):
    await make_user(database, "ann")

    with pytest.raises(StorageRefused), database.reading() as client:
        await UserRow.create(name=name, role="user", status="active", group="g", created_at=0, using_db=client)


@pytest.mark.parametrize(
    "url",
    ["", "sqlite://", "sqlite:///", "mysql://x/y", "postgres://host", "postgres://h/db?mode=x", "clinx.db"],
)
def test_urls_that_mean_nothing_are_refused(url: str):
    with pytest.raises(ValueError, match="database URL"):
        Location(url)


async def test_a_server_that_is_not_there_is_unavailable():
    with pytest.raises(StorageUnavailable) as caught:
        await Database.connect("postgres://nobody:s3cret@127.0.0.1:1/nothing")

    assert str(caught.value) == ("the database cannot be used now (postgres://127.0.0.1:1/nothing: Connection refused)")
    assert caught.value.message == "The gateway's database cannot be used right now."
    assert caught.value.retry_after == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///state/clinx.db", "state/clinx.db"),
        ("sqlite:////var/lib/clinx.db", "/var/lib/clinx.db"),
        ("postgres://ann:s3cret@db.example:6432/clinx?sslmode=require", "postgres://db.example:6432/clinx"),
        ("postgresql://db.example/clinx", "postgres://db.example:5432/clinx"),
        ("postgres://ann@[::1]/clinx", "postgres://[::1]:5432/clinx"),
    ],
)
def test_a_place_is_shown_without_who_asks(url: str, shown: str):
    assert Location(url).shown == shown


def test_a_conflict_is_also_an_unavailability():
    assert issubclass(StorageConflict, StorageUnavailable)
