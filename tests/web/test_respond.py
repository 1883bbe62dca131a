import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from clinx.domain.money import Amount
from clinx.web import presence
from clinx.web.presence import Visit
from support.fake_upstream import FakeUpstream, Script, Step, abort, pause, sse
from support.gateway import Running, chat, chunks, completion, running_gateway, tree_for

PIECE = sse({"id": "x", "choices": [], "padding": "x" * 65_400}, done=False)
PIECES = 1024
"""64 MiB together: far more than the sockets between two ends keep."""
HELD = 512 * 2**10
"""Most that may wait for one caller in this process; what the sockets keep besides is the kernel's."""


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  (nobody tells of it)
            await asyncio.sleep(0.005)


async def ask(gateway: Running, **more: Any) -> aiohttp.ClientResponse:
    return await gateway.session.post(
        f"{gateway.url}/v1/chat/completions",
        json=chat(**more),
        headers={"Authorization": f"Bearer {await gateway.key()}", "Origin": "https://a.example"},
    )


@dataclass
class Caller:
    """A caller on a bare socket, who reads when the test does."""

    gateway: Running
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def visit(self) -> Visit:
        """How the gateway sees the caller."""
        [visit] = self.gateway.gateway.presence._visits
        return visit

    async def leave(self) -> None:
        """Reset the connection, and wait until the gateway could know."""
        visit = self.visit
        self.writer.transport.abort()
        await until(lambda: not visit.is_connected)


@asynccontextmanager
async def calling(gateway: Running, *, version: str = "1.1", **more: Any) -> AsyncGenerator[Caller]:
    host, port = gateway.url.removeprefix("http://").split(":")
    body = json.dumps(chat(**more)).encode()
    head = (
        f"POST /v1/chat/completions HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {await gateway.key()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    bare = socket.create_connection((host, int(port)))
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 2**10)
    reader, writer = await asyncio.open_connection(sock=bare)
    writer.write(head.encode() + body)
    try:
        yield Caller(gateway, reader, writer)
    finally:
        writer.transport.abort()


@dataclass
class Flood:
    """A stream of chunks that say nothing, as long as anybody takes it."""

    sent: int = 0
    most_held: int = 0
    callers: list[Caller] = field(default_factory=list)

    def steps(self) -> Iterator[Step]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        yield chunked(sse(*chunks("Hello")[:2], done=False))
        for _ in range(PIECES):
            self.most_held = max([self.most_held, *(held_for(caller) for caller in self.callers)])
            self.sent += len(PIECE)
            yield chunked(PIECE)
        yield chunked(sse(*chunks("Hello")[2:])) + b"0\r\n\r\n"


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def held_for(caller: Caller) -> int:
    transport = caller.visit.transport
    return transport.get_write_buffer_size() if transport is not None else 0


def is_stuck(caller: Caller) -> bool:
    return caller.visit.writing and time.monotonic() - caller.visit.last_write > 0.2


async def test_a_whole_answer_has_its_length_and_the_upstream_s_bytes(gateway: Running, upstream: FakeUpstream) -> None:
    body = b'{ "choices" : [{"index":0,"message":{"content":"Hi"}}], "usage": {"prompt_tokens": 1e0} }'
    upstream.answers(body=body)

    async with await ask(gateway) as response:
        answered = await response.read()

    assert answered == body
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Length"] == str(len(body))
    assert "Cache-Control" not in response.headers


async def test_a_stream_says_that_it_may_not_be_held_back(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(*chunks("Hello"))])

    async with await ask(gateway, stream=True) as response:
        await response.read()

    headers = response.headers
    assert response.status == 200
    assert headers["Content-Type"].startswith("text/event-stream")
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-cache", "no")
    assert headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in headers
    assert headers["x-request-id"] == headers["clinx-request-id"]


