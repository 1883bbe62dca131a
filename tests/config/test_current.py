from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clinx.config.current import NEVER, Current, Generation, ResourceKey, Trial
from clinx.config.rollout import Rollout
from clinx.config.snapshot import Snapshot
from clinx.config.tree import Tree
from clinx.errors import InvalidRequest, UpstreamBroken
from clinx.telemetry.tasks import Supervisor
from support.tree import AT, SMALL, compile_files

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


def trial(generation: Generation, **rollout: Any) -> Trial:
    tree = Tree(None, {}, (), is_builtin=False, commit=None, diagnostics=())
    return Trial(tree, generation, Rollout(**rollout), 0.0, AT)


async def nobody(_: str) -> str | None:
    return None


async def test_during_a_trial_callers_are_divided_by_their_keys(current: Current, snapshot: Snapshot) -> None:
    current.publish(await current.prepare(snapshot))
    old, new = current.generation, await current.prepare(snapshot)
    assert await current.choose("sk-1", nobody) is old

    current.try_out(trial(new, share=0.5))
    chosen = [await current.choose(f"sk-{number}", nobody) for number in range(200)]

    assert set(map(id, chosen)) == {id(old), id(new)}
    assert chosen == [await current.choose(f"sk-{number}", nobody) for number in range(200)]
    assert 60 < chosen.count(new) < 140
    assert await current.choose(None, nobody) is old
    assert current.generation is old
    assert list(map(id, current.served)) == [id(old.snapshot), id(new.snapshot)]
    current.end_trial()
    assert list(map(id, current.served)) == [id(old.snapshot)]


async def test_during_a_trial_a_group_is_asked_for_only_where_it_counts(current: Current, snapshot: Snapshot) -> None:
    current.publish(await current.prepare(snapshot))
    new = await current.prepare(snapshot)
    asked: list[str] = []

    async def group_of(secret: str) -> str | None:
        asked.append(secret)
        return {"sk-b": "beta", "sk-d": "default"}.get(secret)

    current.try_out(trial(new, group="beta"))
    assert [await current.choose(secret, group_of) is new for secret in ("sk-b", "sk-d", "sk-x")] == [
        True,
        False,
        False,
    ]
    assert asked == ["sk-b", "sk-d", "sk-x"]
    current.try_out(trial(await current.prepare(snapshot), share=1.0))
    await current.choose("sk-b", group_of)
    assert len(asked) == 3


async def test_a_trial_that_ends_while_a_caller_is_looked_up_gets_no_more_calls(
    current: Current, snapshot: Snapshot
) -> None:
    current.publish(await current.prepare(snapshot))

    async def group_of(_: str) -> str | None:
        current.end_trial()
        return "beta"

    current.try_out(trial(await current.prepare(snapshot), group="beta"))

    assert await current.choose("sk-1", group_of) is current.generation


async def test_what_is_on_trial_stays_open_for_its_calls_when_it_ends(current: Current, snapshot: Snapshot) -> None:
    current.publish(await current.prepare(snapshot))
    new = await current.prepare(snapshot)
    current.try_out(trial(new, share=1.0))
    pinned = (await current.choose("sk-1", nobody)).pin()

    current.end_trial()
    assert not pinned.is_closed
    pinned.unpin()
    await closed(current, 1)

    assert new.is_closed
    assert current.trial is None


async def test_publishing_what_is_on_trial_keeps_it_and_retires_the_one_before(
    current: Current, snapshot: Snapshot
) -> None:
    current.publish(await current.prepare(snapshot))
    old, new = current.generation, await current.prepare(snapshot)
    current.try_out(trial(new, share=0.1))

    current.publish(new)
    await closed(current, 1)

    assert (current.generation, current.trial, old.is_closed, new.is_retired) == (new, None, True, False)


async def test_calls_are_counted_for_the_revision_that_served_them(
    current: Current, snapshot: Snapshot, tmp_path: Path
) -> None:
    current.publish(await current.prepare(snapshot))
    other = compile_files(tmp_path / "other", {"gateway.yaml": SMALL}).snapshot
    current.observe(snapshot, None)
    assert current.standing() is None

    current.try_out(trial(await current.prepare(other), share=0.1))
    current.observe(snapshot, None)
    current.observe(other, UpstreamBroken("x"))
    current.observe(other, InvalidRequest("x"))
    current.observe(compile_files(tmp_path / "third", {"gateway.yaml": SMALL}).snapshot, UpstreamBroken("x"))

    standing = current.standing()
    assert standing is not None
    assert (standing.calls, standing.failures, standing.old_calls, standing.old_failures) == (1, 1, 1, 0)
    assert (standing.revision, standing.share, standing.since) == (other.revision.id, "10%", AT)
