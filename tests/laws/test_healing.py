"""Laws of routing that heals: what is dead costs callers next to nothing, and comes back by itself."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clinx.config.snapshot import Snapshot
from clinx.dialects.base import Inbound
from clinx.dialects.registry import DIALECTS
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import GatewayError
from clinx.relay.attempts import Attempts
from clinx.relay.exchange import Exchange
from clinx.routing.health import Health
from clinx.routing.plan import plan
from clinx.routing.retries import RetryBudget
from clinx.telemetry.metrics import Metrics
from clinx.upstream.request import RequestBuilder, UpstreamRequest
from clinx.upstream.stages import Stage, broken, timed_out
from support.gateway import completion
from support.tree import compile_files

TOGETHER = 20
TREE = """\
version: 1
models: {m: {price: free}}
profiles: {near: {provider: openai-compatible, models: [m], credentials: ["${env:UPSTREAM_KEY}"]}}
channels:
  - {name: a, extends: near, base_url: "http://a.test"}
  - {name: b, extends: near, base_url: "http://b.test"}
  - {name: c, extends: near, base_url: "http://c.test"}
"""
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
OPENAI = DIALECTS["openai_chat"]
GOOD = json.dumps(completion()).encode()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Answered:
    """An upstream's answer that is there at once."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"
    upstream_id: str | None = None

    def arrived(self, limit: int = 0) -> bytes:
        return self.body

    async def read(self, limit: int = 0) -> bytes:
        return self.body

    async def close(self) -> None:
        pass


@dataclass
class World:
    """Three channels, of which some are dead in some way, and a gateway's attempts at them."""

    snapshot: Snapshot
    dead: dict[str, str] = field(default_factory=dict[str, str])
    clock: Clock = field(default_factory=Clock)
    asked: Counter[str] = field(default_factory=Counter[str])
    draw: random.Random = field(default_factory=lambda: random.Random(11))

    def __post_init__(self) -> None:
        self.health = Health(self.clock, jitter=self.draw.random)
        metrics = Metrics()
        finisher = SimpleNamespace(metrics=metrics, reroute=lambda *_: None, settle=self._settle)
        retries = RetryBudget(self.clock, metrics.retries_denied.inc)
        requests = RequestBuilder({}, "clinx/test")
        self.attempts = Attempts(
            cast("Any", self), requests, self.health, cast("Any", finisher), self.clock, retries, self._sleep
        )

    async def send(self, request: UpstreamRequest, *, deadline: float) -> Answered:
        name = (request.url.host or "").partition(".")[0]
        self.asked[name] += 1
        await asyncio.sleep(0)
        match self.dead.get(name):
            case None:
                return Answered(200, GOOD)
            case "refused connection":
                raise broken(Stage.CONNECT, "refused")
            case "timeout":
                raise timed_out(Stage.FIRST_BYTE, 60.0)
            case "wrong path":
                return Answered(404, b"<html>nothing here</html>", content_type="text/html")
            case status:
                return Answered(int(status), b'{"error":{"message":"no"}}')

    async def call(self) -> Exchange:
        """One exchange, from its plan to its answer; the clock goes on a little."""
        self.clock.now += 0.005
        inbound = Inbound("POST", "/v1/chat/completions", {}, {}, {}, BODY)
        endpoint = next(each for each in OPENAI.endpoints if each.operation is Operation.CHAT)
        exchange = Exchange(
            "req_1",
            datetime(2026, 1, 1, tzinfo=UTC),
            self.clock.now,
            self.snapshot,
            OPENAI,
            endpoint,
            None,
            None,
            cast("Any", None),
        )
        exchange.envelope = OPENAI.open_request(Operation.CHAT, inbound)
        exchange.model = self.snapshot.model("m")
        exchange.plan = plan(
            self.snapshot.routes,
            self.snapshot.groups,
            group=self.snapshot.groups["default"],
            model="m",
            operation=Operation.CHAT,
            dialect="openai_chat",
            draw=self.draw,
            health=self.health,
        )
        try:
            await self.attempts.first_answer(exchange)
        except GatewayError as error:
            exchange.error = error
        return exchange

    async def calls(self, number: int) -> list[Exchange]:
        return [
            exchange
            for _ in range(number // TOGETHER)
            for exchange in await asyncio.gather(*(self.call() for _ in range(TOGETHER)))
        ]

    @staticmethod
    async def _settle(exchange: Exchange, usage: Usage) -> None:
        exchange.finished, exchange.usage = True, usage

    async def _sleep(self, seconds: float) -> None:
        self.clock.now += seconds


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(compile_files(tmp_path, {"gateway.yaml": TREE}).snapshot)


@pytest.mark.parametrize(
    ("death", "calls"),
    [("500", 10_000), ("refused connection", 2000), ("timeout", 2000), ("401", 2000), ("wrong path", 2000)],
)
async def test_one_of_three_channels_dead_is_hardly_noticed(world: World, death: str, calls: int) -> None:
    world.dead["b"] = death

    exchanges = await world.calls(calls)

    failed = sum(exchange.error is not None for exchange in exchanges)
    attempts = sum(len(exchange.attempts) for exchange in exchanges)
    assert failed <= calls // 1000, "99.9 % succeed"
    assert attempts <= 1.2 * calls
    assert world.asked["b"] <= calls // 100, "it is hardly asked any more"


async def test_what_died_in_the_middle_comes_back_by_itself(world: World) -> None:
    await world.calls(1000)
    world.dead["b"] = "500"
    during = await world.calls(2000)
    del world.dead["b"]
    world.clock.now += 600.0
    world.asked.clear()
    after = await world.calls(3000)

    assert [exchange.error for exchange in (*during, *after)] == [None] * 5000
    assert sum(len(exchange.attempts) for exchange in after) == 3000
    assert abs(world.asked["b"] - 1000) < 150, "it has its share again"


async def test_when_all_are_dead_one_answer_brings_them_back(world: World) -> None:
    world.dead.update(dict.fromkeys("abc", "500"))
    dead = await world.calls(500)
    del world.dead["a"]

    alive = await world.calls(500)

    assert all(exchange.error is not None for exchange in dead)
    assert all(len(exchange.attempts) <= 3 for exchange in dead)
    assert sum(exchange.error is not None for exchange in alive[TOGETHER * 3 :]) == 0


async def test_retries_are_a_share_of_what_is_asked_when_everything_fails_now_and_then(world: World) -> None:
    world.dead.update(dict.fromkeys("abc", "503"))

    exchanges = await world.calls(2000)

    attempts = sum(len(exchange.attempts) for exchange in exchanges)
    assert attempts <= 1.25 * len(exchanges)


async def test_a_weighted_draw_is_within_two_percent_over_20_000_calls(tmp_path: Path) -> None:
    weighted = TREE.replace('a.test"}', 'a.test", weight: 5}').replace('b.test"}', 'b.test", weight: 3}')
    weighted = weighted.replace('c.test"}', 'c.test", weight: 2}')
    world = World(compile_files(tmp_path, {"gateway.yaml": weighted}).snapshot)

    await world.calls(20_000)

    shares = {name: world.asked[name] / 20_000 for name in "abc"}
    assert shares == {name: pytest.approx(share, rel=0.02) for name, share in {"a": 0.5, "b": 0.3, "c": 0.2}.items()}
