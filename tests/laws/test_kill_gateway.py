"""A whole gateway is killed under load, again and again: callers and vendor agree with the ledger afterwards."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sqlite3
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from cli.test_serve import Served, serving
from clinx.billing.estimate import least_prompt
from clinx.billing.recovery import OUTCOME
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from support.database import make_token, make_user
from support.fake_upstream import FakeUpstream, pause, sse
from support.gateway import chat, chunks, completion
from support.tree import tree
from support.verdict import contradictions, read

KILLS = 5
CALLS = 60
"""Between two kills."""
PARALLEL = 8
OPEN_STREAMS = 3
"""In flight at each kill, at least."""
DEADLINE = 60.0
"""Seconds until a test gives up on calls that never end."""
COST = 15_000
"""Nano: 9 tokens of a prompt at a dollar per million, 3 of an answer at two."""
BODIES = [chat("whole", stream=False), chat("streamed", stream=True)]
FLOORS = {1_000 * least_prompt(len(json.dumps(body))) for body in BODIES}
"""Nano: what is charged at least once a call was sent whose process dies; these are too short to be metered."""
TREE = """\
version: 1
models:
  whole: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
  streamed: {{price: {{input: "1", output: "2", per: 1M}}, max_output: 1000}}
channels:
  - name: whole
    provider: openai-compatible
    base_url: {whole}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [whole]
    cost: {{input: "0.5", output: "1", per: 1M}}
  - name: streamed
    provider: openai-compatible
    base_url: {streamed}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [streamed]
    cost: {{input: "0.5", output: "1", per: 1M}}
