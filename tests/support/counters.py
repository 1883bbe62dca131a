"""Counters of both kinds under one clock that moves when it is told to.

    async def test_something(counting):
        await counting.counters.take(...)
        await counting.advance(61)

Redis' own clock is replaced by a key that `advance` sets; all keys are the test's own, so nothing is flushed.
Set ``CLINX_TEST_REDIS_URL`` to run over Redis as well; import the fixture in a room's ``conftest.py``.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from clinx.state.base import Counters
from clinx.state.memory import MemoryCounters
from clinx.state.redis import RedisCounters
from support.database import Clock

REDIS = os.environ.get("CLINX_TEST_REDIS_URL", "")
needs_redis = pytest.mark.skipif(not REDIS, reason="CLINX_TEST_REDIS_URL is not set")
PLACES = ["memory", pytest.param("redis", marks=needs_redis)]


@dataclass
class Counting:
    """Counters and their clock."""

    counters: Counters
    clock: Clock
    server: Redis | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Of this test: part of every key it makes."""

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        if self.server is not None:
            await self.server.set(f"clinx:test:{self.id}", int(self.clock.instant.timestamp() * 1000), ex=600)


@pytest_asyncio.fixture(params=PLACES)
async def counting(request: pytest.FixtureRequest) -> AsyncGenerator[Counting]:
    clock = Clock()
    if request.param == "memory":
        yield Counting(MemoryCounters(clock.now), clock)
        return
    own = uuid.uuid4().hex
    counters = RedisCounters(
        REDIS,
        monotonic=clock.monotonic,
        answer_seconds=5,
        clock=f"local now = tonumber(redis.call('GET', 'clinx:test:{own}'))\n",
    )
    async with Redis.from_url(REDIS) as server:
        made = Counting(counters, clock, server, own)
        await made.advance(0)
        yield made
        await counters.close()
