"""Limits that count by channel: over a gate, and as callers of a whole gateway meet them, in memory and over Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from clinx.errors import RateLimited
from clinx.policies.gate import Outcome
from clinx.policies.limit import LimitRule, Measure
from clinx.policies.subject import Scope
from clinx.relay.channel_gate import ChannelGate, apart
from support.counters import PLACES, REDIS, Counting, counting, needs_redis
from support.fake_upstream import FakeUpstream, hang, pause, sse
from support.gates import Entrance, subject
from support.gateway import Running, chat, chunks, completion, running_gateway

__all__ = ["counting"]

TREE = """\
version: 1
models: {{m: {{price: {{input: "1", output: "2", per: 1M}}}}}}
profiles: {{near: {{provider: openai-compatible, models: [m], credentials: ["${{env:UPSTREAM_KEY}}"]}}}}
channels:
  - {{name: first, extends: near, base_url: {first}, priority: 10}}
  - {{name: second, extends: near, base_url: {second}}}
"""
HOUR = 3_600_000
DONE = Outcome(success=True)


@pytest.fixture
async def first() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def second() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        server.answers(json=completion("second"))
        yield server


def rule(counting: Counting, measure: Measure = Measure.REQUESTS, **more: Any) -> LimitRule:
    window = 0 if measure is Measure.CONCURRENCY else HOUR
    return LimitRule(f"few-{counting.id}", measure, 1, window, of=(Scope.CHANNEL,), **more)


async def lets_in(gate: ChannelGate, channel: str) -> bool:
    try:
        await gate.enter(channel)
    except RateLimited:
        return False
    return True


async def test_each_channel_is_counted_apart(counting: Counting) -> None:
    gate = ChannelGate(Entrance.over(counting).gate, (rule(counting),), subject())

    assert [await lets_in(gate, name) for name in ("a", "b", "a")] == [True, True, False]


@pytest.mark.parametrize("measure", [Measure.REQUESTS, Measure.CONCURRENCY])
async def test_of_an_attempt_that_sent_nothing_all_is_given_back(counting: Counting, measure: Measure) -> None:
    gate = ChannelGate(Entrance.over(counting).gate, (rule(counting, measure),), subject())

    assert await lets_in(gate, "a")
    await gate.leave(None)
    assert await lets_in(gate, "a")
    assert not await lets_in(gate, "a")


async def test_an_attempt_is_ended_once(counting: Counting) -> None:
    gate = Entrance.over(counting).gate
    ours, other = (ChannelGate(gate, (rule(counting, success_only=True),), subject()) for _ in range(2))
    assert await lets_in(ours, "a")
    await ours.leave(Outcome(success=False))
    assert await lets_in(other, "a")

    await ours.leave(Outcome(success=False))

    assert not await lets_in(ours, "a")


def test_only_what_counts_by_channel_waits_for_one() -> None:
    door = LimitRule("door", Measure.REQUESTS, 1, HOUR)
    later = LimitRule("later", Measure.REQUESTS, 1, HOUR, of=(Scope.USER, Scope.CHANNEL))

    assert apart([door, later]) == ([door], (later,))
    assert apart((door,)) == ((door,), ())


class Place:
    """Where the gateways of a test count, and a name for a rule that nobody else has."""

    def __init__(self, redis: str) -> None:
        self.settings: dict[str, Any] = {"redis": redis} if redis else {}
        self.name = f"few-{uuid.uuid4().hex}"

    def running(self, folder: Path, first: FakeUpstream, second: FakeUpstream, limit: str, more: str = "") -> Any:
        rules = f"- {{name: {self.name}, limit: {limit}}}\n{more}"
        files = {"gateway.yaml": TREE.format(first=first.url, second=second.url), "policies/limits.yaml": rules}
        return running_gateway(folder, files, **self.settings)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    return Place(REDIS if request.param == "redis" else "")


async def answerer(gateway: Running, key: str) -> str:
    """Ask once; say which upstream answered, or why none did."""
    _, body = await gateway.post("/v1/chat/completions", chat("m"), key=key)
    return body["error"]["code"] if "error" in body else body["choices"][0]["message"]["content"]


async def open_stream(gateway: Running, key: str) -> aiohttp.ClientResponse:
    return await gateway.session.post(
        f"{gateway.url}/v1/chat/completions", json=chat("m", stream=True), headers={"Authorization": f"Bearer {key}"}
    )


async def test_a_used_up_channel_is_passed_over_and_when_all_are_the_caller_is_told(
    tmp_path: Path, first: FakeUpstream, second: FakeUpstream, place: Place
) -> None:
    first.answers(json=completion("first"))
    door = f"- {{name: {place.name}-user, limit: {{requests: 3, per: 1h}}}}\n"
    async with place.running(tmp_path, first, second, "{requests: 1, per: 1h, of: channel}", door) as gateway:
        key = await gateway.key()
        answers = [await answerer(gateway, key) for _ in range(2)]
        refusals = list[tuple[int, str, bool]]()
        for _ in range(2):
            async with gateway.session.post(
                f"{gateway.url}/v1/chat/completions", json=chat("m"), headers={"Authorization": f"Bearer {key}"}
            ) as answer:
                seconds = float(answer.headers["Retry-After"])
                refusals.append((answer.status, (await answer.json())["error"]["message"], 3500 < seconds <= 3661))
        other = await answerer(gateway, await gateway.key())
        attempts = {log.outcome: [each.channel for each in log.attempts] for log in await gateway.request_logs()}

    says = f"The limit '{place.name}' is reached: 1 request in 1h for this channel."
    assert answers == ["first", "second"]
    assert [(status, message.startswith(says), soon) for status, message, soon in refusals] == [(429, True, True)] * 2
    assert other == "rate_limit_exceeded", "channels are counted for everybody together"
    assert (len(first.requests), len(second.requests), attempts["rate_limited"]) == (1, 1, [])


async def test_with_the_user_each_one_has_as_much_of_each_channel(
    tmp_path: Path, first: FakeUpstream, second: FakeUpstream, place: Place
) -> None:
    first.answers(json=completion("first"))
    async with place.running(tmp_path, first, second, "{requests: 1, per: 1h, of: [user, channel]}") as gateway:
        one, other = await gateway.key(), await gateway.key()
        answers = [await answerer(gateway, key) for key in (one, one, other)]

    assert answers == ["first", "second", "first"]


@pytest.mark.parametrize("limit", ["{tokens: 20, per: 1h, of: channel}", '{amount: "0.00002", per: 1h, of: channel}'])
async def test_what_a_call_used_is_counted_for_the_channel_that_answered(
    tmp_path: Path, first: FakeUpstream, second: FakeUpstream, place: Place, limit: str
) -> None:
    """Each call uses 12 tokens and costs 0.000015; the first channel fails once, and used nothing then."""
    first.answers(status=500, json={}).answers(json=completion("first"))
    async with place.running(tmp_path, first, second, limit) as gateway:
        key = await gateway.key()
        answers = [await answerer(gateway, key) for _ in range(5)]

    assert answers == ["second", "first", "first", "second", "rate_limit_exceeded"]


@pytest.mark.parametrize(("count", "then"), [("all", "second"), ("success", "first")])
async def test_an_attempt_that_failed_counts_unless_only_successes_do(
    tmp_path: Path, first: FakeUpstream, second: FakeUpstream, place: Place, count: str, then: str
) -> None:
    first.answers(status=500, json={}).answers(json=completion("first"))
    limit = f"{{requests: 2, per: 1h, of: channel, count: {count}}}"
    async with place.running(tmp_path, first, second, limit) as gateway:
        key = await gateway.key()
        answers = [await answerer(gateway, key) for _ in range(3)]

    assert answers == ["second", "first", then]


async def test_a_slot_is_held_while_the_answer_runs_and_free_when_its_caller_left(
    tmp_path: Path, first: FakeUpstream, second: FakeUpstream, place: Place
) -> None:
    rest = asyncio.Event()
    head, *others = chunks("Hello", "!")
    first.streams([sse(head, others[0], done=False), pause(rest), sse(*others[1:])])
    first.streams([sse(head, others[0], done=False), hang()]).streams([hang()]).answers(json=completion("first"))
    async with place.running(tmp_path, first, second, "{concurrency: 1, of: channel}") as gateway:
        key = await gateway.key()
        during = list[str]()
        async with await open_stream(gateway, key) as answer:
            during.append(await answerer(gateway, key))
            rest.set()
            await answer.read()
        left = await open_stream(gateway, key)
        during.append(await answerer(gateway, key))
        left.close()
        await first.until(lambda: first.open == 0)
        await gateway.idle()
        asking = asyncio.Task(open_stream(gateway, key))
        await first.until(lambda: len(first.requests) == 3)
        during.append(await answerer(gateway, key))
        asking.cancel()
        await first.until(lambda: first.open == 0)
        await gateway.idle()
        after = [await answerer(gateway, key) for _ in range(2)]

    assert (during, after) == (["second"] * 3, ["first", "first"])


@needs_redis
async def test_two_gateways_at_one_redis_count_each_channel_together(
    tmp_path: Path, first: FakeUpstream, second: FakeUpstream
) -> None:
    first.answers(json=completion("first"))
    place, limit = Place(REDIS), "{requests: 3, per: 1h, of: channel}"
    async with (
        place.running(tmp_path / "one", first, second, limit) as one,
        place.running(tmp_path / "two", first, second, limit) as two,
    ):
        keys = {gateway.url: await gateway.key() for gateway in (one, two)}
        answers = await asyncio.gather(*(answerer(each, keys[each.url]) for each in (one, two) for _ in range(5)))

    assert sorted(answers) == ["first"] * 3 + ["rate_limit_exceeded"] * 4 + ["second"] * 3
