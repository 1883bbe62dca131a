"""Requests that no decent client sends, to the console of a gateway that runs for a whole module of tests."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from clinx.domain.identity import Role
from support.console import Client, Console, running_console
from support.database import ENGINES, kept_in
from support.fake_upstream import FakeUpstream

NAME = "{ viewer { user { name } } }"
COUNT = "query ($first: Int!) { users(first: $first) { edges { cursor } } }"


@dataclass(frozen=True)
class Told:
    """What a request was answered with."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def codes(self) -> list[str]:
        """The codes at the top, each once."""
        errors = self.body.get("errors", []) if isinstance(self.body, dict) else []
        return list(dict.fromkeys(each["extensions"]["code"] for each in errors))

    @property
    def verdict(self) -> tuple[int, list[str]]:
        return self.status, self.codes


@dataclass
class Town:
    """A console, and whoever asks it."""

    console: Console
    upstream: FakeUpstream
    stranger: Client
    user: Client
    admin: Client
    root: Client

    @property
    def url(self) -> str:
        return f"{self.console.gateway.url}/graphql"

    async def send(
        self,
        body: bytes | str | None,
        headers: Mapping[str, str] | None = None,
        *,
        who: Client | None = None,
        method: str = "POST",
    ) -> Told:
        client = who or self.user
        sent = {"Content-Type": "application/json", **client.sent, **(headers or {})}
        data: Any = io.BytesIO(body) if isinstance(body, bytes) else body
        async with client.session.request(method, self.url, data=data, headers=sent) as response:
            data = await response.read()
            return Told(response.status, response.headers, json.loads(data) if data else None)

    async def ask(
        self, text: str, variables: Mapping[str, Any] | None = None, *, who: Client | None = None, **more: Any
    ) -> Told:
        return await self.send(json.dumps({"query": text, "variables": variables, **more}), who=who)

    async def raw(self, *lines: bytes, body: bytes = json.dumps({"query": NAME}).encode()) -> Told:
        """Send header lines that no client library would."""
        host, port = self.console.gateway.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = [
            *(b"POST /graphql HTTP/1.1", f"Host: {host}:{port}".encode(), b"Content-Type: application/json"),
            *(b"Content-Length: %d" % len(body), b"Connection: close", *lines),
        ]
        writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
        first, _, rest = answer.partition(b"\r\n")
        return Told(int(first.split()[1]), {}, json.loads(rest.partition(b"\r\n\r\n")[2]))


@asynccontextmanager
async def _built(folder: Path, settings: Mapping[str, str]) -> AsyncGenerator[Town]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UPSTREAM_KEY", "vendor-secret")
        async with FakeUpstream() as upstream, running_console(folder, upstream=upstream.url, **settings) as console:
            people = [await console.person(str(role), role=role) for role in (Role.USER, Role.ADMIN, Role.ROOT)]
            yield Town(console, upstream, console.stranger, *people)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with _built(tmp_path_factory.mktemp("town"), {}) as built:
        yield built


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENGINES)
async def each_town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _migrated_database: str
) -> AsyncIterator[Town]:
    """A town on each engine: import it as ``town``."""
    async with kept_in(request.param) as settings, _built(tmp_path_factory.mktemp("town"), settings) as built:
        yield built
