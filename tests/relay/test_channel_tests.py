"""Channels that are tried out: by a real gateway whose clock for tests is turned by hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clinx.config.snapshot import Snapshot
from clinx.domain.operation import Operation
from clinx.relay.channel_tests import ChannelTests, Trial, endpoint_for
from clinx.routing.health import Health
from clinx.routing.way import Use
from clinx.telemetry.metrics import Metrics
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.pool import Pool
from clinx.upstream.request import RequestBuilder
from clinx.upstream.send import Sender
from support.channels import channel
from support.fake_upstream import FakeUpstream
from support.gateway import completion
from support.tree import compile_files

TREE = """\
version: 1
models: {{m: {{price: free}}}}
channels:
  - name: main
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [{{m: upstream-m}}]
    circuit: {{cooldown: 10s}}
    {more}
"""


class Clock:
    """Time, turned by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Tried:
    """Tests of one tree's channels, over real sockets."""

    def __init__(self, snapshot: Snapshot, pool: Pool) -> None:
        self.snapshot, self.clock, self.metrics = snapshot, Clock(), Metrics()
        self.on_trial: list[Snapshot] = []
        self.disabled: set[str] = set()
        self.health = Health(self.clock)
        self.supervisor = Supervisor()
        sender = Sender(pool, self.clock)
        self.tests = ChannelTests(
            self.health,
            sender,
            RequestBuilder({}, "clinx/test"),
            self.supervisor,
            self.metrics,
            served=lambda: (self.snapshot, *self.on_trial),
            is_disabled=lambda name: name in self.disabled,
            monotonic=self.clock,
            jitter=lambda: 0.5,
        )

    @property
    def main(self) -> Any:
        return self.snapshot.channels["main"]

    async def look(self) -> None:
        self.tests.look()
        await asyncio.gather(*self.supervisor._tasks)

    def refuse(self) -> None:
        for user in (1, 2):
            turn = self.health.take(self.main, "upstream-m", use=Use(self.endpoint, user=user))
            assert turn is not None
            self.health.refused(turn, can_test=True)
            self.health.ended(turn)

    @property
    def endpoint(self) -> Any:
        return self.main.provider.endpoint(Operation.CHAT, "openai_chat")

    def state(self) -> str:
        [state] = self.health.states()
        return state.state


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool()
    await pool.lease([channel()], ())
    yield pool
    await pool.close()


def tried(folder: Path, upstream: FakeUpstream, pool: Pool, more: str = "") -> Tried:
    return Tried(compile_files(folder, {"gateway.yaml": TREE.format(url=upstream.url, more=more)}).snapshot, pool)


