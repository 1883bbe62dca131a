"""What both transports do with a server that says whatever it is told, byte by byte.

An answer that two readers could understand differently is a failure, and its connection is not used again: what one
takes for the rest of an answer is another's next one. The general library is more lenient in a few places that no
setting reaches; each of them is listed.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from types import MappingProxyType

import pytest

from clinx.domain.catalog import TransportKind
from clinx.errors import UpstreamBroken, UpstreamTimeout
from clinx.upstream.send import Sender
from support.fake_upstream import FakeUpstream, abort, hang, hang_up, pause
from support.outbound import eventually, later, request_to, stage_of

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 2\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SIZED = OK + LENGTH + b"\r\nok"
IN_CHUNKS = OK + CHUNKED + b"\r\n"
BODY_IN_CHUNKS = b"2\r\nok\r\n0\r\n\r\n"

UNCLEAR: Mapping[str, bytes] = MappingProxyType(
    {
        "a length before chunks": OK + LENGTH + CHUNKED + b"\r\n" + BODY_IN_CHUNKS,
        "chunks before a length": OK + CHUNKED + LENGTH + b"\r\n" + BODY_IN_CHUNKS,
        "two lengths": OK + LENGTH + b"Content-Length: 3\r\n\r\nok!",
        "one length twice": OK + LENGTH + LENGTH + b"\r\nok",
        "a list of lengths": OK + b"Content-Length: 2, 2\r\n\r\nok",
        "a length with a plus": OK + b"Content-Length: +2\r\n\r\nok",
        "a negative length": OK + b"Content-Length: -2\r\n\r\nok",
        "a hexadecimal length": OK + b"Content-Length: 0x2\r\n\r\nok",
        "a length in two words": OK + b"Content-Length: 1 2\r\n\r\nok",
        "a length with an underscore": OK + b"Content-Length: 1_0\r\n\r\nok",
        "a length of nothing": OK + b"Content-Length:\r\n\r\nok",
        "a huge length": OK + b"Content-Length: 99999999999999999999999\r\n\r\nok",
        "a tab before a colon": OK + b"Content-Length\t: 2\r\n\r\nok",
        "a coding with a space before its colon": OK + b"Transfer-Encoding : chunked\r\n" + LENGTH + b"\r\nok",
        "another coding before chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + BODY_IN_CHUNKS,
        "another coding after chunked": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + BODY_IN_CHUNKS,
        "chunked twice": OK + CHUNKED + CHUNKED + b"\r\n" + BODY_IN_CHUNKS,
        "another coding": OK + b"Transfer-Encoding: identity\r\n\r\nok",
        "another coding beside a length": OK + b"Transfer-Encoding: xchunked\r\n" + LENGTH + b"\r\nok",
        "a coding behind a control character": OK + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + BODY_IN_CHUNKS,
        "chunks in HTTP 1.0": b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n" + BODY_IN_CHUNKS,
        "a NUL in a value": OK + b"X-A: a\0b\r\n" + LENGTH + b"\r\nok",
        "a NUL in a name": OK + b"X\0A: a\r\n" + LENGTH + b"\r\nok",
        "a bare CR": OK + b"X-A: a\rContent-Length: 2\r\n\r\nok",
        "a value without a name": OK + b": a\r\n" + LENGTH + b"\r\nok",
        "a line without a colon": OK + b"no colon\r\n" + LENGTH + b"\r\nok",
        "HTTP 1.2": b"HTTP/1.2 200 OK\r\n" + LENGTH + b"\r\nok",
        "HTTP 2": b"HTTP/2.0 200 OK\r\n" + LENGTH + b"\r\nok",
        "HTTP 0.9": b"ok",
        "another case": b"http/1.1 200 OK\r\n" + LENGTH + b"\r\nok",
        "a status of four digits": b"HTTP/1.1 2000 OK\r\n" + LENGTH + b"\r\nok",
        "a status of two digits": b"HTTP/1.1 20 OK\r\n" + LENGTH + b"\r\nok",
        "no status": b"HTTP/1.1 OK\r\n" + LENGTH + b"\r\nok",
        "an interim answer with a body": b"HTTP/1.1 100 Continue\r\n" + LENGTH + b"\r\nok" + SIZED,
        "another protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "a negative chunk": IN_CHUNKS + b"-2\r\nok\r\n0\r\n\r\n",
        "a chunk with a plus": IN_CHUNKS + b"+2\r\nok\r\n0\r\n\r\n",
        "a chunk with a prefix": IN_CHUNKS + b"0x2\r\nok\r\n0\r\n\r\n",
        "a chunk with an underscore": IN_CHUNKS + b"0_2\r\nok\r\n0\r\n\r\n",
        "a space before a chunk's size": IN_CHUNKS + b" 2\r\nok\r\n0\r\n\r\n",
        "a chunk's line without CR": IN_CHUNKS + b"2\nok\r\n0\r\n\r\n",
        "an extension with a line break": IN_CHUNKS + b"2;a\nb\r\nok\r\n0\r\n\r\n",
        "data beyond a chunk": IN_CHUNKS + b"2\r\nokX\r\n0\r\n\r\n",
        "a chunk that does not end": IN_CHUNKS + b"2\r\nok0\r\n\r\n",
        "a huge chunk": IN_CHUNKS + b"10000000000000002\r\nok\r\n",
        "a chunk without a size": IN_CHUNKS + b"\r\nok\r\n0\r\n\r\n",
        "a trailer without a colon": IN_CHUNKS + b"2\r\nok\r\n0\r\nno colon\r\n\r\n",
        "an encoding nobody asked for": OK + b"Content-Encoding: br\r\n" + LENGTH + b"\r\nok",
    }
)
"""Refused by both."""

LENIENT: Mapping[str, bytes] = MappingProxyType(
    {
        "a space before a colon": OK + b"Content-Length : 2\r\n\r\nok",
        "a folded header": OK + b"X-A: a\r\n b\r\n" + LENGTH + b"\r\nok",
        "a folded length": OK + b"Content-Length:\r\n 2\r\n\r\nok",
        "a space before the first header": OK + b" X-A: a\r\n" + LENGTH + b"\r\nok",
        "a header's line without CR": OK + b"X-A: a\nContent-Length: 2\r\n\r\nok",
        "no CR at all": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        "an empty line first": b"\r\n" + SIZED,
        "a space after a chunk's size": IN_CHUNKS + b"2 \r\nok\r\n0\r\n\r\n",
        "a chunk's data without CR": IN_CHUNKS + b"2\r\nok\n0\r\n\r\n",
    }
)
"""Refused by our own; the general library takes them for what a kind reader would."""


async def _body(sender: Sender, upstream: FakeUpstream) -> bytes:
    response = await sender.send(request_to(upstream.url), deadline=later())
    return await response.read()


async def _refuses(sender: Sender, upstream: FakeUpstream) -> bool:
    """Whether two requests fail, on a connection each, and both are gone."""
    for _ in range(2):
        with pytest.raises(UpstreamBroken):
            await _body(sender, upstream)
    await upstream.until(lambda: upstream.open == 0)
    return [request.connection for request in upstream.requests] == [1, 2]


@pytest.mark.parametrize("answer", list(UNCLEAR.values()), ids=list(UNCLEAR))
async def test_what_readers_could_understand_differently_is_refused(
    upstream: FakeUpstream, sender: Sender, answer: bytes
) -> None:
    upstream.raw(answer)

    assert await _refuses(sender, upstream)


@pytest.mark.parametrize("answer", list(LENIENT.values()), ids=list(LENIENT))
async def test_the_general_library_is_more_lenient_in_some_places(
    upstream: FakeUpstream, sender: Sender, kind: TransportKind, answer: bytes
) -> None:
    upstream.raw(answer)

    if kind is TransportKind.HTTP1:
        assert await _refuses(sender, upstream)
    else:
        assert await _body(sender, upstream) == b"ok"


async def test_the_general_library_takes_a_compressed_body_that_is_cut_for_whole(
    upstream: FakeUpstream, sender: Sender, kind: TransportKind
) -> None:
    upstream.raw(OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")

    if kind is TransportKind.HTTP1:
        with pytest.raises(UpstreamBroken):
            await _body(sender, upstream)
    else:
        assert await _body(sender, upstream) == b""


@pytest.mark.parametrize(
    "answer",
    [SIZED + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", IN_CHUNKS + BODY_IN_CHUNKS + SIZED],
    ids=["after a length", "after chunks"],
)
async def test_what_nobody_asked_for_is_not_the_answer_to_the_next_request(
    upstream: FakeUpstream, sender: Sender, answer: bytes
) -> None:
    upstream.raw(answer).answers(body=b"good")

    assert [await _body(sender, upstream) for _ in range(2)] == [b"ok", b"good"]

    assert [request.connection for request in upstream.requests] == [1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        SIZED,
        OK + b"content-length:2\r\n\r\nok",
        OK + b"X-A: \xc3\xa9\xff\r\nContent-Length: \t 2 \t\r\n\r\nok",
        b"HTTP/1.1 200\r\n" + LENGTH + b"\r\nok",
        IN_CHUNKS + b"000002;name=value\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SIZED,
    ],
    ids=["plain", "without spaces", "odd but right", "no reason", "extensions and trailers", "interim answers"],
)
async def test_what_is_right_is_taken_however_it_is_cut(upstream: FakeUpstream, sender: Sender, answer: bytes) -> None:
    sent = [asyncio.Event() for _ in answer]
    upstream.raw(*(step for event, byte in zip(sent, answer, strict=True) for step in (pause(event), bytes([byte]))))
    upstream.raw(answer)

    reading = asyncio.gather(_body(sender, upstream))
    await upstream.until(lambda: len(upstream.requests) == 1)
    for event in sent:
        event.set()
        await asyncio.sleep(0)

    assert await reading == [b"ok"]
    assert await _body(sender, upstream) == b"ok"
    assert [request.connection for request in upstream.requests] == [1, 1]


async def test_a_body_without_framing_ends_with_its_connection(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.raw(OK + b"\r\n", b"ok", closes=True)

    assert [await _body(sender, upstream) for _ in range(2)] == [b"ok", b"ok"]

    assert [request.connection for request in upstream.requests] == [1, 2]


async def test_the_general_library_takes_a_body_without_framing_that_is_reset_for_whole(
    upstream: FakeUpstream, sender: Sender, kind: TransportKind
) -> None:
    go_on = asyncio.Event()
    upstream.raw(OK + b"\r\nok", pause(go_on), abort())
    response = await sender.send(request_to(upstream.url), deadline=later())
    chunks = response.chunks()
    assert await anext(chunks) == b"ok"
    (writer,) = upstream.writers
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    go_on.set()
    with pytest.raises(UpstreamBroken if kind is TransportKind.HTTP1 else StopAsyncIteration):
        await anext(chunks)


async def test_a_server_that_ends_its_half_after_an_answer_is_not_asked_again_there(
    upstream: FakeUpstream, sender: Sender
) -> None:
    upstream.raw(SIZED, closes=True)

    assert await _body(sender, upstream) == b"ok"
    await upstream.until(lambda: upstream.open == 0)
    assert await _body(sender, upstream) == b"ok"

    assert [request.connection for request in upstream.requests] == [1, 2]


async def test_interim_answers_without_end_are_a_failure(
    upstream: FakeUpstream, sender: Sender, kind: TransportKind
) -> None:
    failure = UpstreamBroken if kind is TransportKind.HTTP1 else UpstreamTimeout  # The library counts none of them.
    upstream.raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, hang())

    with pytest.raises(failure):
        await sender.send(request_to(upstream.url, first_byte=0.5), deadline=later())

    await upstream.until(lambda: upstream.open == 0)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 2", OK, OK + LENGTH], ids=["nothing", "a part", "a line", "a header"])
async def test_a_head_that_does_not_end_is_a_failure(upstream: FakeUpstream, sender: Sender, sent: bytes) -> None:
    upstream.raw(*([sent] if sent else []), hang_up())

    with pytest.raises(UpstreamBroken) as caught:
        await sender.send(request_to(upstream.url), deadline=later())

    assert stage_of(caught.value) == "first_byte"
    assert len(upstream.requests) == 1


async def test_nothing_more_is_read_than_somebody_takes(upstream: FakeUpstream, sender: Sender) -> None:
    piece = b"x" * (64 << 10)
    count = 512
    upstream.raw(OK + b"Content-Length: %d\r\n\r\n" % (len(piece) * count), *[piece] * count)
    response = await sender.send(request_to(upstream.url), deadline=later())
    (writer,) = upstream.writers

    await eventually(lambda: writer.transport.get_write_buffer_size() > 0)
    for _ in range(200):
        await asyncio.sleep(0)
    assert writer.transport.get_write_buffer_size() > 0

    assert len(await response.read()) == len(piece) * count


async def test_requests_that_are_left_leave_no_connection_behind(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.hangs()
    sending = [asyncio.gather(_body(sender, upstream)) for _ in range(50)]
    await upstream.until(lambda: len(upstream.requests) == 50)

    for each in sending:
        each.cancel()
    outcomes = await asyncio.gather(*sending, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 50
    await upstream.until(lambda: upstream.open == 0)
