from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from clinx.accounts.sessions import Sessions
from clinx.graphql import socket
from clinx.graphql.ids import to_id
from clinx.graphql.socket import MOST, MOST_BYTES, PROTOCOL
from support.abuse import Town
from support.console import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "{ viewer { user { name } } }"
FOLLOW = "subscription { revisionChanged { revision } }"


@asynccontextmanager
async def connected(
    town: Town, who: Client | None = None, *, protocols: tuple[str, ...] = (PROTOCOL,), greets: bool = True
) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
    client = who or town.admin
    async with client.session.ws_connect(town.url, protocols=protocols, headers=client.sent) as opened:
        if greets:
            await opened.send_json({"type": "connection_init"})
            assert await opened.receive_json(timeout=5) == {"type": "connection_ack"}
        yield opened


def subscribe(text: str, name: str = "1", **variables: Any) -> dict[str, Any]:
    return {"id": name, "type": "subscribe", "payload": {"query": text, "variables": variables}}


async def asked(opened: aiohttp.ClientWebSocketResponse, text: str, **variables: Any) -> list[dict[str, Any]]:
    """Everything that is said of one operation."""
    await opened.send_json(subscribe(text, **variables))
    told = [await opened.receive_json(timeout=5)]
    while told[-1]["type"] == "next":
        told.append(await opened.receive_json(timeout=5))
    return told


