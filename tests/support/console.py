"""A gateway with a console, and clients of it: browsers with a cookie, programs with an access key, strangers.

async with running_console(tmp_path) as console:
    ann = await console.person("ann")
    data = await ann.query("{ viewer { user { name } } }")
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from clinx.accounts import access_keys, users
from clinx.accounts.sessions import Sessions, Visitor
from clinx.billing import topup
from clinx.billing.topup import Cause
from clinx.domain.identity import Role, User
from clinx.domain.money import Amount
from support.gateway import Running, running_gateway, tree_for

NOWHERE = "http://127.0.0.1:9"
"""An upstream that nobody asks."""
CONSOLE = """\
console:
  name: Example
  registration: {open: true, email: optional}
"""


class Failed(AssertionError):
    """An operation that a test expected to succeed did not."""


@dataclass
class Client:
    """Somebody who asks the console."""

    url: str
    session: aiohttp.ClientSession
    cookie: str = ""
    key: str = ""
    user: User | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def sent(self) -> dict[str, str]:
        """The headers that say who asks."""
        who = {"Cookie": f"clinx={self.cookie}"} if self.cookie else {}
        return {**who, **({"Authorization": f"Bearer {self.key}"} if self.key else {}), **self.headers}

    async def ask(self, text: str, **variables: Any) -> dict[str, Any]:
        """Return the whole answer; a new session's cookie is kept, as browsers do."""
        body = json.dumps({"query": text, "variables": variables})
        headers = {"Content-Type": "application/json", **self.sent}
        async with self.session.post(f"{self.url}/graphql", data=body, headers=headers) as response:
            if (morsel := response.cookies.get("clinx")) is not None:
                self.cookie = morsel.value
            return json.loads(await response.read())

    async def query(self, text: str, **variables: Any) -> Any:
        """Return the data of an operation without errors."""
        answer = await self.ask(text, **variables)
        if answer.get("errors"):
            raise Failed(json.dumps(answer["errors"], indent=2))
        return answer["data"]

    async def code(self, text: str, **variables: Any) -> str:
        """Return the code that an operation is refused with, at the top."""
        answer = await self.ask(text, **variables)
        return answer["errors"][0]["extensions"]["code"] if answer.get("errors") else ""

    async def subscribe(self, text: str, **variables: Any) -> AsyncGenerator[dict[str, Any]]:
        """Yield what a subscription sends, by server-sent events."""
        body = json.dumps({"query": text, "variables": variables})
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream", **self.sent}
        async with self.session.post(f"{self.url}/graphql", data=body, headers=headers) as response:
            name = ""
            async for line in response.content:
                kind, _, rest = line.decode().rstrip("\n").partition(": ")
                if kind == "event":
                    name = rest
                elif kind == "data" and name == "next":
                    yield json.loads(rest)
                if name == "complete":
                    return


@dataclass
class Console:
    """A running gateway, from the console's side."""

    gateway: Running
    stranger: Client

    async def person(self, name: str, *, role: Role = Role.USER, credit: str = "0", group: str = "default") -> Client:
        """Return a browser in which a new user has just signed in."""
        database, at = self.gateway.gateway.database, datetime.now(UTC)
        user = await users.create(database, name, role=role, group=group, at=at)
        if amount := Amount.parse(credit):
            await topup.grant(database, user, amount, Cause("test", "test", name), at=at)
        return await self.signed_in(user)

    async def signed_in(self, user: User) -> Client:
        """Return another browser of a user."""
        sessions = Sessions(self.gateway.gateway.database, now=lambda: datetime.now(UTC))
        opened = await sessions.open(user, "password", Visitor("127.0.0.1", "test"), lifetime=timedelta(days=1))
        return Client(self.gateway.url, self.gateway.session, cookie=opened.secret, user=user)

    async def program(self, user: User, *permissions: str) -> Client:
        """Return a program with an access key of a user."""
        database, at = self.gateway.gateway.database, datetime.now(UTC)
        issued = await access_keys.issue(database, user, "test", permissions, at=at, expires_at=None)
        return Client(self.gateway.url, self.gateway.session, key=issued.secret, user=user)


@asynccontextmanager
async def running_console(
    folder: Path, *, upstream: str = NOWHERE, section: str = CONSOLE, tree: str = "", **settings: Any
) -> AsyncGenerator[Console]:
    """Run a gateway whose tree has a console section; ``tree`` is added to its gateway.yaml."""
    files = tree_for(upstream)
    files["gateway.yaml"] += section + tree
    async with (
        running_gateway(folder, files, **settings) as gateway,
        # No cookie jar: each client of a test is a browser of its own.
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        gateway.session, before = session, gateway.session
        try:
            yield Console(gateway, Client(gateway.url, session))
        finally:
            gateway.session = before
