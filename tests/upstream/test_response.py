from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from clinx.errors import UpstreamBroken, UpstreamTimeout
from clinx.upstream.send import Sender, UpstreamResponse
from support.fake_upstream import FakeUpstream, Step, abort, hang, hang_up, pause, sse
from support.outbound import later, request_to, stage_of

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def _open(
    upstream: FakeUpstream, sender: Sender, deadline: float = 30.0, idle: float = 120.0
) -> UpstreamResponse:
    return await sender.send(request_to(upstream.url, idle=idle), deadline=later(deadline))


async def _all(response: UpstreamResponse) -> bytes:
    return b"".join([chunk async for chunk in response.chunks()])


async def test_the_head_is_read_whatever_its_spelling(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(json={}, content_type="Text/Event-Stream; charset=utf-8", headers={"X-REQUEST-ID": "up-1"})

    response = await _open(upstream, sender)

    assert response.content_type == "text/event-stream"
    assert response.headers["x-request-id"] == "up-1"
    assert response.upstream_id == "up-1"
    await response.close()


@pytest.mark.parametrize(
    ("headers", "found"),
    [({}, None), ({"request-id": "r"}, "r"), ({"apim-request-id": "a"}, "a"), ({"x-request-id": "x" * 999}, "x" * 200)],
)
async def test_the_upstreams_own_id_is_found_and_bounded(
    upstream: FakeUpstream, sender: Sender, headers: dict[str, str], found: str | None
) -> None:
    upstream.answers(json={}, headers=headers)

    response = await _open(upstream, sender)

    assert response.upstream_id == found
    await response.close()


async def test_no_media_type_is_the_empty_one(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    response = await _open(upstream, sender)

    assert response.content_type == ""
    assert await response.read() == b"ok"


async def test_chunks_come_as_soon_as_they_arrive(upstream: FakeUpstream, sender: Sender) -> None:
    go_on = asyncio.Event()
    upstream.streams([sse({"n": 1}, done=False), pause(go_on), b"data: [DO", b"NE]\n\n"])

    response = await _open(upstream, sender)
    chunks = response.chunks()

    assert await anext(chunks) == b'data: {"n":1}\n\n'
    go_on.set()
    assert b"".join([chunk async for chunk in chunks]) == b"data: [DONE]\n\n"


async def test_a_body_read_to_its_end_leaves_the_connection_warm(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.streams([sse({"n": 1})])

    for _ in range(2):
        response = await _open(upstream, sender)
        assert await _all(response) == sse({"n": 1})
        await response.close()

    assert [request.connection for request in upstream.requests] == [1, 1]


async def test_closing_in_the_middle_drops_the_connection(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.streams([b"data: 1\n\n", hang()])

    response = await _open(upstream, sender)
    assert await anext(response.chunks()) == b"data: 1\n\n"
    await response.close()
    await response.close()

    await upstream.until(lambda: upstream.open == 0)


async def test_a_reader_may_be_cancelled_and_closed(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.streams([b"data: 1\n\n", hang()])
    response = await _open(upstream, sender)

    reading = asyncio.gather(_all(response))
    await upstream.until(lambda: len(upstream.requests) == 1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await response.close()

    await upstream.until(lambda: upstream.open == 0)


@pytest.mark.parametrize(
    "steps",
    [
        (HEAD + b"Content-Length: 10\r\n\r\nhalf", hang_up()),
        (HEAD + b"Content-Length: 10\r\n\r\nhalf", abort()),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", hang_up()),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nha", hang_up()),
    ],
    ids=["short", "reset", "no last chunk", "half a chunk"],
)
@pytest.mark.parametrize("whole", [True, False], ids=["read", "chunks"])
async def test_a_cut_body_is_a_broken_upstream(
    upstream: FakeUpstream, sender: Sender, steps: tuple[Step, ...], whole: bool
) -> None:
    upstream.raw(*steps)
    response = await _open(upstream, sender)

    with pytest.raises(UpstreamBroken) as caught:
        await (response.read() if whole else _all(response))

    assert stage_of(caught.value) == "body"
    await upstream.until(lambda: upstream.open == 0)


async def test_a_chunk_that_is_none_is_a_broken_upstream_long_before_the_idle_time(
    upstream: FakeUpstream, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.through_aiohttp.LOOK", 0.02)
    go_on = asyncio.Event()
    upstream.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", pause(go_on), b"zz\r\nhalf\r\n")
    chunks = (await _open(upstream, sender)).chunks()
    assert await anext(chunks) == b"half"

    go_on.set()
    with pytest.raises(UpstreamBroken) as caught:
        await anext(chunks)

    assert stage_of(caught.value) == "body"


async def test_a_body_without_a_length_ends_with_the_connection(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.raw(HEAD + b"\r\nall of it", closes=True)

    assert await (await _open(upstream, sender)).read() == b"all of it"


async def test_silence_between_chunks_is_bounded(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.streams([b"data: 1\n\n", hang()])
    response = await _open(upstream, sender, idle=0.05)

    with pytest.raises(UpstreamTimeout) as caught:
        await _all(response)

    assert stage_of(caught.value) == "idle"
    await upstream.until(lambda: upstream.open == 0)


async def test_silence_outlasts_looks_at_a_connection_that_is_still_there(
    upstream: FakeUpstream, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.upstream.through_aiohttp.LOOK", 0.01)
    upstream.streams([b"data: 1\n\n", hang()])
    response = await _open(upstream, sender, idle=0.1)

    with pytest.raises(UpstreamTimeout) as caught:
        await _all(response)

    assert stage_of(caught.value) == "idle"


async def test_the_deadline_of_the_exchange_bounds_the_body(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.streams([b"data: 1\n\n", hang()])
    response = await _open(upstream, sender, deadline=0.2)

    with pytest.raises(UpstreamTimeout) as caught:
        await _all(response)

    assert stage_of(caught.value) == "total"


async def test_a_body_beyond_the_limit_is_left(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(body=b"x" * 1001)

    response = await _open(upstream, sender)

    with pytest.raises(UpstreamBroken) as caught:
        await response.read(1000)
    assert str(caught.value.__cause__) == "body: longer than 1000 bytes"


async def test_a_body_of_exactly_the_limit_is_read(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(body=b"x" * 1000)

    assert len(await (await _open(upstream, sender)).read(1000)) == 1000


@pytest.mark.parametrize(("name", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_server_that_compresses_anyway_is_understood(
    upstream: FakeUpstream, sender: Sender, name: str, compress: type[bytes]
) -> None:
    upstream.streams([compress(sse({"n": 1}))], headers={"Content-Encoding": name})

    assert await _all(await _open(upstream, sender)) == sse({"n": 1})


async def test_a_compressed_bomb_stops_at_the_limit(upstream: FakeUpstream, sender: Sender) -> None:
    bomb = gzip.compress(b"\0" * (200 << 20), compresslevel=1)
    upstream.answers(body=bomb, headers={"Content-Encoding": "gzip"})

    response = await _open(upstream, sender)

    with pytest.raises(UpstreamBroken):
        await response.read(1 << 20)


@pytest.mark.parametrize(("encoding", "body"), [("gzip", b"no gzip at all"), ("br", b"\x0b\x02\x80hello\x03")])
async def test_an_encoding_that_cannot_be_undone_is_a_broken_upstream(
    upstream: FakeUpstream, sender: Sender, encoding: str, body: bytes
) -> None:
    upstream.answers(body=body, headers={"Content-Encoding": encoding})

    with pytest.raises(UpstreamBroken):
        await (await _open(upstream, sender)).read()


async def test_a_body_that_came_with_its_head_is_there_at_once(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.raw(HEAD + b"Content-Length: 4\r\n\r\nbody")

    response = await _open(upstream, sender)

    assert response.arrived() == b"body"


async def test_of_a_body_still_to_come_nothing_is_lost(upstream: FakeUpstream, sender: Sender) -> None:
    more = asyncio.Event()
    upstream.raw(HEAD + b"Content-Length: 4\r\n\r\nbo", pause(more), b"dy")

    response = await _open(upstream, sender)

    assert response.arrived() is None
    more.set()
    assert await response.read() == b"body"


async def test_what_is_there_at_once_is_bounded(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.raw(HEAD + b"Content-Length: 4\r\n\r\nbody")

    response = await _open(upstream, sender)

    with pytest.raises(UpstreamBroken) as raised:
        response.arrived(3)
    assert stage_of(raised.value) == "body"
