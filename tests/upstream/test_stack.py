from __future__ import annotations

import asyncio

import pytest

from clinx.domain.catalog import TransportKind
from clinx.errors import UpstreamBroken, UpstreamTimeout
from clinx.upstream.pool import Lease
from clinx.upstream.send import Sender
from support.fake_upstream import FakeUpstream, pause
from support.outbound import later, request_to, stage_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def kind() -> TransportKind:
    return TransportKind.HTTP1


async def _call(sender: Sender, url: str, connect: float = 5.0) -> bytes:
    response = await sender.send(request_to(url, connect=connect), deadline=later())
    return await response.read()


async def test_the_connection_used_last_is_used_next(upstream: FakeUpstream, sender: Sender) -> None:
    now, then = asyncio.Event(), asyncio.Event()
    upstream.raw(pause(now), OK).raw(pause(then), OK).answers(json={})
    calls = [asyncio.gather(_call(sender, upstream.url)) for _ in range(2)]
    await upstream.until(lambda: len(upstream.requests) == 2)
    now.set()
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    then.set()
    await asyncio.gather(*calls)

    await _call(sender, upstream.url)

    first, second, third = (request.connection for request in upstream.requests)
    assert first != second == third


async def test_an_idle_connection_is_closed_after_a_while(
    upstream: FakeUpstream, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.stack.KEEPALIVE", 0.03)
    upstream.answers(json={})
    await _call(sender, upstream.url)
    await _call(sender, upstream.url)

    await upstream.until(lambda: upstream.open == 0)

    await _call(sender, upstream.url)
    assert [request.connection for request in upstream.requests] == [1, 1, 2]


async def test_a_busy_connection_is_not_closed_for_its_age(
    upstream: FakeUpstream, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.stack.KEEPALIVE", 0.02)
    go_on, after = asyncio.Event(), asyncio.Event()
    upstream.answers(json={}).raw(pause(go_on), OK)
    await _call(sender, upstream.url)
    calling = asyncio.gather(_call(sender, upstream.url))
    asyncio.get_running_loop().call_later(0.06, after.set)

    await after.wait()
    go_on.set()

    assert await calling == [b"ok"]


async def test_requests_beyond_the_cap_wait_for_their_turn(
    upstream: FakeUpstream, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.stack.PER_HOST", 2)
    upstream.raw(OK)

    bodies = await asyncio.gather(*(_call(sender, upstream.url) for _ in range(20)))

    assert bodies == [b"ok"] * 20
    assert {request.connection for request in upstream.requests} == {1, 2}


async def test_a_connection_that_goes_makes_room_for_the_next(
    upstream: FakeUpstream, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.stack.PER_HOST", 1)
    upstream.raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")

    bodies = await asyncio.gather(*(_call(sender, upstream.url) for _ in range(5)))

    assert bodies == [b"ok"] * 5


async def test_waiting_for_a_turn_ends_with_the_connect_deadline(
    upstream: FakeUpstream, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.stack.PER_HOST", 1)
    answered = asyncio.Event()
    upstream.raw(pause(answered), OK)
    first = asyncio.gather(_call(sender, upstream.url))
    await upstream.until(lambda: len(upstream.requests) == 1)

    with pytest.raises(UpstreamTimeout) as caught:
        await _call(sender, upstream.url, connect=0.05)

    assert stage_of(caught.value) == "connect"
    answered.set()
    assert await first == [b"ok"]
    assert await _call(sender, upstream.url) == b"ok"
    assert len(upstream.requests) == 2


async def test_a_turn_given_to_somebody_who_left_goes_to_the_next(
    upstream: FakeUpstream, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.stack.PER_HOST", 1)
    answered = asyncio.Event()
    upstream.raw(pause(answered), OK)
    first, leaving, staying = (asyncio.gather(_call(sender, upstream.url)) for _ in range(3))
    await upstream.until(lambda: len(upstream.requests) == 1)

    leaving.cancel()
    answered.set()

    assert await first == [b"ok"]
    assert await staying == [b"ok"]
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_a_failed_dial_gives_its_turn_away(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clinx.upstream.stack.PER_HOST", 1)
    calls = [sender.send(request_to("http://127.0.0.1:1"), deadline=later()) for _ in range(3)]

    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [UpstreamBroken] * 3


async def test_those_who_wait_for_a_turn_learn_that_there_will_be_none(
    upstream: FakeUpstream, sender: Sender, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.stack.PER_HOST", 1)
    upstream.hangs()
    calls = [asyncio.gather(_call(sender, upstream.url), return_exceptions=True) for _ in range(3)]
    await upstream.until(lambda: len(upstream.requests) == 1)

    await lease.release()

    outcomes = [(await call)[0] for call in calls]
    assert [type(outcome) for outcome in outcomes] == [UpstreamBroken] * 3
    assert [stage_of(outcome) for outcome in outcomes if isinstance(outcome, UpstreamBroken)] == [
        "first_byte",
        "connect",
        "connect",
    ]
    await upstream.until(lambda: upstream.open == 0)
