"""The relay's own transport against servers that are slow, odd or hostile; what both transports do is in test_send."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from clinx.domain.catalog import TransportKind
from clinx.errors import UpstreamBroken, UpstreamTimeout
from clinx.upstream.egress import Egress
from clinx.upstream.http1 import HIGH, PIECE, Arrived, Connection
from clinx.upstream.kept import Kept
from clinx.upstream.request import DIRECT
from clinx.upstream.send import Sender, Transports
from support.fake_upstream import FakeUpstream, Step, abort, hang, hang_up, pause
from support.outbound import eventually, hang_up_unnoticed, later, request_to, stage_of

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
READ_AT_ONCE = 256 << 10

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def kind() -> TransportKind:
    return TransportKind.HTTP1


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
            over.set()

    over = asyncio.Event()
    async with await asyncio.start_server(once, "127.0.0.1", 0, ssl=tls) as server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"{'https' if tls else 'http'}://{host}:{port}"
        async with asyncio.timeout(10):
            await over.wait()


def _port_of(connection: Connection) -> int:
    """The port of our end."""
    assert connection._transport is not None
    return connection._transport.get_extra_info("sockname")[1]


async def _body(sender: Sender, url: str) -> bytes:
    response = await sender.send(request_to(url), deadline=later())
    return await response.read()


@pytest.mark.parametrize(
    ("answer", "body", "connections"),
    [
        (OK + b"Content-Length: 2\r\n\r\nok", b"ok", [1, 1]),
        (OK + b"Content-Length: 0\r\n\r\n", b"", [1, 1]),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", b"ok", [1, 1]),
        (CHUNKED + b"2;x=y\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n", b"ok", [1, 1]),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", [1, 1]),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", b"", [1, 1]),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
            b"ok",
            [1, 1],
        ),
        (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", b"ok", [1, 2]),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", [1, 2]),
        (OK + b"Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"ok", [1, 2]),
        (OK + b"Content-Length: 2\r\n\r\nok\r\n", b"ok", [1, 2]),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n\r\n", b"ok", [1, 2]),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", b"", [1, 2]),
    ],
    ids=[
        "sized",
        "empty",
        "chunked",
        "trailers",
        "204",
        "304",
        "interim",
        "close",
        "1.0",
        "a second answer",
        "an empty line",
        "an empty line after chunks",
        "204 with a body",
    ],
)
async def test_a_connection_is_used_again_only_after_an_end_that_leaves_no_doubt(
    upstream: FakeUpstream, sender: Sender, answer: bytes, body: bytes, connections: list[int]
) -> None:
    upstream.raw(answer)

    for _ in range(2):
        assert await _body(sender, upstream.url) == body

    assert [request.connection for request in upstream.requests] == connections
    await upstream.until(lambda: upstream.open == (2 - len(set(connections))))


async def test_an_answer_that_comes_byte_by_byte_is_the_same(upstream: FakeUpstream, sender: Sender) -> None:
    data = CHUNKED + b"6\r\nledger\r\n0\r\n\r\n"
    sent = [asyncio.Event() for _ in data]
    upstream.raw(*(step for event, byte in zip(sent, data, strict=True) for step in (pause(event), bytes([byte]))))

    reading = asyncio.gather(_body(sender, upstream.url))
    await upstream.until(lambda: len(upstream.requests) == 1)
    for event in sent:
        event.set()
        await asyncio.sleep(0)

    assert await reading == [b"ledger"]


async def test_bytes_that_answer_nothing_end_an_idle_connection(upstream: FakeUpstream, sender: Sender) -> None:
    spoken = asyncio.Event()
    upstream.raw(OK + b"Content-Length: 2\r\n\r\nok", pause(spoken), OK + b"Content-Length: 4\r\n\r\nevil")
    upstream.answers(body=b"good")
    assert await _body(sender, upstream.url) == b"ok"

    spoken.set()
    await upstream.until(lambda: upstream.open == 0)

    assert await _body(sender, upstream.url) == b"good"
    assert [request.connection for request in upstream.requests] == [1, 2]


async def test_a_connection_that_was_closed_while_idle_is_not_used(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.raw(OK + b"Content-Length: 2\r\n\r\nok", closes=True).answers(body=b"again")
    assert await _body(sender, upstream.url) == b"ok"
    await upstream.until(lambda: upstream.open == 0)

    assert await _body(sender, upstream.url) == b"again"

    assert [request.connection for request in upstream.requests] == [1, 2]


@pytest.mark.parametrize(
    "steps",
    [(b"H", hang_up()), (b"HTTP/1.1 200 OK\r\n", abort()), (b"HTTP/1.1 100 Continue\r\n\r\n", hang_up())],
    ids=["a byte", "half a head", "an interim answer"],
)
async def test_a_kept_connection_that_breaks_after_a_byte_may_have_been_served_and_is_not_tried_again(
    upstream: FakeUpstream, sender: Sender, steps: tuple[Step, ...]
) -> None:
    upstream.answers(json={}).raw(*steps)
    await _body(sender, upstream.url)

    with pytest.raises(UpstreamBroken) as caught:
        await sender.send(request_to(upstream.url), deadline=later())

    assert stage_of(caught.value) == "first_byte"
    assert len(upstream.requests) == 2


async def test_one_stale_connection_condemns_the_others_that_were_idle(
    upstream: FakeUpstream, sender: Sender, transports: Transports
) -> None:
    answered = asyncio.Event()
    for _ in range(3):
        upstream.raw(pause(answered), OK + b"Content-Length: 2\r\n\r\nok")
    upstream.answers(body=b"new")
    bodies = asyncio.gather(*(_body(sender, upstream.url) for _ in range(3)))
    await upstream.until(lambda: len(upstream.requests) == 3)
    answered.set()
    await bodies
    kept = transports.transport(DIRECT)
    assert isinstance(kept, Kept)
    (stack,) = kept._stacks.values()
    hang_up_unnoticed(upstream, _port_of(stack._idle[-1]))

    assert await _body(sender, upstream.url) == b"new"

    assert upstream.requests[-1].connection == 4
    await upstream.until(lambda: upstream.open == 1)


async def test_an_answer_is_delivered_while_the_body_is_still_being_written(sender: Sender) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await taken.wait()

    taken = asyncio.Event()
    async with serving(refuse) as url:
        response = await sender.send(request_to(url, body=b"x" * (32 << 20)), deadline=later())
        assert (response.status, await response.read()) == (413, b"big")
        taken.set()


async def test_a_body_nobody_reads_is_left_after_the_first_byte_deadline(sender: Sender) -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await left.wait()

    left = asyncio.Event()
    async with serving(ignore) as url:
        with pytest.raises(UpstreamTimeout) as caught:
            await sender.send(request_to(url, body=b"x" * (32 << 20), first_byte=0.1), deadline=later())
        left.set()

    assert stage_of(caught.value) == "first_byte"


@pytest.mark.parametrize("encoding", [b"", b"Content-Encoding: gzip\r\n"], ids=["plain", "compressed"])
async def test_nothing_more_is_read_than_somebody_takes(encoding: bytes, authority: ssl.SSLContext) -> None:
    size = 16 << 20

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + encoding + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size >> 16):
            writer.write(b"\x1f\x8b\x08\x00" + b"x" * 65532)
            await writer.drain()
        await reader.read()

    transport = Kept(Egress(), authority)
    async with serving(flood) as url:
        arrived = await transport.exchange(request_to(url), within=10.0)
        await eventually(lambda: arrived._connection._paused)
        for _ in range(100):
            await asyncio.sleep(0)
        assert HIGH < arrived._answer.waiting <= HIGH + READ_AT_ONCE
        if encoding:
            arrived.close()
        else:
            assert await _length(arrived) == size
        await transport.close()


async def _length(arrived: Arrived) -> int:
    size = 0
    while (piece := arrived.take()) != b"":
        if piece is None:
            await arrived.wait(10.0)
        else:
            size += len(piece)
    return size


async def test_a_reader_that_is_cancelled_takes_its_connection_along_and_no_other(
    upstream: FakeUpstream, sender: Sender
) -> None:
    upstream.raw(CHUNKED + b"2\r\nok\r\n", hang()).answers(body=b"other")
    response = await sender.send(request_to(upstream.url), deadline=later())
    assert await anext(response.chunks()) == b"ok"

    reading = asyncio.gather(response.read())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    await upstream.until(lambda: upstream.open == 0)
    assert await _body(sender, upstream.url) == b"other"


async def test_closing_an_answer_that_is_over_does_not_touch_the_exchange_that_follows(
    upstream: FakeUpstream, sender: Sender
) -> None:
    answered = asyncio.Event()
    upstream.answers(body=b"first").raw(pause(answered), OK + b"Content-Length: 6\r\n\r\nsecond")
    first = await sender.send(request_to(upstream.url), deadline=later())
    following = asyncio.gather(_body(sender, upstream.url))
    await upstream.until(lambda: len(upstream.requests) == 2)

    await first.close()
    answered.set()

    assert await following == [b"second"]
    assert await first.read() == b"first"
    assert [request.connection for request in upstream.requests] == [1, 1]


async def test_deadlines_follow_one_another_on_one_connection(upstream: FakeUpstream, sender: Sender) -> None:
    """A timer set for a long wait must ring in time for a short one, and not for one that is over."""
    upstream.answers(json={}).answers(json={}).hangs()
    await (await sender.send(request_to(upstream.url, first_byte=0.05), deadline=later())).read()
    await (await sender.send(request_to(upstream.url, first_byte=60.0), deadline=later())).read()
    started = time.monotonic()

    with pytest.raises(UpstreamTimeout) as caught:
        await sender.send(request_to(upstream.url, first_byte=0.15), deadline=later())

    assert stage_of(caught.value) == "first_byte"
    assert 0.14 < time.monotonic() - started < 5.0
    assert [request.connection for request in upstream.requests] == [1, 1, 1]


async def test_a_trickle_of_framing_without_a_body_does_not_count_as_life(
    upstream: FakeUpstream, sender: Sender
) -> None:
    upstream.raw(CHUNKED + b"2\r\nok\r\n", b"2;", hang())
    response = await sender.send(request_to(upstream.url, idle=0.1), deadline=later())

    with pytest.raises(UpstreamTimeout) as caught:
        await response.read()

    assert stage_of(caught.value) == "idle"


async def test_a_broken_chunk_is_noticed_at_once(upstream: FakeUpstream, sender: Sender) -> None:
    go_on = asyncio.Event()
    upstream.raw(CHUNKED + b"2\r\nok\r\n", pause(go_on), b"zz\r\n", hang())
    chunks = (await sender.send(request_to(upstream.url), deadline=later())).chunks()
    assert await anext(chunks) == b"ok"

    go_on.set()
    with pytest.raises(UpstreamBroken) as caught:
        await anext(chunks)

    assert str(caught.value.__cause__) == "body: no chunk size"
    await upstream.until(lambda: upstream.open == 0)


async def test_a_reader_cancelled_when_its_answer_is_there_leaves_the_connection_to_others(
    upstream: FakeUpstream, authority: ssl.SSLContext
) -> None:
    upstream.hangs()
    transport = Kept(Egress(), authority)
    sending = asyncio.gather(transport.exchange(request_to(upstream.url), within=10.0))
    await upstream.until(lambda: len(upstream.requests) == 1)
    (stack,) = transport._stacks.values()
    (connection,) = stack._open

    connection.data_received(OK + b"Content-Length: 2\r\n\r\nok")
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending

    assert stack.pop() is connection
    assert connection.usable
    await transport.close()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_a_body_nobody_takes_is_left_after_the_write_deadline(
    sender: Sender, certificate: Callable[[str], ssl.SSLContext], secure: bool
) -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await left.wait()

    left = asyncio.Event()
    async with serving(ignore, certificate("localhost") if secure else None) as url:
        with pytest.raises(UpstreamTimeout) as caught:
            await sender.send(request_to(url, body=b"x" * (32 << 20), write=0.2), deadline=later())
        left.set()

    assert stage_of(caught.value) == "write"


async def test_a_request_that_was_taken_in_time_may_wait_longer_for_its_answer(
    upstream: FakeUpstream, sender: Sender
) -> None:
    taken = asyncio.Event()
    upstream.raw(pause(taken), OK + b"Content-Length: 2\r\n\r\nok")
    asyncio.get_running_loop().call_later(0.1, taken.set)

    response = await sender.send(request_to(upstream.url, write=0.02), deadline=later())

    assert await response.read() == b"ok"


async def test_a_large_body_is_handed_on_as_it_is_taken(sender: Sender) -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        writer.write(OK + b"Content-Length: 64\r\n\r\n" + hashlib.sha256(body).hexdigest().encode())
        await writer.drain()

    body = bytes(range(256)) * (PIECE // 256 * 7) + b"end"
    async with serving(count) as url:
        response = await sender.send(request_to(url, body=body), deadline=later())

        assert await response.read() == hashlib.sha256(body).hexdigest().encode()
