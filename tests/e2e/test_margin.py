"""What an operator earns: calls by an official SDK through channels that say what they cost and one that does not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openai
import pytest

from clinx.billing import folding
from clinx.domain.identity import Role
from support.console import CONSOLE, Client, Console
from support.fake_upstream import FakeUpstream, sse
from support.gateway import chunks, completion, running_gateway

TREE = """\
version: 1
groups: {{default: {{}}, vip: {{multiplier: "0.5"}}}}
models:
  earning: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
  unknown: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
profiles:
  near: {{provider: openai-compatible, base_url: {url}, credentials: ["${{env:UPSTREAM_KEY}}"], groups: [default, vip]}}
channels:
  - {{name: paid, extends: near, models: [earning], cost: {{input: "0.6", output: "1.2", per: 1M}}}}
  - {{name: silent, extends: near, models: [unknown]}}
"""
"""A call of 1,000 tokens in and 500 out is charged 0.002, or half of that in vip, and paid 0.0012."""
MESSAGES: Any = [{"role": "user", "content": "Say hello."}]
REPORT = """query ($input: UsageReportInput!) { usageReport(input: $input) { series {
  name figures { requests charge cost margin costedRequests } columns { cost margin }
} } }"""
OWN = """query ($input: UsageReportInput!) { usageReport(input: $input) { series { figures { charge %s } } } }"""
LOGS = """query ($filter: RequestLogFilter!) { requestLogs(first: 9, filter: $filter) { nodes: edges { node {
  model charge cost margin
} } } }"""


@pytest.fixture
async def console(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Console]:
    files = {"gateway.yaml": TREE.format(url=upstream.url) + CONSOLE}
    async with running_gateway(tmp_path, files) as gateway:
        yield Console(gateway, Client(gateway.url, gateway.session))


@pytest.fixture
async def upstream(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeUpstream]:
    monkeypatch.setenv("UPSTREAM_KEY", "sk-upstream")
    async with FakeUpstream() as server:
        yield server


async def call(console: Console, key: str, model: str, *, stream: bool = False) -> None:
    async with openai.AsyncOpenAI(base_url=f"{console.gateway.url}/v1", api_key=key, max_retries=0) as caller:
        answer: Any = await caller.chat.completions.create(model=model, messages=MESSAGES, stream=stream)
        async for _ in answer if stream else _nothing():
            pass


async def _nothing() -> AsyncIterator[None]:
    return
    yield


def today(**more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat(), **more}


async def test_an_operator_sees_what_is_left_and_callers_see_nothing_of_it(
    console: Console, upstream: FakeUpstream
) -> None:
    ann, root = await console.person("ann", credit="10"), await console.person("root-1", role=Role.ROOT)
    assert ann.user is not None
    key, vip = (await console.gateway.issue(ann.user)).secret, await console.gateway.key(group="vip")
    for _ in range(2):
        upstream.answers(json=completion(input_tokens=1_000, output_tokens=500))
    upstream.streams([sse(*chunks("Hello", usage=(1_000, 500)))])
    upstream.answers(status=500, json={"error": {"message": "no"}})
    upstream.answers(json=completion(input_tokens=1_000, output_tokens=500))

    await call(console, key, "earning")
    await call(console, vip, "earning")
    await call(console, key, "earning", stream=True)
    with pytest.raises(openai.InternalServerError):
        await call(console, key, "earning")
    await call(console, key, "unknown")
    await console.gateway.settled()
    await folding.fold(console.gateway.gateway.database)

    told = await root.query(REPORT, input=today(by="MODEL", everyone=True))
    assert {each["name"]: each["figures"] for each in told["usageReport"]["series"]} == {
        "earning": {"requests": "4", "charge": "0.005", "cost": "0.0036", "margin": "0.0014", "costedRequests": "3"},
        "unknown": {"requests": "1", "charge": "0.002", "cost": None, "margin": None, "costedRequests": "0"},
    }
    (total,) = (await root.query(REPORT, input=today(everyone=True)))["usageReport"]["series"]
    assert (total["figures"]["charge"], total["figures"]["margin"]) == ("0.007", "0.0014"), "not 0.0034"
    (silent,) = (await root.query(REPORT, input=today(by="CHANNEL", everyone=True, names=["silent"])))["usageReport"][
        "series"
    ]
    assert set(silent["columns"]["margin"]) == {None}
    logs = await root.query(LOGS, filter=today(everyone=True, group="vip"))
    assert [each["node"] for each in logs["requestLogs"]["nodes"]] == [
        {"model": "earning", "charge": "0.001", "cost": "0.0012", "margin": "-0.0002"}
    ]
    for field in ("cost", "margin", "costedRequests"):
        assert await ann.code(OWN % field, input=today()) == "forbidden"
    assert await ann.code(LOGS, filter=today()) == "forbidden"
    assert await ann.code(OWN % "", input=today()) == ""
    assert await exported(console, root, everyone="true") == {
        ("0.001", "0.0012"),
        ("0.002", "0.0012"),
        ("0.002", None),
        ("0", None),
    }
    assert await exported(console, ann) == {("0.002", "hidden"), ("0", "hidden")}


async def exported(console: Console, who: Client, **more: str) -> set[tuple[str, str | None]]:
    """What an export says of charges and costs."""
    query = {**today(), "format": "jsonl", **more}
    url = f"{console.gateway.url}/api/export/request-logs"
    async with console.gateway.session.get(url, params=query, headers=who.sent) as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]
    return {(line["charge"], line.get("cost", "hidden")) for line in lines}
