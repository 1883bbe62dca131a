from __future__ import annotations

import asyncio

import pytest

from clinx.graphql.following.rounds import Rounds
from clinx.storage.failures import StorageUnavailable
from clinx.telemetry.tasks import Supervisor

LONG = 3600.0


class Work:
    """Counts rounds; some fail."""

    def __init__(self, failures: int = 0) -> None:
        self.rounds = 0
        self.failures = failures
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        self.rounds += 1
        self.done.set()
        if self.rounds <= self.failures:
            raise StorageUnavailable("away", where="here")

    async def once(self) -> None:
        await self.done.wait()
        self.done.clear()


async def test_nothing_is_done_while_nobody_is_there(supervisor: Supervisor):
    work = Work()
    rounds = Rounds(supervisor, work, 0, "work")

    rounds.join()
    await work.once()
    rounds.leave()
    done = work.rounds
    for _ in range(5):
        await asyncio.sleep(0)

    assert (rounds.is_running, work.rounds) == (False, done)


async def test_it_goes_on_until_the_last_one_left(supervisor: Supervisor):
    work = Work()
    rounds = Rounds(supervisor, work, 0, "work")

    rounds.join()
    rounds.join()
    rounds.leave()
    for _ in range(3):
        await work.once()

    assert rounds.is_running
    rounds.leave()
    assert not rounds.is_running


async def test_whoever_comes_back_starts_it_again(supervisor: Supervisor):
    work = Work()
    rounds = Rounds(supervisor, work, LONG, "work")

    for _ in range(2):
        rounds.join()
        rounds.wake()
        await work.once()
        rounds.leave()

    assert work.rounds == 2


async def test_nobody_waits_who_is_woken(supervisor: Supervisor):
    work = Work()
    rounds = Rounds(supervisor, work, LONG, "work")
    rounds.join()

    for _ in range(2):
        rounds.wake()
        await work.once()

    assert work.rounds == 2


async def test_a_database_that_is_away_is_told_once(supervisor: Supervisor, caplog: pytest.LogCaptureFixture):
    work = Work(failures=3)
    rounds = Rounds(supervisor, work, 0, "work")
    rounds.join()

    for _ in range(5):
        await work.once()

    assert [record.message for record in caplog.records] == ["console.delayed"]