"""
"""The vendors are paid half of what callers pay."""


@dataclass
class Vendors:
    """One answers at once, one streams and stops in the middle while it is told to."""

    whole: FakeUpstream
    streamed: FakeUpstream
    flowing: asyncio.Event

    @property
    def bill(self) -> set[str]:
        """The ids of all calls that arrived."""
        return {call.headers["x-request-id"] for vendor in (self.whole, self.streamed) for call in vendor.requests}

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncGenerator[Vendors]:
        flowing = asyncio.Event()
        flowing.set()
        events = chunks("one", "two", "three")
        async with FakeUpstream() as whole, FakeUpstream() as streamed:
            whole.answers(json=completion())
            streamed.streams([sse(*events[:2], done=False), pause(flowing), sse(*events[2:])])
            yield cls(whole, streamed, flowing)
            flowing.set()


@dataclass
class Callers:
    """They call again and again, whichever process serves."""

    key: str
    url: str = ""
    up: asyncio.Event = field(default_factory=asyncio.Event)
    begun: dict[str, bool] = field(default_factory=dict)
    """Calls that were answered, by their id: whether the end of the answer was heard."""
    refused: set[str] = field(default_factory=set)
    """Calls that were told to come again: the ledger could not be written."""
    stopping: bool = False
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def served(self) -> int:
        return sum(self.begun.values())

    @property
    def streaming(self) -> int:
        return len(self.begun) - self.served

    async def until_served(self, more: int) -> None:
        before = self.served
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: self.served >= before + more)

    async def until_streaming(self, more: int) -> None:
        before = self.streaming
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: self.streaming >= before + more)

    async def until_refused(self) -> None:
        before = len(self.refused)
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: len(self.refused) > before)

    async def call_again_and_again(self) -> None:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.key}"}) as session:
            while not self.stopping:
                await self.up.wait()
                try:
                    await self._call(session)
                except (aiohttp.ClientError, ConnectionError):
                    await asyncio.sleep(0)

    async def _call(self, session: aiohttp.ClientSession) -> None:
        streams = next(self._numbers) % 2
        body = BODIES[streams]
        async with session.post(f"{self.url}/v1/chat/completions", json=body) as response:
            id_ = response.headers["clinx-request-id"]
            if response.status == 503:
                await self._note_refusal(id_, await response.json(), response.headers["Retry-After"])
                return
            assert response.status == 200, await response.text()
            await self._note(id_, done=False)
            answer = await response.read()
            assert not streams or answer.endswith(b"data: [DONE]\n\n")
            await self._note(id_, done=True)

    async def _note_refusal(self, id_: str, body: dict[str, dict[str, str]], retry_after: str) -> None:
        assert (body["error"]["code"], retry_after) == ("billing_unavailable", "1"), body
        async with self._changed:
            self.refused.add(id_)
            self._changed.notify_all()

    async def _note(self, id_: str, *, done: bool) -> None:
        async with self._changed:
            self.begun[id_] = done
            self._changed.notify_all()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    url = f"sqlite:///{tmp_path / 'state' / 'clinx.db'}"
    await migrate(url)
    opened = await Database.connect(url)
    yield opened
    await opened.close()


async def test_a_gateway_that_is_killed_under_load_serves_again_and_its_ledger_agrees_with_the_vendor(
    database: Database, tmp_path: Path
) -> None:
    user = await make_user(database, balance="100")
    callers = Callers((await make_token(database, user)).secret)
    async with Vendors.open() as vendors, asyncio.TaskGroup() as tasks:
        tree(tmp_path / "tree", {"gateway.yaml": TREE.format(whole=vendors.whole.url, streamed=vendors.streamed.url)})
        for _ in range(PARALLEL):
            tasks.create_task(callers.call_again_and_again())
        for _ in range(KILLS):
            async with _served(tmp_path, callers) as served:
                await callers.until_served(CALLS)
                with stalled(tmp_path):  # As a slow disk does: longer than the ledger's patience.
                    await callers.until_refused()
                await callers.until_served(CALLS)
                vendors.flowing.clear()
                await callers.until_streaming(OPEN_STREAMS)
                callers.up.clear()
                served.told(signal.SIGKILL)
                assert await served.ends() == -signal.SIGKILL
                vendors.flowing.set()
        async with _served(tmp_path, callers) as served:
            await callers.until_served(CALLS)
            callers.stopping = True
            served.told(signal.SIGTERM)
            assert await served.ends() == 0

    await compare(database, vendors.bill, callers)


async def compare(database: Database, bill: set[str], callers: Callers) -> None:
    """See that the ledger says what the vendor and the callers say, call by call."""
    assert await contradictions(database) == []
    charged, logs = await read(database)
    assert {id_: charge for id_, (_, charge) in logs.items() if charge} == charged
    finished = {id_ for id_, (outcome, _) in logs.items() if outcome == "ok"}
    refused = {id_ for id_, (outcome, _) in logs.items() if outcome == "billing_unavailable"}
    interrupted = logs.keys() - finished - refused
    assert {logs[id_][1] for id_ in refused} <= {0}
    assert not (refused | callers.refused) & (bill | charged.keys())
    assert {logs[id_] for id_ in finished} == {("ok", COST)}
    assert {logs[id_][0] for id_ in interrupted} == {OUTCOME}
    assert bill <= logs.keys()
    assert finished <= bill
    assert {id_ for id_, done in callers.begun.items() if done} <= finished
    assert len(interrupted & bill) >= KILLS * OPEN_STREAMS
    assert {logs[id_][1] for id_ in interrupted} <= FLOORS
    costs = await database.fetch("SELECT id, cost FROM request_log")
    assert {row[0]: row[1] for row in costs} == {id_: None if id_ in refused else logs[id_][1] // 2 for id_ in logs}


@contextmanager
def stalled(folder: Path) -> Generator[None]:
    """Let nobody else write the database."""
    with closing(sqlite3.connect(folder / "state" / "clinx.db", isolation_level=None, timeout=DEADLINE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@asynccontextmanager
async def _served(folder: Path, callers: Callers) -> AsyncGenerator[Served]:
    async with serving(folder, UPSTREAM_KEY="vendor-secret", CLINX_LOG_LEVEL="error") as served:
        await served.is_up()
        callers.url = served.url
        callers.up.set()
        yield served
