from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from msgspec.structs import replace

from clinx.accounts import access_keys, users
from clinx.accounts.sessions import Sessions, Visitor
from clinx.domain.identity import Role, User
from clinx.domain.money import Amount
from clinx.domain.request_log import RequestLog
from clinx.graphql import exports
from clinx.graphql.exports import Exports
from clinx.graphql.ids import to_id
from clinx.graphql.request_logs.addresses import EXPORT
from clinx.storage import request_logs
from clinx.web.console_edge import ConsoleEdge
from support.database import START, request_log
from support.edge import served
from support.gateway import tree_for
from support.station import Station, running_station

WINDOW = {"since": "2030-01-01T00:00:00Z", "until": "2030-01-02T00:00:00Z"}
JSONL = {**WINDOW, "format": "jsonl"}


@dataclass
class Door:
    """The route of exports, served on loopback."""

    station: Station
    url: str
    browser: aiohttp.ClientSession
    exports: Exports
    sessions: Sessions

    async def person(self, name: str, role: Role = Role.USER) -> tuple[User, dict[str, str]]:
        """A user, and the headers of the browser in which they have signed in."""
        user = await users.create(self.station.database, name, role=role, at=self.station.clock.now())
        opened = await self.sessions.open(user, "password", Visitor(), lifetime=timedelta(days=1))
        return user, {"Cookie": f"clinx={opened.secret}"}

    async def key(self, user: User, *permissions: str) -> dict[str, str]:
        at = self.station.clock.now()
        issued = await access_keys.issue(self.station.database, user, "test", permissions, at=at, expires_at=None)
        return {"Authorization": f"Bearer {issued.secret}"}

    async def write(self, *logs: RequestLog) -> None:
        await self.station.database.atomically(request_logs.append(logs))

    @asynccontextmanager
    async def asked(
        self, headers: dict[str, str], query: dict[str, str], method: str = "GET"
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        url = f"{self.url}{EXPORT}"
        async with self.browser.request(method, url, params=query, headers=headers) as response:
            yield response

    async def lines(self, headers: dict[str, str], **query: str) -> list[Any]:
        async with self.asked(headers, {**JSONL, **query}) as response:
            assert response.status == 200
            return [json.loads(line) for line in (await response.text()).splitlines()]

    async def refused(
        self, headers: dict[str, str], query: dict[str, str] = WINDOW, method: str = "GET"
    ) -> tuple[int, str]:
        async with self.asked(headers, query, method) as response:
            assert "Content-Disposition" not in response.headers
            return response.status, (await response.json())["errors"][0]["extensions"]["code"]


@pytest_asyncio.fixture
async def door(tmp_path: Path) -> AsyncGenerator[Door]:
    async with AsyncExitStack() as stack:
        station = await stack.enter_async_context(running_station(tmp_path, tree_for("http://127.0.0.1:9")))
        made = Exports(station.services, ConsoleEdge(lambda: station.current.snapshot))

        def find(method: str, path: str) -> Any:
            del method
            return made.handle if path.partition("?")[0] == EXPORT else None

        url = await stack.enter_async_context(served(find))
        jar = aiohttp.DummyCookieJar()
        browser = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
        yield Door(station, url, browser, made, Sessions(station.database, now=station.clock.now))


def log_of(number: int, user: User | None) -> RequestLog:
    at = START + timedelta(seconds=number)
    return replace(request_log(f"req-{number}"), at=at, user_id=None if user is None else user.id)


async def test_one_s_own_calls_come_as_a_table(door: Door):
    ann, window = await door.person("ann")
    await door.write(log_of(1, ann), log_of(2, ann), log_of(3, None))

    async with door.asked(window, WINDOW) as response:
        rows = list(csv.DictReader(io.StringIO(await response.text(), newline="")))

    assert [row["request_id"] for row in rows] == ["req-2", "req-1"]
    assert "channel" not in rows[0]
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="request-logs-20300101-20300102.csv"'
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_nothing_is_a_table_with_a_head(door: Door):
    _, window = await door.person("ann")

    async with door.asked(window, WINDOW) as response:
        assert (await response.text()).startswith("at,id,request_id,token,")
    assert await door.lines(window) == []


async def test_everybody_s_come_to_operators(door: Door):
    ann, window = await door.person("ann")
    _, ops = await door.person("ops", Role.ADMIN)
    await door.write(log_of(1, ann), log_of(2, None))

    found = await door.lines(ops, everyone="true")

    assert [(each["request_id"], each["user"], each["channel"]) for each in found] == [
        ("req-2", None, "main"),
        ("req-1", to_id("User", ann.id), "main"),
    ]
    assert await door.refused(window, {**WINDOW, "everyone": "true"}) == (403, "forbidden")
    assert await door.refused(window, {**WINDOW, "channel": "main"}) == (403, "forbidden")


async def test_what_calls_cost_is_for_whoever_may_see_costs(door: Door):
    ann, window = await door.person("ann")
    ops, browser = await door.person("ops", Role.ADMIN)
    await door.write(replace(log_of(1, ann), charge=Amount(5), cost=Amount(3)))
    asked = {"everyone": "true"}

    (seen,) = await door.lines(browser, **asked)
    (by_key,) = await door.lines(await door.key(ops, "request_log:read"), **asked)
    (own,) = await door.lines(window)

    assert (seen["cost"], seen["margin"]) == ("0.000000003", "0.000000002")
    assert by_key["channel"] == "main"
    assert not {"cost", "margin"} & (by_key.keys() | own.keys())


async def test_programs_use_an_access_key(door: Door):
    ann, _ = await door.person("ann")
    await door.write(log_of(1, ann))

    assert [each["request_id"] for each in await door.lines(await door.key(ann, "self:read"))] == ["req-1"]
    assert await door.refused(await door.key(ann, "usage:read")) == (403, "forbidden")
    assert await door.refused({"Authorization": "Bearer sk-none"}) == (401, "unauthenticated")


async def test_it_is_as_long_as_it_is(door: Door, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exports, "PAGE", 7)
    ann, window = await door.person("ann")
    await door.write(*(log_of(number, ann) for number in range(50)))

    found = await door.lines(window)

    assert [each["request_id"] for each in found] == [f"req-{number}" for number in reversed(range(50))]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "invalid_value"),
        ({**WINDOW, "format": "xml"}, "invalid_value"),
        ({**WINDOW, "until": "2031-01-01T00:00:00Z"}, "window_too_long"),
        ({**WINDOW, "token": "?"}, "invalid_id"),
    ],
    ids=["nothing", "format", "window", "id"],
)
async def test_what_cannot_be_exported_is_refused(door: Door, query: dict[str, str], code: str):
    _, window = await door.person("ann")

    assert await door.refused(window, query) == (400, code)