async def test_a_channel_that_asks_for_it_is_tested_on_its_schedule(
    tmp_path: Path, upstream: FakeUpstream, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answers(json=completion()).answers(status=500, json={"error": {"message": "no"}})
    one = tried(tmp_path, upstream, pool, "test: {every: 5m}")

    seen = list[tuple[int, str | None]]()
    with caplog.at_level(logging.INFO, "clinx.relay"):
        for seconds in (0.0, 149.0, 1.0, 299.0, 1.0):
            one.clock.now += seconds
            await one.look()
            seen.append((len(upstream.requests), one.state() if one.health.states() else None))

    assert seen == [(0, None), (0, None), (1, "closed"), (1, "closed"), (2, "open")]
    assert upstream.requests[0].json == {"model": "upstream-m", "messages": [{"role": "user", "content": "hi"}]}
    assert upstream.requests[0].headers["authorization"] == "Bearer vendor-secret-0123456789"
    outcomes = [vars(record)["fields"]["outcome"] for record in caplog.records if record.message == "channel.tested"]
    assert outcomes == ["ok", "upstream_broken"]


async def test_a_refused_credential_is_tested_unasked_and_comes_back(
    tmp_path: Path, upstream: FakeUpstream, pool: Pool
) -> None:
    upstream.answers(status=401, json={"error": {"message": "no"}}).answers(json=completion())
    one = tried(tmp_path, upstream, pool)
    one.refuse()

    seen = list[tuple[int, str]]()
    for seconds in (0.0, 10.0, 10.0, 10.0):
        one.clock.now += seconds
        await one.look()
        seen.append((len(upstream.requests), one.state()))

    assert seen == [(0, "held"), (1, "held"), (1, "held"), (2, "closed")]


@pytest.mark.parametrize(("status", "wait"), [(400, 300.0), (429, 30.0)])
async def test_what_tells_nothing_of_the_credential_leaves_it_held_and_is_not_repeated_at_once(
    tmp_path: Path, upstream: FakeUpstream, pool: Pool, status: int, wait: float
) -> None:
    upstream.answers(status=status, headers={"Retry-After": "30"}, json={"error": {"message": "odd request"}})
    one = tried(tmp_path, upstream, pool)
    one.refuse()
    one.clock.now += 10.0

    await one.look()
    one.clock.now += wait - 1.0
    await one.look()

    assert (len(upstream.requests), one.state()) == (1, "held")


async def test_an_error_inside_a_success_is_a_failed_test(tmp_path: Path, upstream: FakeUpstream, pool: Pool) -> None:
    upstream.answers(json={"error": {"message": "no", "type": "server_error"}})
    one = tried(tmp_path, upstream, pool, "test: {every: 1s}")

    await one.look()
    one.clock.now += 1.0
    await one.look()

    assert one.state() == "open"


async def test_a_new_tree_is_followed(tmp_path: Path, upstream: FakeUpstream, pool: Pool) -> None:
    one = tried(tmp_path, upstream, pool)
    one.refuse()
    upstream.answers(json=completion())
    await one.tests.test(Trial(one.main, one.main.credentials[0], "upstream-m", one.endpoint))
    assert [(name, ended.outcome, ended.at) for name, ended in one.tests.last.items()] == [("main", "ok", 1000.0)]
    one.snapshot = compile_files(
        tmp_path, {"gateway.yaml": TREE.format(url=upstream.url, more="").replace("main", "new")}
    ).snapshot

    await one.look()

    assert one.health.states() == ()
    assert one.tests.last == {}


def test_a_channel_is_asked_what_its_model_is_for(tmp_path: Path) -> None:
    text = TREE.format(url="http://x.test", more="").replace("openai-compatible", "openai")
    openai = compile_files(tmp_path, {"gateway.yaml": text}).snapshot.channels["main"]

    found = [endpoint_for(openai, name) for name in ("gpt-4o", "text-embedding-3-small")]

    assert [endpoint and endpoint.operation for endpoint in found] == [Operation.CHAT, Operation.EMBED]
    assert endpoint_for(channel(provider=cast("Any", SimpleNamespace(endpoints=()))), "m") is None


async def test_a_disabled_channel_is_sent_nothing(tmp_path: Path, upstream: FakeUpstream, pool: Pool) -> None:
    upstream.answers(json=completion())
    one = tried(tmp_path, upstream, pool, "test: {every: 1s}")
    one.disabled.add("main")

    for _ in range(3):
        await one.look()
        one.clock.now += 1.0
    assert upstream.requests == []

    one.disabled.clear()
    await one.look()
    assert len(upstream.requests) == 1


async def test_a_tree_on_trial_is_tested_beside_the_other_and_forgotten_after_it(
    tmp_path: Path, upstream: FakeUpstream, pool: Pool
) -> None:
    upstream.answers(json=completion())
    old = tried(tmp_path / "old", upstream, pool, "test: {every: 1s}")
    new = tried(tmp_path / "new", upstream, pool, "test: {every: 1s}\n    set: {temperature: 1}")
    old.on_trial.append(new.snapshot)

    await old.look()
    old.clock.now += 1.0
    await old.look()
    bodies = [each.json for each in upstream.requests]
    assert sorted("temperature" in each for each in bodies) == [False, True]
    assert {each.manner for each in old.health.states()} == {old.main.manner, new.main.manner}

    old.on_trial.clear()
    await old.look()
    assert {each.manner for each in old.health.states()} == {old.main.manner}