async def test_a_stream_for_a_page_of_an_allowed_origin_may_be_read_by_it(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    upstream.streams([sse(*chunks("Hello"))])
    files = {"gateway.yaml": tree_for(upstream.url)["gateway.yaml"] + "server: {cors: ['*']}\n"}
    async with (
        running_gateway(tmp_path, files) as gateway,
        await ask(gateway, stream=True) as response,
    ):
        await response.read()

    assert response.headers["Access-Control-Allow-Origin"] == "https://a.example"


async def test_the_status_is_chosen_with_the_first_content_and_not_before(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.streams([sse(*chunks("Hello")[:1], done=False), abort()])
    upstream.answers(status=500, json={})

    async with await ask(gateway, stream=True) as response:
        body = await response.read()

    assert (response.status, response.content_type) == (502, "application/json")
    assert b"data:" not in body


async def test_a_caller_of_http_1_0_gets_the_stream_without_chunks(gateway: Running, upstream: FakeUpstream) -> None:
    events = sse(*chunks("Hello", usage=None))
    upstream.streams([events])

    async with calling(gateway, version="1.0", stream=True) as caller:
        head, _, body = (await caller.reader.read()).partition(b"\r\n\r\n")

    assert b"chunked" not in head
    assert body == events


async def test_the_upstream_of_a_caller_who_leaves_before_the_first_content_is_let_go(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.hangs()
    async with calling(gateway, stream=True) as caller:
        await upstream.until(lambda: len(upstream.requests) == 1)
        await caller.leave()
        await gateway.gateway.presence.look()
        await upstream.until(lambda: upstream.open == 0)
        await gateway.idle()

    [row] = await gateway.request_logs()
    assert (row.outcome, row.charge) == ("client_gone", Amount(0))


async def test_a_whole_answer_nobody_waits_for_is_charged_all_the_same(
    gateway: Running, upstream: FakeUpstream
) -> None:
    more = asyncio.Event()
    body = json.dumps(completion(input_tokens=1_000_000, output_tokens=0)).encode()
    upstream.raw(pause(more), b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    async with calling(gateway) as caller:
        await upstream.until(lambda: len(upstream.requests) == 1)
        await caller.leave()
        more.set()
        await gateway.idle()

    [row] = await gateway.request_logs()
    assert (row.outcome, row.charge) == ("ok", Amount.parse("1"))


async def test_a_reader_who_pauses_holds_up_the_upstream_and_fills_no_memory(
    gateway: Running, upstream: FakeUpstream
) -> None:
    flood = Flood()
    upstream._scripts.append(Script(flood.steps()))  # pyright: ignore[reportArgumentType]  (made as it is written)
    async with calling(gateway, stream=True) as caller:
        await caller.reader.readuntil(b'"Hello"')
        flood.callers.append(caller)
        await until(lambda: is_stuck(caller))
        sent, held = flood.sent, held_for(caller)
        rest = 0
        async with asyncio.timeout(10):
            tail = b""
            while not tail.endswith(b"0\r\n\r\n"):
                piece = await caller.reader.read(2**20)
                rest, tail = rest + len(piece), (tail + piece)[-16:]
        flood.callers.clear()
    await gateway.idle()

    [row] = await gateway.request_logs()
    assert sent < PIECES * len(PIECE) / 2
    assert 0 < held <= HELD
    assert flood.most_held <= HELD
    assert flood.sent == PIECES * len(PIECE)
    assert rest > flood.sent
    assert (row.outcome, row.usage.output) == ("ok", 3)


async def test_a_reader_who_never_reads_on_is_let_go_and_pays_for_what_was_made(
    gateway: Running, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "STALLED_AFTER", 0.1)
    flood = Flood()
    upstream._scripts.append(Script(flood.steps()))  # pyright: ignore[reportArgumentType]  (made as it is written)
    async with calling(gateway, stream=True) as caller:
        await caller.reader.readuntil(b'"Hello"')
        await upstream.until(lambda: upstream.open == 0)
        await gateway.idle()

    [row] = await gateway.request_logs()
    assert flood.sent < PIECES * len(PIECE)
    assert (row.outcome, row.usage.output, row.usage.estimated) == ("client_gone", 1, True)
