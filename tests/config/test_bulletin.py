"""One process and the database, of one mind about what is served: through the door of a whole gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinx.config.tree import default_tree, read_tree
from clinx.domain.override import Aspect, Override
from clinx.domain.revision import Rejection, Served
from clinx.storage import overrides, revisions
from clinx.storage.announcements import Topic, announce
from support.database import POSTGRES, _migrated_database, postgres_database
from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, completion, running_gateway

__all__ = ["_migrated_database", "postgres_database"]

MODELS = """\
models:
  fake-model: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
"""
CHANNEL = """\
  - name: {name}
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [fake-model]
    groups: [default, beta]
"""
HEAD = "version: 1\ngroups: {default: {}, beta: {}}\n" + MODELS.replace("{{", "{").replace("}}", "}")
DEAD = "http://127.0.0.1:9"


def tree(*channels: tuple[str, str], more: str = "") -> str:
    listed = "".join(CHANNEL.format(name=name, url=url) for name, url in channels)
    return f"{HEAD}{more}channels:\n{listed}"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        server.answers(json=completion())
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    files = {"gateway.yaml": tree(("main", upstream.url))}
    async with running_gateway(tmp_path, files) as running:
        yield running


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (the condition is what a caller would see)
            await asyncio.sleep(0.01)


async def said(gateway: Running, condition: Callable[[Served], bool], *, count: int = 1) -> Served:
    """Wait until so many processes say something of themselves in the database."""
    async with asyncio.timeout(10):
        while True:
            found = [each for each in await revisions.everywhere(gateway.gateway.database) if condition(each)]
            if len(found) == count:
                return found[0]
            await asyncio.sleep(0.01)


def override(channel: str, aspect: Aspect, value: int, *, seconds: float = 3600) -> Override:
    now = datetime.now(UTC)
    return Override(channel, aspect, value, "vendor is down", "ann", now, now + timedelta(seconds=seconds))


async def statuses(gateway: Running, key: str, count: int = 1) -> list[int]:
    return [(await gateway.post("/v1/chat/completions", chat(), key=key))[0] for _ in range(count)]


def served(gateway: Running) -> str:
    return gateway.gateway.current.snapshot.revision.id


async def test_an_override_is_obeyed_at_once_shown_everywhere_and_dropped_at_once(gateway: Running) -> None:
    key, database = await gateway.key(), gateway.gateway.database
    put = await database.atomically(overrides.put(override("main", Aspect.DISABLED, 1)))
    await until(lambda: gauge(gateway) == 1)

    status, body = await gateway.post("/v1/chat/completions", chat(), key=key)
    assert (status, body["error"]["code"]) == (503, "no_channel")
    assert [each["id"] for each in (await gateway.get("/v1/models", key=key))[1]["data"]] == ["fake-model"]
    _, channels = await gateway.get("/-/channels")
    assert [each["set"] for each in channels["channels"][0]["overrides"]] == ["channels.main.disabled=true"]
    _, revision = await gateway.get("/-/revision")
    assert [(each["id"], each["reason"], each["actor"]) for each in revision["overrides"]] == [
        (put.id, "vendor is down", "ann")
    ]

    await database.atomically(overrides.drop(put.id, "ann", datetime.now(UTC)))
    await until(lambda: gauge(gateway) == 0)
    assert await statuses(gateway, key) == [200]


def gauge(gateway: Running) -> float:
    return next(iter(gateway.gateway.metrics.overrides.collect())).samples[0].value


async def test_an_override_ends_by_itself(gateway: Running) -> None:
    key = await gateway.key()
    await gateway.gateway.database.atomically(overrides.put(override("main", Aspect.DISABLED, 1, seconds=0.5)))
    await until(lambda: gauge(gateway) == 1)

    await until(lambda: gauge(gateway) == 0)

    assert await statuses(gateway, key) == [200]


async def test_what_is_overridden_before_a_start_holds_from_the_first_call(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    files = {"gateway.yaml": tree(("main", upstream.url))}
    async with running_gateway(tmp_path, files) as first:
        key = await first.key()
        await first.gateway.database.atomically(overrides.put(override("main", Aspect.DISABLED, 1)))
    async with running_gateway(tmp_path, files) as second:
        assert await statuses(second, key) == [503]


async def test_a_process_says_what_it_serves_and_why_a_tree_is_not(gateway: Running) -> None:
    first = await said(gateway, lambda each: each.ok)
    assert (first.revision, first.tree, first.url) == (served(gateway), served(gateway), gateway.url)

    gateway.write("gateway.yaml", tree(("main", "http://x"), more="nonsense: 1\n"))
    failed = await said(gateway, lambda each: not each.ok)

    assert failed.revision == first.revision
    assert failed.tree != first.revision
    assert [each.split(" ")[1] for each in failed.diagnostics] == ["E301"]


async def test_a_request_to_look_is_answered(gateway: Running) -> None:
    await gateway.gateway.database.atomically(announce(Topic.RELOAD, "please", datetime.now(UTC)))

    assert (await said(gateway, lambda each: each.answered == "please")).ok


async def test_a_process_that_ends_is_forgotten(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = {"gateway.yaml": tree(("main", upstream.url))}
    async with running_gateway(tmp_path, files) as first:
        gone = (await said(first, lambda each: each.ok)).node
    async with running_gateway(tmp_path, files) as second:
        await said(second, lambda each: each.url == second.url)
        assert [each.node for each in await revisions.everywhere(second.gateway.database)] == [gone]


async def test_a_rejected_revision_is_not_served_until_the_tree_changes(
    gateway: Running, upstream: FakeUpstream
) -> None:
    database, good = gateway.gateway.database, served(gateway)
    gateway.write("gateway.yaml", tree(("main", upstream.url), more="# bad\n"))
    await until(lambda: served(gateway) != good)
    bad = served(gateway)
    rejection = Rejection(bad, good, "answers are wrong", "cli:ann", datetime.now(UTC))

    await database.atomically(revisions.reject(rejection))
    state = await said(gateway, lambda each: not each.ok)
    assert state.revision == good
    assert (state.ok, state.tree, state.error) == (False, bad, "rejected by cli:ann: answers are wrong")
    assert (await gateway.post("/-/reload", {}))[0] == 409
    assert served(gateway) == good

    gateway.write("gateway.yaml", tree(("main", upstream.url), more="# better\n"))
    await said(gateway, lambda each: each.ok and each.revision not in {good, bad})

    gateway.write("gateway.yaml", tree(("main", upstream.url), more="# bad\n"))
    await said(gateway, lambda each: each.tree == bad and each.revision == good)
    await database.atomically(revisions.lift(bad, "cli:ann", datetime.now(UTC)))
    await said(gateway, lambda each: each.ok and each.revision == bad)


async def test_a_machine_without_the_earlier_revision_says_so_and_goes_on(gateway: Running) -> None:
    now = served(gateway)
    rejection = Rejection(now, "0123456789ab", "wrong", "cli:ann", datetime.now(UTC))

    await gateway.gateway.database.atomically(revisions.reject(rejection))

    state = await said(gateway, lambda each: not each.ok)
    assert state.revision == now
    assert state.error == (
        f"rejected by cli:ann: wrong, but 0123456789ab is not in the history of this machine: {now} stays"
    )


async def test_a_start_serves_what_takes_the_place_of_a_rejected_tree(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = {"gateway.yaml": tree(("main", upstream.url))}
    async with running_gateway(tmp_path, files) as first:
        good = served(first)
        first.write("gateway.yaml", tree(("main", upstream.url), more="# bad\n"))
        await until(lambda: served(first) != good)
        bad = served(first)
        await first.gateway.database.atomically(
            revisions.reject(Rejection(bad, good, "wrong", "cli:ann", datetime.now(UTC)))
        )
        await said(first, lambda each: not each.ok and each.revision == good)
    async with running_gateway(tmp_path, {"gateway.yaml": tree(("main", upstream.url), more="# bad\n")}) as second:
        assert served(second) == good
        assert not second.gateway.current.state.ok


ROLLOUT = "rollout: {{group: beta, for: {seconds}, max_errors: 10%, minimum: 3}}\n"


async def test_a_revision_on_trial_has_its_group_until_it_is_promoted(gateway: Running, upstream: FakeUpstream) -> None:
    key, beta = await gateway.key(), await gateway.key(group="beta")
    old = served(gateway)
    gateway.write("gateway.yaml", tree(("renamed", upstream.url), more=ROLLOUT.format(seconds="10m")))
    state = await said(gateway, lambda each: each.trial is not None)
    assert state.trial is not None
    new = state.trial.revision
    assert (state.ok, state.revision, state.tree, state.trial.share) == (True, old, new, "group beta")

    assert await statuses(gateway, key) + await statuses(gateway, beta) == [200, 200]
    logs = {log.revision: log.channel for log in await gateway.request_logs()}
    assert logs == {old: "main", new: "renamed"}
    _, shown = await gateway.get("/-/revision")
    assert (shown["revision"], shown["trial"]["revision"], shown["trial"]["calls"], shown["trial"]["old_calls"]) == (
        old,
        new,
        1,
        1,
    )
    assert shown["generations"] == 2

    await gateway.gateway.database.atomically(announce(Topic.PROMOTE, new, datetime.now(UTC)))
    await said(gateway, lambda each: each.revision == new and each.trial is None)
    await until(lambda: gateway.gateway.current.alive == 1)
    assert await statuses(gateway, key) == [200]
    assert (await gateway.request_logs())[0].revision == new


async def test_a_trial_whose_time_is_over_is_promoted(gateway: Running, upstream: FakeUpstream) -> None:
    old = served(gateway)
    gateway.write("gateway.yaml", tree(("main", upstream.url), more=ROLLOUT.format(seconds="100ms")))

    state = await said(gateway, lambda each: each.revision != old)

    assert (state.ok, state.trial, state.tree) == (True, None, state.revision)
    assert [each.revision for each in gateway.gateway.reloader.history()] == [state.revision, old]


async def test_a_trial_that_fails_is_rejected_and_not_tried_again(gateway: Running, upstream: FakeUpstream) -> None:
    key, beta = await gateway.key(), await gateway.key(group="beta")
    old = served(gateway)
    broken = tree(("new", DEAD), more=ROLLOUT.format(seconds="10m"))
    gateway.write("gateway.yaml", broken)
    new = (await said(gateway, lambda each: each.trial is not None)).tree
    assert new is not None

    assert await statuses(gateway, beta, 3) == [502] * 3
    assert await statuses(gateway, key, 2) == [200] * 2
    state = await said(gateway, lambda each: each.trial is None and not each.ok)

    assert state.revision == old
    assert state.error is not None
    assert state.error.startswith(f"rejected by rollout:{state.node}: 3 of 3 calls failed (100.0%); before it 0.0% of ")
    assert await statuses(gateway, beta) == [200]
    found = await revisions.rejected(gateway.gateway.database)
    assert {(each.revision, each.instead, each.actor.partition(":")[0]) for each in found.values()} == {
        (new, old, "rollout")
    }
    assert (await gateway.post("/-/reload", {}))[0] == 409
    assert served(gateway) == old


async def test_a_channel_that_the_tree_on_trial_breaks_is_well_in_the_other(
    gateway: Running, upstream: FakeUpstream
) -> None:
    key, beta = await gateway.key(), await gateway.key(group="beta")
    patient = ROLLOUT.replace("minimum: 3", "minimum: 100").format(seconds="10m")
    gateway.write("gateway.yaml", tree(("main", DEAD), more=patient))
    await said(gateway, lambda each: each.trial is not None)

    assert await statuses(gateway, beta, 6) == [502] * 6
    assert await statuses(gateway, key) == [200]

    _, shown = await gateway.get("/-/channels")
    assert {(way["is_current"], way["state"]) for way in shown["channels"][0]["ways"]} == {
        (True, "closed"),
        (False, "open"),
    }


async def test_an_override_of_a_channel_that_only_the_tree_on_trial_has_counts_there(
    gateway: Running, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    key, beta = await gateway.key(), await gateway.key(group="beta")
    gateway.write("gateway.yaml", tree(("renamed", upstream.url), more=ROLLOUT.format(seconds="10m")))
    await said(gateway, lambda each: each.trial is not None)

    await gateway.gateway.database.atomically(overrides.put(override("renamed", Aspect.DISABLED, 1)))
    await until(lambda: gauge(gateway) == 1)

    assert await statuses(gateway, beta) + await statuses(gateway, key) == [503, 200]
    assert "override.without_channel" not in [record.message for record in caplog.records]


async def test_callers_own_faults_do_not_end_a_trial(gateway: Running, upstream: FakeUpstream) -> None:
    beta = await gateway.key(group="beta")
    gateway.write("gateway.yaml", tree(("main", upstream.url), more=ROLLOUT.format(seconds="10m")))
    await said(gateway, lambda each: each.trial is not None)

    for _ in range(5):
        assert (await gateway.post("/v1/chat/completions", chat("no-such-model"), key=beta))[0] == 404

    _, shown = await gateway.get("/-/revision")
    assert (shown["trial"]["calls"], shown["trial"]["failures"]) == (0, 0)


async def test_a_tree_that_changes_again_takes_the_place_of_the_one_on_trial(
    gateway: Running, upstream: FakeUpstream
) -> None:
    first = tree(("main", upstream.url))
    old = served(gateway)
    gateway.write("gateway.yaml", tree(("main", upstream.url), more=ROLLOUT.format(seconds="10m")))
    await said(gateway, lambda each: each.trial is not None)

    gateway.write("gateway.yaml", first)

    await said(gateway, lambda each: each.trial is None and each.ok and each.revision == old)
    await until(lambda: gateway.gateway.current.alive == 1)


async def test_a_restart_goes_on_with_the_trial(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = {"gateway.yaml": tree(("main", upstream.url))}
    async with running_gateway(tmp_path, files) as first:
        old = served(first)
    staged = {"gateway.yaml": tree(("main", upstream.url), more=ROLLOUT.format(seconds="10m"))}
    async with running_gateway(tmp_path, staged) as second:
        trial = second.gateway.current.trial
        assert served(second) == old
        assert trial is not None
        assert trial.revision == read_tree(second.root, default_tree()).id
        await second.gateway.reloader.promote(trial.revision)
        assert served(second) == trial.revision
    async with running_gateway(tmp_path, staged) as third:
        assert (served(third), third.gateway.current.trial) == (trial.revision, None)


async def test_no_call_fails_while_revisions_come_are_tried_and_are_taken_back(
    gateway: Running, upstream: FakeUpstream
) -> None:
    keys = [await gateway.key(), await gateway.key(group="beta")]
    over, answered = asyncio.Event(), list[int]()

    async def call(key: str) -> None:
        while not over.is_set():
            answered.extend(await statuses(gateway, key))

    callers = [asyncio.get_running_loop().create_task(call(key)) for key in keys * 2]
    for number in range(10):
        more = f"# {number}\n" + ROLLOUT.format(seconds="1h")
        gateway.write("gateway.yaml", tree((f"main-{number}", upstream.url), more=more))
        await gateway.gateway.reloader.reload()
        trial = gateway.gateway.current.trial
        assert trial is not None
        if number % 2:
            assert await gateway.gateway.reloader.promote(trial.revision)
        else:
            rejection = Rejection(trial.revision, served(gateway), "x", "cli:ann", datetime.now(UTC))
            await gateway.gateway.reloader.obey({trial.revision: rejection})
    over.set()
    await asyncio.gather(*callers)

    assert set(answered) == {200}
    await until(lambda: gateway.gateway.current.alive == 1)


@pytest.mark.skipif(not POSTGRES, reason="needs CLINX_TEST_POSTGRES_URL")
async def test_several_processes_are_of_one_mind(
    tmp_path: Path, upstream: FakeUpstream, postgres_database: str
) -> None:
    files = {"gateway.yaml": tree(("main", upstream.url))}
    async with (
        running_gateway(tmp_path / "a", files, database_url=postgres_database) as one,
        running_gateway(tmp_path / "b", files, database_url=postgres_database) as two,
    ):
        database, old = one.gateway.database, served(one)
        for each in (one, two):
            each.write("gateway.yaml", tree(("new", DEAD), more=ROLLOUT.format(seconds="1h")))
            await each.gateway.reloader.reload()
            assert each.gateway.current.trial is not None
        await said(one, lambda each: each.trial is not None, count=2)

        beta = await one.key(group="beta")
        assert await statuses(one, beta, 3) == [502] * 3
        await until(lambda: one.gateway.current.trial is None and two.gateway.current.trial is None)
        assert [served(one), served(two)] == [old, old]
        assert await statuses(two, beta) == [200]

        await database.atomically(overrides.put(override("main", Aspect.DISABLED, 1)))
        await until(lambda: gauge(one) == gauge(two) == 1)
        assert [await statuses(each, beta) for each in (one, two)] == [[503], [503]]
