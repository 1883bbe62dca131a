from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from clinx.domain.request_log import RequestLog
from clinx.graphql.following import tail as tails
from clinx.graphql.following.tail import MOST_WAITING, PATIENCE, WINDOW, Follower, Tail, TooSlow
from clinx.storage import request_logs
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.database import START, Clock, request_log

NEVER = 3600.0


def log_of(number: int, **fields: Any) -> RequestLog:
    return replace(request_log(f"req-{number:05}"), at=START + timedelta(milliseconds=number), **fields)


def everything(_: RequestLog) -> bool:
    return True


async def write(database: Database, *logs: RequestLog) -> None:
    await database.atomically(request_logs.append(logs))


async def taken(follower: Follower) -> tuple[list[str], int]:
    logs, missed = await follower.take()
    return [log.id for log in logs], missed


@pytest.fixture
def tail(database: Database, supervisor: Supervisor, clock: Clock) -> Tail:
    """A tail that looks when it is told to."""
    return Tail(database, supervisor, now=clock.now, every=NEVER)


async def test_what_is_written_is_handed_out_once_in_its_order(database: Database, tail: Tail):
    await write(database, log_of(1))

    async with tail.follow(everything) as follower:
        await write(database, log_of(3), log_of(2))
        await tail.look()
        first = await taken(follower)
        await write(database, log_of(4))
        await tail.look()
        second = await taken(follower)

    assert (first, second) == ((["req-00002", "req-00003"], 0), (["req-00004"], 0))


async def test_it_looks_by_itself(database: Database, supervisor: Supervisor, clock: Clock):
    quick = Tail(database, supervisor, now=clock.now, every=0.01)

    async with quick.follow(everything) as follower:
        await write(database, log_of(1))

        assert await taken(follower) == (["req-00001"], 0)


async def test_a_call_that_took_long_is_found_among_older_ones(database: Database, tail: Tail, clock: Clock):
    clock.advance(WINDOW.total_seconds() - 1)
    await write(database, replace(log_of(1), at=clock.now()))

    async with tail.follow(everything) as follower:
        await write(database, log_of(0))
        await tail.look()

        assert await taken(follower) == (["req-00000"], 0)


async def test_behind_many_it_is_found_by_a_far_look(database: Database, tail: Tail, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tails, "NEAR", 3)
    await write(database, *(log_of(number) for number in range(10, 15)))

    async with tail.follow(everything) as follower:
        await write(database, log_of(1), log_of(20))
        await tail.look()
        near = await taken(follower)
        for _ in range(tails.FAR_LOOKS):
            await tail.look()
        far = await taken(follower)

    assert (near, far) == ((["req-00020"], 0), (["req-00001"], 0))


async def test_each_gets_what_they_want(database: Database, tail: Tail):
    def large(log: RequestLog) -> bool:
        return log.model == "large"

    async with tail.follow(large) as one, tail.follow(everything) as other:
        await write(database, log_of(1), log_of(2, model="large"))
        await tail.look()

        assert await taken(one) == (["req-00002"], 0)
        assert await taken(other) == (["req-00001", "req-00002"], 0)


async def test_more_than_anybody_reads_is_counted(database: Database, tail: Tail):
    count = tails._AT_ONCE + 7

    async with tail.follow(everything) as follower:
        await write(database, *(log_of(number) for number in range(count)))
        await tail.look()
        ids, missed = await taken(follower)

    assert ids == [f"req-{number:05}" for number in range(count - MOST_WAITING, count)]
    assert missed == count - MOST_WAITING


async def test_what_is_kept_does_not_grow(database: Database, tail: Tail, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tails, "NEAR", 10)
    monkeypatch.setattr(tails, "FAR", 20)

    async with tail.follow(everything) as follower:
        for start in range(0, 400, 10):
            await write(database, *(log_of(number) for number in range(start, start + 10)))
            await tail.look()

        assert len(tail._seen) <= 20 + 10 * tails.FAR_LOOKS
        assert len(follower._waiting) == MOST_WAITING

    assert tail._seen == frozenset()


async def test_whoever_does_not_take_is_let_go():
    follower = Follower(everything)
    follower.offer([log_of(1)], START)

    follower.offer([log_of(2)], START + PATIENCE)
    kept = len(follower._waiting)
    follower.offer([], START + PATIENCE + timedelta(seconds=1))
    follower.offer([log_of(3)], START + PATIENCE + timedelta(seconds=2))

    assert (kept, len(follower._waiting)) == (2, 0)
    with pytest.raises(TooSlow):
        await follower.take()


async def test_who_takes_may_wait_as_long_as_they_like(supervisor: Supervisor):
    follower = Follower(everything)
    later: Sequence[timedelta] = [PATIENCE * number for number in range(1, 4)]
    for number, after in enumerate(later):
        follower.offer([log_of(number)], START + after)
        await follower.take()

    waiting = supervisor.start(follower.take(), name="waiting")
    follower.offer([log_of(9)], START + PATIENCE * 9)

    assert [log.id for log in (await waiting)[0]] == ["req-00009"]


async def test_a_slow_one_is_let_go_though_nothing_comes(database: Database, tail: Tail, clock: Clock):
    async with tail.follow(everything) as follower:
        await write(database, log_of(1))
        await tail.look()
        clock.advance(PATIENCE.total_seconds() + 1)
        await tail.look()

        with pytest.raises(TooSlow):
            await follower.take()
