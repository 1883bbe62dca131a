"""What happens on a connection before and beside requests: nothing of it reaches a handler."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from clinx.web import connection
from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, running_gateway, tree_for

KEY = "sk-0123456789012345678901234567890123456789012345"


@asynccontextmanager
async def raw(gateway: Running) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ask(gateway: Running, request: bytes) -> bytes:
    async with raw(gateway) as (reader, writer):
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 5)


@pytest.mark.parametrize(
    "request_text",
    [
        f"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\x01\r\n\r\n",
        f"GET /v1/models?key={KEY}\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET http://[::1/v1/models?key={KEY} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /v1/models HTTP/1.1\r\nHost: x\r\nX-Long: {KEY}{'x' * 20_000}\r\n\r\n",
        f"{KEY}\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_without_quoting_it_anywhere(
    gateway: Running, caplog: pytest.LogCaptureFixture, request_text: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await ask(gateway, request_text.encode())

    head, _, body = answer.partition(b"\r\n\r\n")
    lines = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert b" 400 " in head.split(b"\r\n")[0]
    assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}
    assert KEY not in answer.decode()
    assert KEY not in lines
    assert "Traceback" not in lines


async def test_an_encoding_only_a_library_we_do_not_have_could_decode_is_a_415(gateway: Running) -> None:
    status, body = await gateway.post(
        "/v1/chat/completions", b"?", key=await gateway.key(), headers={"Content-Encoding": "br"}
    )

    assert (status, body["error"]["code"]) == (415, "unsupported_encoding")


async def test_a_connection_that_never_asks_is_closed(
    tmp_path: Path, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.05)
    async with (
        running_gateway(tmp_path, tree_for(upstream.url)) as gateway,
        raw(gateway) as (silent, _),
        raw(gateway) as (slow, writer),
    ):
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Half: ")

        assert await _end(silent) == b""
        assert await _end(slow) == b""


async def _end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""


async def test_one_connection_too_many_is_refused_and_the_others_go_on(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(json={})
    async with (
        running_gateway(tmp_path, tree_for(upstream.url), max_connections=2) as gateway,
        raw(gateway) as (first, first_writer),
        raw(gateway),
    ):
        async with raw(gateway) as (third, _):
            assert await _end(third) == b""
        first_writer.write(b"GET /-/health HTTP/1.1\r\nHost: x\r\n\r\n")

        assert b"200 OK" in await asyncio.wait_for(first.readline(), 5)


async def test_the_server_does_not_say_what_it_is_made_of(gateway: Running) -> None:
    async with gateway.session.post(f"{gateway.url}/v1/chat/completions", json=chat()) as response:
        assert response.headers["Server"] == "clinx"