async def closed(opened: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code that the server closes the connection with."""
    message = await opened.receive(timeout=5)
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    return opened.close_code


async def test_a_query_is_answered_and_completed(town: Town) -> None:
    async with connected(town) as opened:
        told = await asked(opened, NAME)

    assert told == [
        {"id": "1", "type": "next", "payload": {"data": {"viewer": {"user": {"name": "admin"}}}}},
        {"id": "1", "type": "complete"},
    ]


async def test_a_subscription_says_what_happens_and_ends(town: Town) -> None:
    town.upstream.answers(json={"error": {"message": "no"}}, status=401)
    test = "subscription ($input: ChannelTestInput!) { channelTest(input: $input) { stage } }"

    async with connected(town) as opened:
        told = await asked(opened, test, input={"channel": str(to_id("Channel", "main"))})

    assert [each["type"] for each in told[-2:]] == ["next", "complete"]
    assert told[0]["payload"]["data"]["channelTest"]["stage"] == "STARTED"
    assert told[-2]["payload"]["data"]["channelTest"]["stage"] == "FAILED"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{ nothing }", "invalid_request"),
        ("}", "invalid_request"),
        ("", "no_such_operation"),
        ("{a" * 20 + "}" * 20, "query_too_complex"),
        ("{ users(first: 5000) { edges { cursor } } }", "query_too_expensive"),
        ("{ __schema { types { name } } }", "forbidden"),
    ],
)
async def test_an_operation_that_cannot_run_is_an_error_of_its_own(town: Town, text: str, code: str) -> None:
    async with connected(town, town.user) as opened:
        [told] = await asked(opened, text)
        again = await asked(opened, NAME)

    assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", code)
    assert "Did you mean" not in str(told)
    assert again[-1]["type"] == "complete", "the connection stays"


async def test_a_subscription_that_one_may_not_follow_is_refused(town: Town) -> None:
    async with connected(town, town.user) as opened:
        [told] = await asked(opened, FOLLOW)

    assert told["type"] == "error"
    assert told["payload"][0]["extensions"] == {"code": "forbidden", "parameters": {"permission": "config:read"}}


async def test_nobody_signs_in_where_no_cookie_can_be_set(town: Town) -> None:
    async with connected(town, town.stranger) as opened:
        told = await asked(opened, 'mutation { signIn(input: {login: "a", password: "b"}) { errors { code } } }')

    assert [each["extensions"]["code"] for each in told[0]["payload"]["errors"]] == ["post_required"]


async def test_a_defect_is_masked(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise KeyError("secret-of-ours")

    monkeypatch.setattr("clinx.storage.user_lists.page", broken)
    async with connected(town) as opened:
        told = await asked(opened, "{ users(first: 1) { edges { cursor } } }")

    assert told[0]["payload"]["errors"][0]["extensions"]["code"] == "internal"
    assert "secret-of-ours" not in json.dumps(told)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["graphql.failed"]


async def test_who_was_signed_out_is_a_stranger_from_the_next_operation_on(town: Town) -> None:
    assert town.user.user is not None
    visitor = await town.console.signed_in(town.user.user)
    sessions = Sessions(town.console.gateway.gateway.database, now=lambda: datetime.now(UTC))

    async with connected(town, visitor) as opened:
        before = await asked(opened, NAME)
        found = await sessions.find(visitor.cookie)
        assert found is not None
        await sessions.end(town.user.user, found[0].id)
        after = await asked(opened, NAME)

    assert before[0]["payload"]["data"] == {"viewer": {"user": {"name": "user"}}}
    assert after[0]["payload"]["data"] == {"viewer": None}


async def test_pings_are_answered_also_before_the_connection_is_initialised(town: Town) -> None:
    async with connected(town, greets=False) as opened:
        await opened.send_json({"type": "ping", "payload": {"a": 1}})
        assert await opened.receive_json(timeout=5) == {"type": "pong"}
        await opened.send_json({"type": "pong"})
        await opened.send_json({"type": "connection_init", "payload": {"token": "ignored"}})
        assert await opened.receive_json(timeout=5) == {"type": "connection_ack"}


async def test_what_was_completed_says_nothing_more(town: Town) -> None:
    async with connected(town) as opened:
        await opened.send_json(subscribe(FOLLOW, "a"))
        await opened.send_json({"id": "a", "type": "complete"})
        await opened.send_json({"id": "of nobody", "type": "complete"})
        told = await asked(opened, NAME)

    assert [each["id"] for each in told] == ["1", "1"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([subscribe(NAME)], 4401),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init"}, subscribe(FOLLOW), subscribe(FOLLOW)], 4409),
        ([{"type": "connection_init"}, {"type": "start", "id": "1"}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "payload": {"query": NAME}}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "id": 1, "payload": {"query": NAME}}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "id": "1", "payload": {"query": None}}], 4400),
        ([{"type": "connection_init", "payload": "x"}], 4400),
        ([[]], 4400),
        (["x"], 4400),
        ([None], 4400),
    ],
)
async def test_what_the_protocol_does_not_know_ends_the_connection(town: Town, sent: list[Any], code: int) -> None:
    async with connected(town, greets=False) as opened:
        for message in sent:
            await opened.send_json(message)
        while (message := await opened.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            assert message.json() == {"type": "connection_ack"}

    assert opened.close_code == code


@pytest.mark.parametrize(
    "sent",
    ["{", '{"type": "ping"', "[" * 50_000, '{"type": "subscribe", "id": "\\ud800", "payload": {"query": "{a}"}}'],
    ids=["a bracket", "half a message", "many brackets", "half a character"],
)
async def test_what_is_no_json_ends_it_as_well(town: Town, sent: str) -> None:
    async with connected(town) as opened:
        await opened.send_str(sent)

        assert await closed(opened) == 4400


async def test_and_so_do_bytes_and_what_is_too_long(town: Town) -> None:
    async with connected(town) as opened:
        await opened.send_bytes(b'{"type": "ping"}')
        assert await closed(opened) == 4400
    async with connected(town) as opened:
        await opened.send_str("x" * (MOST_BYTES + 1))
        assert await closed(opened) == 1009


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("mqtt",)])
@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_another_protocol_is_not_spoken(town: Town, protocols: tuple[str, ...]) -> None:
    async with connected(town, protocols=protocols, greets=False) as opened:
        assert await closed(opened) == 4406


async def test_who_says_nothing_is_not_waited_for(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "SECONDS", 0.05)

    async with connected(town, greets=False) as opened:
        assert await closed(opened) == 4408


async def test_a_connection_follows_only_so_much_at_a_time(town: Town) -> None:
    async with connected(town) as opened:
        for number in range(MOST):
            await opened.send_json(subscribe(FOLLOW, f"n{number}"))
        [told] = await asked(opened, NAME)
        await opened.send_json({"id": "n0", "type": "complete"})
        again = await asked(opened, NAME)

    assert (told["type"], told["payload"][0]["extensions"]) == ("error", {"code": "too_many_operations"})
    assert again[-1]["type"] == "complete"


async def test_a_key_that_is_none_is_refused_before_the_handshake(town: Town) -> None:
    headers = {"Authorization": "Bearer ck-none"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await town.stranger.session.ws_connect(town.url, protocols=(PROTOCOL,), headers=headers)

    assert caught.value.status == 401


async def test_nothing_goes_on_for_a_client_that_has_gone(town: Town) -> None:
    before = {task for task in asyncio.all_tasks() if task.get_name() == "subscription"}
    async with connected(town) as opened:
        await opened.send_json(subscribe(FOLLOW, "a"))
        await asked(opened, NAME)
        running = {task for task in asyncio.all_tasks() if task.get_name() == "subscription"} - before
        assert len(running) == 1

    done, _ = await asyncio.wait(running, timeout=5)
    assert [task.cancelled() for task in done] == [True]
