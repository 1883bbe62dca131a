from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from strawberry.types import ExecutionResult
from yarl import URL

from clinx.accounts.sessions import Sessions
from clinx.graphql import operation, sse
from clinx.graphql.ids import to_id
from support.abuse import Town
from support.console import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "{ viewer { user { name } } }"
FOLLOW = "subscription { revisionChanged { revision } }"
TEST = "subscription ($input: ChannelTestInput!) { channelTest(input: $input) { stage } }"


@asynccontextmanager
async def streamed(
    town: Town, text: str, variables: dict[str, Any] | None = None, *, who: Client | None = None
) -> AsyncGenerator[aiohttp.ClientResponse]:
    client = who or town.admin
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream", **client.sent}
    body = json.dumps({"query": text, "variables": variables})
    async with client.session.post(town.url, data=body, headers=headers) as response:
        yield response


async def test_a_query_is_one_event_and_the_end(town: Town) -> None:
    async with streamed(town, NAME) as response:
        body = (await response.read()).decode()

    assert response.status == 200
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert (response.headers["Cache-Control"], response.headers["X-Accel-Buffering"]) == ("no-store", "no")
    assert body == ('event: next\ndata: {"data":{"viewer":{"user":{"name":"admin"}}}}\n\nevent: complete\ndata:\n\n')


async def test_a_subscription_is_an_event_each_time(town: Town) -> None:
    town.upstream.answers(json={"error": {"message": "no"}}, status=401)

    async with streamed(town, TEST, {"input": {"channel": str(to_id("Channel", "main"))}}) as response:
        events = (await response.read()).decode().split("\n\n")

    stages = [json.loads(each.partition("data: ")[2])["data"]["channelTest"]["stage"] for each in events[:-2]]
    assert (stages[0], stages[-1]) == ("STARTED", "FAILED")
    assert events[-2:] == ["event: complete\ndata:", ""]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{ nothing }", "invalid_request"),
        ("}", "invalid_request"),
        ("{a" * 20 + "}" * 20, "query_too_complex"),
        ("{ users(first: 5000) { edges { cursor } } }", "query_too_expensive"),
        (FOLLOW, "forbidden"),
    ],
)
async def test_what_cannot_run_is_told_in_an_event(town: Town, text: str, code: str) -> None:
    async with streamed(town, text, who=town.user) as response:
        body = (await response.read()).decode()

    event, _, rest = body.removeprefix("event: next\ndata: ").partition("\n\n")
    assert [each["extensions"]["code"] for each in json.loads(event)["errors"]] == [code]
    assert rest == "event: complete\ndata:\n\n"


ENTERING = {
    "signIn": '(input: {login: "user", password: "correct horse"})',
    "signInFinish": '(input: {challenge: "none", kind: TOTP, code: "000000"})',
    "passkeySignInFinish": '(input: {ceremony: "none", credential: "{}"})',
    "register": '(input: {name: "unseen", password: "correct horse battery staple"})',
}
"""Mutations that may open a session."""
PEOPLE = 'SELECT (SELECT COUNT(*) FROM session), (SELECT COUNT(*) FROM "user")'


@pytest.mark.parametrize("name", ENTERING)
async def test_nobody_signs_in_where_no_cookie_can_be_set(town: Town, name: str) -> None:
    database = town.console.gateway.gateway.database
    before = await database.fetch(PEOPLE)
    text = f"mutation {{ {name}{ENTERING[name]} {{ errors {{ code }} }} }}"

    async with streamed(town, text, who=town.stranger) as response:
        event = (await response.read()).decode().removeprefix("event: next\ndata: ").partition("\n\n")[0]

    (error,) = json.loads(event)["errors"]
    assert error["extensions"]["code"] == "post_required"
    assert "by POST" in error["message"]
    assert await database.fetch(PEOPLE) == before


async def test_a_silent_stream_says_that_it_is_there(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT", 0.01)

    async with streamed(town, FOLLOW) as response:
        assert await response.content.readexactly(6) == b":\n\n:\n\n"


async def test_nothing_goes_on_for_a_client_that_has_gone(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT", 0.01)
    before = {task for task in asyncio.all_tasks() if task.get_name() == "subscription"}

    async with streamed(town, FOLLOW) as response:
        await response.content.readexactly(3)
        running = {task for task in asyncio.all_tasks() if task.get_name() == "subscription"} - before
        assert len(running) == 1
        response.close()

    done, _ = await asyncio.wait(running, timeout=5)
    assert len(done) == 1


async def test_who_is_signed_out_hears_no_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "CHECKED", operation.CHECKED * 0)
    assert town.user.user is not None
    visitor = await town.console.signed_in(town.user.user)
    sessions = Sessions(town.console.gateway.gateway.database, now=lambda: datetime.now(UTC))
    found = await sessions.find(visitor.cookie)
    assert found is not None

    async with streamed(town, NAME, who=visitor) as response:
        before = (await response.read()).decode()
    ended_between(monkeypatch, lambda: sessions.end(found[1], found[0].id))
    async with streamed(town, NAME, who=visitor) as response:
        after = (await response.read()).decode()

    assert '"name":"user"' in before
    assert '"code":"unauthenticated"' in after
    assert '"name":"user"' not in after


def ended_between(monkeypatch: pytest.MonkeyPatch, end: Callable[[], Awaitable[None]]) -> None:
    """Let a session end between a result and its being shown."""
    refusing = operation._refusing

    async def then(found: Any) -> AsyncIterator[Any]:
        async for result in refusing(found):
            await end()
            yield result

    monkeypatch.setattr(operation, "_refusing", then)


async def test_a_client_that_takes_nothing_is_let_go(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def endless(*_: object) -> AsyncGenerator[ExecutionResult]:
        try:
            while True:
                yield ExecutionResult(data={"text": "x" * 1_000_000}, errors=None)
        finally:
            ended.set()

    monkeypatch.setattr(sse, "results", endless)
    monkeypatch.setattr(sse, "PATIENCE", 0.05)
    url = URL(town.url)
    assert url.host is not None
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1024)
    body = json.dumps({"query": NAME})
    head = f"POST /graphql HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nAccept: text/event-stream\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    async with asyncio.timeout(20):
        await ended.wait()

    received = b""
    with contextlib.suppress(ConnectionError):
        received = await reader.read()
    assert b"event: complete" not in received
    writer.close()
