"""What only Redis can do: be away, come back, and be asked by many."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator

import pytest
from redis.asyncio import Redis

from clinx.state.base import Change, Purse, Refused, StateAway, Taken, Window
from clinx.state.redis import AWAY_SECONDS, RedisCounters
from support.counters import REDIS, needs_redis
from support.database import Clock, Wire


@pytest.fixture
async def wire() -> AsyncGenerator[Wire]:
    """A way to the Redis of the tests that can be cut."""
    address = Redis.from_url(REDIS).connection_pool.connection_kwargs
    async with Wire(address.get("host", "127.0.0.1"), address.get("port", 6379)).laid() as laid:
        yield laid


def counters_at(port: int, clock: Clock, *, answer_seconds: float = 5.0) -> RedisCounters:
    return RedisCounters(f"redis://127.0.0.1:{port}/15", monotonic=clock.monotonic, answer_seconds=answer_seconds)


def window(most: int) -> Window:
    return Window(f"clinx:test:{uuid.uuid4().hex}", most, 3_600_000, 0, 1)


async def test_where_nobody_listens_it_is_away() -> None:
    counters = RedisCounters("redis://127.0.0.1:1/0", monotonic=Clock().monotonic)

    with pytest.raises(StateAway):
        await counters.take("h", [window(1)])
    await counters.close()


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="scheme"):
        RedisCounters("http://somewhere", monotonic=Clock().monotonic)


@needs_redis
async def test_a_silent_redis_is_not_waited_for_and_is_asked_again_after_a_moment(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    counters = counters_at(wire.port, clock, answer_seconds=0.5)
    claim = window(9)
    before = await counters.take("h", [claim])
    wire.cut()
    with caplog.at_level(logging.INFO, "clinx.state"):
        for _ in range(3):
            with pytest.raises(StateAway):
                await counters.take("h", [claim])
        wire.mend()
        with pytest.raises(StateAway, match="a moment ago"):
            await counters.take("h", [claim])
        clock.advance(AWAY_SECONDS)
        after = await counters.take("h", [claim])
    await counters.close()

    assert isinstance(before, Taken)
    assert isinstance(after, Taken)
    assert [record.message for record in caplog.records] == ["state.away", "state.recovered"]


@needs_redis
async def test_connections_that_were_closed_meanwhile_are_not_asked(wire: Wire) -> None:
    counters = counters_at(wire.port, Clock())
    claim = window(60)
    await asyncio.gather(*(counters.take(f"a{number}", [claim]) for number in range(8)))
    wire.hang_up()
    async with Redis.from_url(REDIS) as server:
        await server.ping()  # Meanwhile the ends arrive.

    answers = await asyncio.gather(*(counters.take(f"b{number}", [claim]) for number in range(8)))
    await counters.close()

    assert all(isinstance(answer, Taken) for answer in answers)


@needs_redis
async def test_the_scripts_are_sent_again_to_a_redis_that_was_restarted() -> None:
    counters = RedisCounters(REDIS, monotonic=Clock().monotonic, answer_seconds=5)
    claim = window(2)
    await counters.take("h", [claim])
    async with Redis.from_url(REDIS) as server:
        await server.script_flush()

    assert await counters.take("h", [claim]) == Taken((0,), (await _slice(counters, claim),))
    await counters.close()


async def _slice(counters: RedisCounters, claim: Window) -> int:
    answer = await counters.take("h", [Window(f"{claim.key}:beside", 1, claim.width, 0, 1)])
    assert isinstance(answer, Taken)
    return answer.slices[0]


@needs_redis
async def test_a_hundred_at_once_take_exactly_what_there_is() -> None:
    counters = RedisCounters(REDIS, monotonic=Clock().monotonic, answer_seconds=5)
    claim = window(60)

    answers = await asyncio.gather(*(counters.take(f"h{number}", [claim]) for number in range(100)))
    await counters.close()

    assert sum(isinstance(answer, Taken) for answer in answers) == 60
    assert sum(isinstance(answer, Refused) for answer in answers) == 40


@needs_redis
async def test_every_key_has_an_end() -> None:
    counters = RedisCounters(REDIS, monotonic=Clock().monotonic, answer_seconds=5)
    claim, purse = window(2), Purse(f"clinx:test:{uuid.uuid4().hex}", 5, 1, 60_000)
    await counters.tell(purse, 1)
    await counters.take("h", [claim, purse])
    await counters.settle("h", [Change(purse, 1), Change(claim, 1)])
    async with Redis.from_url(REDIS) as server:
        lives = [await server.pttl(key) for key in (claim.key, purse.key)]
    await counters.close()

    assert all(0 < life <= 3_600_000 for life in lives)
