from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock, call

import aiohttp

from clinx.accounts import users
from clinx.accounts.sessions import Sessions, Visitor
from clinx.graphql.hub import Hub
from clinx.graphql.view import View
from clinx.storage.announcements import Topic
from clinx.web.console_edge import ConsoleEdge
from support.edge import served
from support.gateway import tree_for
from support.operations import Api
from support.station import running_station


async def test_announcements_reach_those_whom_they_concern(api: Api):
    services = api.services
    hub = Hub(services.database, services.logs, services.supervisor, now=services.now)
    purses, seats = Mock(spec=hub.purses), Mock(spec=hub.seats)
    hub.purses, hub.seats = purses, seats

    hub.hear(Topic.FUNDS, "user:1")
    hub.hear(Topic.USER, "42")
    hub.hear(Topic.TOKEN, "7")

    assert purses.method_calls == [call.wake()]
    assert seats.method_calls == [call.disturb("42")]


async def test_a_silent_stream_ends_when_its_person_is_signed_out(tmp_path: Path):
    async with running_station(tmp_path, tree_for("http://127.0.0.1:9")) as station:
        database, now = station.database, station.clock.now
        hub = Hub(database, database, station.services.supervisor, now=now)
        view = View(replace(station.services, hub=hub), ConsoleEdge(lambda: station.current.snapshot))
        ann = await users.create(database, "ann", at=now())
        sessions = Sessions(database, now=now)
        opened = await sessions.open(ann, "password", Visitor(), lifetime=timedelta(days=1))

        async with served(lambda method, path: view.handle) as url, aiohttp.ClientSession() as browser:
            body = json.dumps({"query": "subscription { balanceChanged { total } }"})
            headers = {
                "Content-Type": "application/json",
                "Accept": "text/event-stream",
                "Cookie": f"clinx={opened.secret}",
            }
            async with browser.post(f"{url}/graphql", data=body, headers=headers) as response:
                events = _events(response)
                first = await anext(events)
                await sessions.end_all(ann)
                hub.hear(Topic.USER, str(ann.id))
                rest = [each async for each in events]

    assert first == {"data": {"balanceChanged": {"total": "0"}}}
    assert [each["errors"][0]["extensions"]["code"] for each in rest] == ["unauthenticated"]


async def _events(response: aiohttp.ClientResponse) -> AsyncGenerator[Any]:
    async with asyncio.timeout(10):
        async for line in response.content:
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))
