"""What both transports do with servers that providers run, over plain connections and over TLS."""

from __future__ import annotations

import asyncio
import hashlib
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clinx.errors import UpstreamBroken, UpstreamTimeout
from clinx.upstream.response import UpstreamResponse
from clinx.upstream.send import Sender
from support.outbound import later, request_to, stage_of
from upstream.conformance.conftest import Ask
from upstream.conformance.servers import Server

BIG = bytes(range(256)) * (16 << 10)


async def _read(answering: object) -> tuple[int, bytes]:
    response = await answering  # type: ignore[misc]
    assert isinstance(response, UpstreamResponse)
    return response.status, await response.read()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/sized", 200, b"ok"),
        ("/chunked", 200, b"piece 0\npiece 1\npiece 2\n"),
        ("/empty", 204, b""),
        ("/missing", 404, b'{"error": "missing"}'),
        ("/big", 200, BIG),
    ],
)
async def test_an_answer_is_read_to_its_end_and_its_connection_is_used_again(
    ask: Ask, path: str, status: int, body: bytes
) -> None:
    _, before = await _read(ask("/port"))

    assert await _read(ask(path)) == (status, body)

    assert await _read(ask("/port")) == (200, before)


async def test_a_body_arrives_as_it_was_sent(sender: Sender, url: str) -> None:
    body = BIG[:-1]

    response = await sender.send(request_to(url, path="/echo", body=body), deadline=later())

    assert await response.read() == hashlib.sha256(body).hexdigest().encode()


async def test_a_question_without_a_body_is_answered(sender: Sender, url: str) -> None:
    asks = replace(request_to(url, path="/echo", body=b""), method="GET")

    response = await sender.send(asks, deadline=later())

    assert await response.read() == hashlib.sha256(b"").hexdigest().encode()


async def test_a_connection_that_is_to_be_closed_is_not_used_again(ask: Ask) -> None:
    _, before = await _read(ask("/port"))

    response = await ask("/close")
    assert response.headers["Connection"].lower() == "close"
    assert await response.read() == b"ok"

    assert (await _read(ask("/port")))[1] != before


async def test_requests_at_once_have_a_connection_each_and_their_own_answers(sender: Sender, url: str) -> None:
    async def echoed(body: bytes) -> bytes:
        response = await sender.send(request_to(url, path="/echo", body=body), deadline=later())
        return await response.read()

    bodies = [str(number).encode() * 1000 for number in range(40)]

    answers = await asyncio.gather(*map(echoed, bodies))

    assert answers == [hashlib.sha256(body).hexdigest().encode() for body in bodies]


@pytest.mark.parametrize("how", ["sized", "chunked"])
async def test_what_is_cut_short_is_no_answer(ask: Ask, how: str) -> None:
    response = await ask(f"/cut/{how}")

    with pytest.raises(UpstreamBroken) as caught:
        await response.read()

    assert stage_of(caught.value) == "body"


async def test_a_refusal_before_the_body_was_read_is_an_answer(sender: Sender, server: Server, url: str) -> None:
    # Who resets the connection at once may take the answer back while a larger body is still being written.
    body = BIG if server.name != "hypercorn" else BIG[: 32 << 10]

    response = await sender.send(request_to(url, path="/early", body=body), deadline=later())

    assert response.status == 413
    await response.close()
    after = await sender.send(request_to(url, path="/sized"), deadline=later())
    assert await after.read() == b"ok"


async def test_a_stream_is_delivered_piece_by_piece_and_may_be_left(ask: Ask) -> None:
    name = uuid4().hex
    response = await ask(f"/stream/{name}")
    assert response.content_type == "text/event-stream"
    assert await anext(response.chunks()) == b"data: 0\n\n"

    await response.close()

    assert await _read(ask(f"/left/{name}")) == (200, b"left")


async def test_a_reader_that_is_cancelled_leaves(ask: Ask) -> None:
    name = uuid4().hex
    response = await ask(f"/stream/{name}")
    assert await anext(response.chunks()) == b"data: 0\n\n"
    reading = asyncio.gather(response.read())
    await asyncio.sleep(0)

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert await _read(ask(f"/left/{name}")) == (200, b"left")


async def test_silence_in_the_middle_is_a_failure_and_the_server_is_left(sender: Sender, url: str, ask: Ask) -> None:
    name = uuid4().hex
    response = await sender.send(request_to(url, path=f"/stream/{name}", idle=0.1), deadline=later())

    with pytest.raises(UpstreamTimeout) as caught:
        await response.read()

    assert stage_of(caught.value) == "idle"
    assert await _read(ask(f"/left/{name}")) == (200, b"left")


async def test_an_answer_that_does_not_begin_is_a_failure(sender: Sender, url: str) -> None:
    asks = request_to(url, path=f"/left/{uuid4().hex}", first_byte=0.1)

    with pytest.raises(UpstreamTimeout) as caught:
        await sender.send(asks, deadline=later())

    assert stage_of(caught.value) == "first_byte"


async def test_tls_agrees_on_the_protocol_that_is_spoken(sender: Sender, server: Server) -> None:
    response = await sender.send(request_to(server.secure, path="/alpn"), deadline=later())

    assert await response.read() == b"http/1.1"


@pytest.mark.parametrize("server", ["node"], indirect=True)  # The others say neither by themselves.
@pytest.mark.parametrize("path", ["/interim", "/trailers"])
async def test_what_comes_before_an_answer_or_after_its_body_is_passed_over(
    sender: Sender, server: Server, path: str
) -> None:
    for _ in range(2):
        response = await sender.send(request_to(server.plain, path=path), deadline=later())
        assert await response.read() == b"ok"
