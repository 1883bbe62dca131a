from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.fake_upstream import FakeUpstream
from support.gateway import Running, running_gateway, tree_for


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    async with running_gateway(tmp_path, tree_for(upstream.url)) as running:
        yield running
