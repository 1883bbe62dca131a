from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from clinx.errors import UpstreamBroken
from clinx.upstream.egress import Egress
from clinx.upstream.kept import Kept
from clinx.upstream.transport import ConnectionEnded, ConnectTimeout
from support.fake_upstream import FakeUpstream
from support.outbound import request_to


@pytest.fixture
async def kept(authority: ssl.SSLContext) -> AsyncIterator[Kept]:
    opened = Kept(Egress(), authority)
    yield opened
    await opened.close()


async def test_addresses_do_not_share_connections(upstream: FakeUpstream, kept: Kept) -> None:
    upstream.answers(json={})
    localhost = upstream.url.replace("127.0.0.1", "localhost")

    for url in (upstream.url, localhost, upstream.url, localhost):
        arrived = await kept.exchange(request_to(url), within=5.0)
        assert arrived.status == 200
        while arrived.take() != b"":
            await arrived.wait(5.0)

    assert [request.connection for request in upstream.requests] == [1, 2, 1, 2]


async def test_closing_cuts_what_is_under_way_and_refuses_what_comes_after(upstream: FakeUpstream, kept: Kept) -> None:
    upstream.hangs()
    sending = asyncio.gather(kept.exchange(request_to(upstream.url), within=5.0), return_exceptions=True)
    await upstream.until(lambda: len(upstream.requests) == 1)

    await kept.close()
    await kept.close()

    assert kept.closed
    (outcome,) = await sending
    assert isinstance(outcome, ConnectionEnded)
    assert not outcome.reused
    with pytest.raises(UpstreamBroken) as caught:
        await kept.exchange(request_to(upstream.url), within=5.0)
    assert str(caught.value.__cause__) == "connect: the connections are closed"
    await upstream.until(lambda: upstream.open == 0)


async def test_a_connection_made_after_the_close_is_not_kept(upstream: FakeUpstream, kept: Kept) -> None:
    upstream.answers(json={})
    sending = asyncio.gather(kept.exchange(request_to(upstream.url), within=5.0), return_exceptions=True)
    await asyncio.sleep(0)

    await kept.close()

    (outcome,) = await sending
    assert isinstance(outcome, ConnectionEnded | UpstreamBroken)
    await upstream.until(lambda: upstream.open == 0)
    assert upstream.requests == []


@pytest.mark.parametrize(("connect", "within", "late"), [(0.05, 5.0, ConnectTimeout), (5.0, 0.05, TimeoutError)])
async def test_the_nearer_of_two_deadlines_is_named(
    kept: Kept, connect: float, within: float, late: type[TimeoutError]
) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())

        with pytest.raises(TimeoutError) as caught:
            await kept.exchange(request_to(f"http://127.0.0.1:{full.getsockname()[1]}", connect=connect), within=within)

    assert type(caught.value) is late
