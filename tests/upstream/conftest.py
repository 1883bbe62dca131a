from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from clinx.upstream.pool import Lease, Pool
from clinx.upstream.send import Sender
from support.channels import channel
from support.fake_upstream import FakeUpstream


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    opened = Pool()
    yield opened
    await opened.close()


@pytest.fixture
async def lease(pool: Pool) -> Lease:
    return await pool.lease([channel()], ())


@pytest.fixture
def sender(lease: Lease) -> Sender:
    return Sender(lease, time.monotonic)
