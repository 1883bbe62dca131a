"""What both transports do is in test_send and test_response; here is what only this one has to take care of."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest

from clinx.errors import UpstreamBroken, UpstreamMisconfigured
from clinx.upstream.egress import Egress
from clinx.upstream.through_aiohttp import ThroughAiohttp
from clinx.upstream.transport import ConnectionEnded
from support.fake_upstream import FakeUpstream, pause
from support.outbound import by, request_to, stage_of

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def through(authority: ssl.SSLContext) -> AsyncIterator[ThroughAiohttp]:
    opened = ThroughAiohttp(Egress(), authority)
    yield opened
    await opened.close()
    assert opened.closed


async def test_an_ended_connection_says_whether_it_had_been_used_before(
    upstream: FakeUpstream, through: ThroughAiohttp
) -> None:
    upstream.answers(json={}).drops()
    arrived = await through.exchange(request_to(upstream.url), within=5.0)
    while arrived.take() != b"":
        await arrived.wait(5.0)

    reused: list[bool] = []
    for _ in range(2):
        with pytest.raises(ConnectionEnded) as caught:
            await through.exchange(request_to(upstream.url), within=5.0)
        reused.append(caught.value.reused)

    assert reused == [True, False]


async def test_a_proxy_that_refuses_is_the_operators_business(upstream: FakeUpstream, through: ThroughAiohttp) -> None:
    upstream.raw(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with pytest.raises(UpstreamMisconfigured) as caught:
        await through.exchange(request_to("https://acme.test", way=by(upstream.url)), within=5.0)

    assert stage_of(caught.value) == "connect"
    assert (upstream.requests[0].method, upstream.requests[0].path) == ("CONNECT", "acme.test:443")


async def test_a_broken_body_is_noticed_while_nobody_is_woken(
    upstream: FakeUpstream, through: ThroughAiohttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.through_aiohttp.LOOK", 0.02)
    go_on = asyncio.Event()
    upstream.raw(CHUNKED + b"2\r\nok\r\n", pause(go_on), b"zz\r\n")
    arrived = await through.exchange(request_to(upstream.url), within=5.0)
    await arrived.wait(5.0)
    assert arrived.take() == b"ok"

    go_on.set()
    with pytest.raises(UpstreamBroken) as caught:
        await arrived.wait(5.0)

    assert stage_of(caught.value) == "body"
