"""A whole gateway in this process, over a tree of the test's own: real sockets, real SQLite.

async with running_gateway(tmp_path, tree_for(upstream.url)) as gateway:
    key = await gateway.key(credit="1")
    status, body = await gateway.post("/v1/chat/completions", {...}, key=key)
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from clinx.accounts import tokens, users
from clinx.accounts.tokens import Issued, Limits
from clinx.app import Gateway, start_gateway
from clinx.billing import statement, topup
from clinx.billing.topup import Cause
from clinx.domain.identity import User
from clinx.domain.ledger import Balance
from clinx.domain.money import Amount
from clinx.domain.request_log import RequestLog
from clinx.settings import Settings
from clinx.storage import request_logs
from support.database import lay_tables

TREE = """\
version: 1
groups:
  default: {{}}
  vip: {{multiplier: "0.5"}}
models:
  fake-model: {{price: {{input: "1", output: "2", cache_read: "0.5", per: 1M}}, max_output: 1000}}
  per-call: {{price: {{call: "0.01"}}}}
  free-model: {{price: free}}
channels:
  - name: main
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [fake-model, per-call, free-model]
    groups: [default, vip]
"""


def tree_for(url: str) -> dict[str, str]:
    """Return a tree with one channel to one upstream."""
    return {"gateway.yaml": TREE.format(url=url)}


@dataclass
class Running:
    """What a test sees of a running gateway."""

    gateway: Gateway
    root: Path
    session: aiohttp.ClientSession
    _names: Any = field(default_factory=lambda: (f"user-{n}" for n in itertools.count(1)))

    @property
    def url(self) -> str:
        return self.gateway.url

    async def user(self, *, credit: str = "10", group: str = "default") -> User:
        user = await users.create(self.gateway.database, next(self._names), group=group, at=_now())
        if amount := Amount.parse(credit):
            await topup.grant(self.gateway.database, user, amount, Cause("test", "test", user.name), at=_now())
        return user

    async def issue(self, user: User, **limits: Any) -> Issued:
        return await tokens.issue(self.gateway.database, user, at=_now(), limits=Limits(**limits))

    async def key(self, *, credit: str = "10", group: str = "default", **limits: Any) -> str:
        return (await self.issue(await self.user(credit=credit, group=group), **limits)).secret

    async def settled(self) -> None:
        """Wait until all that was charged is in the ledger, and nothing is leased that no call holds."""
        async with asyncio.timeout(20):
            await self.gateway.treasury.settle_down()

    async def balance(self, user: User) -> Balance:
        await self.settled()
        return await statement.balance(self.gateway.database, user)

    async def request_logs(self) -> list[RequestLog]:
        await self.settled()
        return await request_logs.latest(self.gateway.database, limit=100)

    async def sum_of_entries(self, account: str | None = None) -> Amount:
        """Ask SQL itself, past the code that keeps the balances."""
        await self.settled()
        where, values = ("WHERE account = ?", [account]) if account else ("", [])
        with self.gateway.database.reading() as client:
            _, rows = await client.execute_query(f"SELECT COALESCE(SUM(amount), 0) AS nano FROM entry {where}", values)  # noqa: S608
        return Amount(rows[0]["nano"])

    async def idle(self) -> None:
        """Wait until no exchange is running."""
        async with asyncio.timeout(10):
            while self.gateway.presence.count:
                await self.gateway.presence.look()
                await asyncio.sleep(0)

    async def get(
        self, path: str, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        async with self.session.get(self.url + path, headers=_headers(key, headers)) as response:
            return response.status, json.loads(await response.read())

    async def post(
        self, path: str, body: Any, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        status, data = await self.post_raw(path, body, key=key, headers=headers)
        return status, json.loads(data)

    async def post_raw(
        self, path: str, body: Any, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **_headers(key, headers)}
        async with self.session.post(self.url + path, data=data, headers=sent) as response:
            return response.status, await response.read()

    def write(self, path: str, text: str) -> None:
        """Replace a file of the tree the way editors do: write beside it, then rename."""
        target = self.root / path
        beside = target.with_name(f".{target.name}.new")
        beside.write_text(text)
        beside.rename(target)


def _now() -> datetime:
    return datetime.now(UTC)


def _headers(key: str | None, headers: Mapping[str, str] | None) -> dict[str, str]:
    return {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}


@asynccontextmanager
async def running_gateway(
    folder: Path, files: Mapping[str, str], *, grace: float = 5.0, **settings: Any
) -> AsyncGenerator[Running]:
    root = folder / "tree"
    root.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    if "database_url" not in settings:
        path = folder / "state" / "clinx.db"
        if not path.exists():
            lay_tables(path)
    given: dict[str, Any] = {"root": root, "state_dir": folder / "state", "port": 0, "poll_seconds": 0.2, **settings}
    gateway = await start_gateway(Settings(**given))
    try:
        async with aiohttp.ClientSession() as session:
            yield Running(gateway, root, session)
    finally:
        await gateway.stop(grace)


def chat(model: str = "fake-model", **more: Any) -> dict[str, Any]:
    """Return a small chat request."""
    return {"model": model, "messages": [{"role": "user", "content": "Say hello."}], **more}


def completion(text: str = "Hello!", *, input_tokens: int = 9, output_tokens: int = 3) -> dict[str, Any]:
    """Return a chat completion as OpenAI answers it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "fake-model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": input_tokens,
            "completion_tokens": output_tokens,
            "total_tokens": input_tokens + output_tokens,
        },
    }


def chunks(*texts: str, usage: tuple[int, int] | None = (9, 3)) -> list[dict[str, Any]]:
    """Return the chunks of a streamed chat completion, the usage chunk included."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "fake-model"}
    deltas = [{"role": "assistant", "content": ""}, *({"content": text} for text in texts)]
    events: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if usage is not None:
        counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        events.append({**head, "choices": [], "usage": counted})
    return events