async def test_strangers_and_other_methods_are_refused(door: Door):
    _, window = await door.person("ann")

    assert await door.refused({}) == (401, "unauthenticated")
    assert await door.refused({"Cookie": "clinx=stolen"}) == (401, "unauthenticated")
    assert await door.refused(window, method="POST") == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
    ids=["script", "link", "neighbour"],
)
async def test_pages_of_others_export_nothing(door: Door, headers: dict[str, str]):
    _, window = await door.person("ann")

    assert await door.refused({**window, **headers}) == (403, "origin_not_allowed")


async def test_few_run_at_a_time(door: Door):
    ann, window = await door.person("ann")
    _, other = await door.person("bob")

    door.exports.running[ann.id] = exports.MOST_OF_ONE
    assert await door.refused(window) == (429, "too_many_exports")
    assert await door.lines(other) == []
    door.exports.running[ann.id] = exports.MOST
    assert await door.refused(other) == (429, "too_many_exports")
    del door.exports.running[ann.id]
    assert await door.lines(window) == []
    assert door.exports.running == {}


async def test_a_file_breaks_off_with_its_session(door: Door, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exports, "PAGE", 1)
    ann, window = await door.person("ann")
    await door.write(*(log_of(number, ann) for number in range(3)))
    pages, turn = exports.search.export, asyncio.Event()

    async def paced(*args: Any, **how: Any) -> AsyncGenerator[list[RequestLog]]:
        async for logs in pages(*args, **how):
            yield logs
            await turn.wait()

    monkeypatch.setattr(exports.search, "export", paced)

    async with door.asked(window, JSONL) as response:
        first = await response.content.readline()
        await door.sessions.end_all(ann)
        turn.set()
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()

    assert json.loads(first)["request_id"] == "req-2"
    assert door.exports.running == {}
