import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from clinx.storage import announcements
from clinx.storage.announcements import KEPT, LATE_SECONDS, PRUNE_SECONDS, Listener, Topic, _Heard, announce
from clinx.storage.database import Database
from clinx.storage.program import Program, fetch
from clinx.telemetry.tasks import Supervisor
from support.database import POSTGRES, START, Clock, Wire, on_server, postgres_database

__all__ = ["postgres_database"]

needs_postgres = pytest.mark.skipif(not POSTGRES, reason="needs CLINX_TEST_POSTGRES_URL")


class Ear:
    """Keeps what was heard, and waits for it."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self._news = asyncio.Event()

    def hear(self, topic: str, subject: str) -> None:
        self.heard.append((topic, subject))
        self._news.set()

    async def until(self, count: int) -> list[tuple[str, str]]:
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()
        return self.heard


@asynccontextmanager
async def listening(database: Database, clock: Clock) -> AsyncGenerator[Ear]:
    ear, supervisor = Ear(), Supervisor()
    supervisor.start(
        Listener(database, now=clock.now, monotonic=clock.monotonic).run(ear.hear), name="listener", endless=True
    )
    try:
        yield ear
    finally:
        await supervisor.close()


async def tell(database: Database, subject: str, topic: str = "token") -> None:
    await database.atomically(announce(topic, subject, START))


async def test_what_another_process_announces_is_heard_at_once(database: Database, database_url: str, clock: Clock):
    other = await Database.connect(database_url)
    async with listening(database, clock) as ear:
        await tell(other, "first")
        await ear.until(1)

        began = time.monotonic()
        await tell(other, "user:7", Topic.RECALL)
        assert await ear.until(2) == [("token", "first"), ("recall", "user:7")]
        assert time.monotonic() - began < 2  # 0.2 where nothing else runs; far from the 5 s of a poll.
    await other.close()


async def test_a_process_hears_itself_and_each_announcement_once(database: Database, clock: Clock):
    async with listening(database, clock) as ear:
        for number in range(10, 30):
            await tell(database, str(number))

        assert sorted(await ear.until(20)) == [("token", str(number)) for number in range(10, 30)]
        await tell(database, "last")
        assert len(await ear.until(21)) == 21


async def test_what_was_announced_just_before_the_start_is_heard(database: Database, clock: Clock):
    await tell(database, "before")

    async with listening(database, clock) as ear:
        assert await ear.until(1) == [("token", "before")]


async def test_nothing_is_heard_of_a_transaction_that_failed(database: Database, clock: Clock):
    def failing() -> Program[None]:
        yield from announce("token", "never", START)
        raise ZeroDivisionError

    async with listening(database, clock) as ear:
        with pytest.raises(ZeroDivisionError):
            await database.atomically(failing())
        await tell(database, "real")

        assert await ear.until(1) == [("token", "real")]


async def test_old_announcements_are_pruned_now_and_then(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(announcements, "POLL_SECONDS", 0.05)
    async with listening(database, clock) as ear:
        await tell(database, "old")
        await ear.until(1)
        clock.instant += KEPT + timedelta(seconds=1)
        await database.atomically(announce("token", "young", clock.now()))
        await ear.until(2)
        assert len(await database.fetch("SELECT id FROM announcement")) == 2

        clock.seconds += PRUNE_SECONDS
        async with asyncio.timeout(20):
            while (left := await database.fetch("SELECT subject FROM announcement")) != [("young",)]:
                assert left == [("old",), ("young",)]
        assert len(ear.heard) == 2


async def test_a_table_that_is_away_only_delays(
    database: Database, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(announcements, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(announcements, "POLL_SECONDS", 0.05)
    async with listening(database, clock) as ear:
        await tell(database, "first")
        await ear.until(1)
        await database.atomically(fetch("ALTER TABLE announcement RENAME TO moved"))
        async with asyncio.timeout(20):
            while not caplog.records:
                await database.fetch("SELECT 1")
        await database.atomically(fetch("ALTER TABLE moved RENAME TO announcement"))
        await tell(database, "second")

        assert await ear.until(2) == [("token", "first"), ("token", "second")]
    assert [record.message for record in caplog.records if record.name == "clinx.storage"] == [
        "announcements.delayed",
        "announcements.recovered",
    ]


@needs_postgres
@pytest.mark.postgres
async def test_a_lost_connection_loses_nothing(
    postgres_database: str, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(announcements, "RETRY_SECONDS", 0.01)
    database = await Database.connect(postgres_database)
    async with listening(database, clock) as ear:
        await tell(database, "first")
        await ear.until(1)
        name = urlsplit(postgres_database).path.lstrip("/")
        await on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
        another = await Database.connect(postgres_database)  # The first one's own connections are gone too.
        await tell(another, "meanwhile")

        assert await ear.until(2) == [("token", "first"), ("token", "meanwhile")]
    await another.close()
    await database.close()
    assert [record.message for record in caplog.records if record.name == "clinx.storage"] == [
        "announcements.delayed",
        "announcements.recovered",
    ]


@needs_postgres
@pytest.mark.postgres
async def test_a_server_that_says_nothing_any_more_is_noticed(
    postgres_database: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(announcements, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(announcements, "POLL_SECONDS", 0.3)
    split = urlsplit(postgres_database)
    direct = await Database.connect(postgres_database)
    async with Wire(split.hostname or "127.0.0.1", split.port or 5432).laid() as wire:
        far = await Database.connect(split._replace(netloc=f"{split.username}@127.0.0.1:{wire.port}").geturl())
        async with listening(far, clock) as ear:
            await tell(direct, "first")
            await ear.until(1)
            wire.cut()
            await tell(direct, "meanwhile")
            wire.mend()

            assert await ear.until(2) == [("token", "first"), ("token", "meanwhile")]
        await far.close()
    await direct.close()


@needs_postgres
@pytest.mark.postgres
async def test_a_transaction_that_commits_late_is_heard(
    postgres_database: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """Its id is lower than one that was heard before, and its notification was lost."""
    monkeypatch.setattr(announcements, "POLL_SECONDS", 0.05)
    database = await Database.connect(postgres_database)
    await on_database(postgres_database, "DROP TRIGGER announcement_notify ON announcement")
    await on_database(
        postgres_database, "INSERT INTO announcement (id, topic, subject, at) VALUES (5, 'token', 'high', 1)"
    )
    async with listening(database, clock) as ear:
        await ear.until(1)
        await on_database(
            postgres_database, "INSERT INTO announcement (id, topic, subject, at) VALUES (4, 'token', 'low', 1)"
        )

        assert await ear.until(2) == [("token", "high"), ("token", "low")]
    await database.close()


async def on_database(url: str, statement: str) -> None:
    database = await Database.connect(url)
    await database.atomically(fetch(statement))
    await database.close()


def test_an_id_counts_once_and_late_ones_count_for_a_while(clock: Clock):
    heard = _Heard(clock.monotonic)
    assert [heard.note(id_) for id_ in (5, 3, 5, 3)] == [True, True, False, False]
    assert (heard.floor, heard.last) == (0, 5)

    clock.advance(LATE_SECONDS)
    assert [heard.note(id_) for id_ in (6, 4, 5)] == [True, False, False]
    assert (heard.floor, heard.last) == (5, 6)
