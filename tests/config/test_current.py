from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clinx.config.current import NEVER, Current, ResourceKey
from clinx.config.snapshot import Snapshot
from clinx.telemetry.tasks import Supervisor
from support.tree import SMALL, compile_files

POOL: ResourceKey[list[str]] = ResourceKey("pool")
TABLE: ResourceKey[int] = ResourceKey("table")


NAME: ResourceKey[str] = ResourceKey("name")


class Resources:
    """Preparers and closers that remember what happened."""

    def __init__(self, current: Current) -> None:
        self.events: list[str] = []
        self.fail = False
        current.register(POOL, self.open_pool, self.close_pool)
        current.register(TABLE, self.build_table, self.drop_table)
        current.register(NAME, self.name)

    async def open_pool(self, _: Snapshot) -> list[str]:
        self.events.append("open pool")
        return ["pool"]

    async def close_pool(self, pool: list[str]) -> None:
        pool.clear()
        self.events.append("close pool")

    async def build_table(self, _: Snapshot) -> int:
        if self.fail:
            raise OSError("no table")
        self.events.append("build table")
        return 7

    async def name(self, snapshot: Snapshot) -> str:
        return snapshot.currency

    async def drop_table(self, _: int) -> None:
        self.events.append("drop table")


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    built = Supervisor()
    yield built
    await built.close()


@pytest.fixture
def current(supervisor: Supervisor) -> Current:
    return Current(supervisor)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return compile_files(tmp_path, {"gateway.yaml": SMALL}).snapshot


async def closed(current: Current, alive: int) -> None:
    async with asyncio.timeout(5):
        while current.alive > alive:  # noqa: ASYNC110  (the count is what operators see)
            await asyncio.sleep(0)


async def test_nothing_is_served_before_the_first_publication(current: Current) -> None:
    assert current.state == NEVER
    assert current.alive == 0
    with pytest.raises(RuntimeError):
        current.pin()
    current.close()


async def test_resources_come_under_their_keys(current: Current, snapshot: Snapshot) -> None:
    Resources(current)
    generation = await current.prepare(snapshot)
    current.publish(generation)

    assert generation.resource(POOL) == ["pool"]
    assert generation.resource(TABLE) == 7
    assert generation.resource(NAME) == "USD"
    assert current.snapshot is snapshot
    assert "pool" in repr(POOL)


async def test_a_pinned_generation_stays_open_until_its_last_exchange_ends(
    current: Current, snapshot: Snapshot
) -> None:
    resources = Resources(current)
    current.publish(await current.prepare(snapshot))
    first, again = current.pin(), current.pin()
    current.publish(await current.prepare(snapshot))
    assert first is again
    assert first.is_retired
    assert current.pin() is not first

    first.unpin()
    assert not first.is_closed
    assert first.resource(POOL) == ["pool"]
    again.unpin()
    await closed(current, 1)

    assert first.is_closed
    assert resources.events == ["open pool", "build table"] * 2 + ["drop table", "close pool"]


async def test_a_generation_nobody_uses_closes_when_it_is_retired(current: Current, snapshot: Snapshot) -> None:
    resources = Resources(current)
    generation = await current.prepare(snapshot)
    current.publish(generation)
    current.publish(generation)
    assert not generation.is_retired

    current.publish(await current.prepare(snapshot))
    generation.retire()
    await closed(current, 1)
    current.close()
    await closed(current, 0)

    assert resources.events.count("close pool") == 2


async def test_an_unpublished_generation_can_be_given_up(current: Current, snapshot: Snapshot) -> None:
    resources = Resources(current)
    generation = await current.prepare(snapshot)
    generation.retire()
    await closed(current, 0)

    assert resources.events == ["open pool", "build table", "drop table", "close pool"]


async def test_when_one_resource_fails_those_before_it_are_closed(current: Current, snapshot: Snapshot) -> None:
    resources = Resources(current)
    current.publish(await current.prepare(snapshot))
    serving = current.generation
    resources.fail = True

    with pytest.raises(OSError, match="no table"):
        await current.prepare(snapshot)

    assert resources.events == ["open pool", "build table", "open pool", "close pool"]
    assert current.generation is serving
    assert current.alive == 1


async def test_an_unpin_too_many_is_a_defect(current: Current, snapshot: Snapshot) -> None:
    current.publish(await current.prepare(snapshot))
    generation = current.pin()
    generation.unpin()

    with pytest.raises(RuntimeError):
        generation.unpin()
    current.close()
    await closed(current, 0)
