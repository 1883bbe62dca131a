"""Whole answers, byte for byte: on real sockets, beside what aiohttp's own response would have been."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from aiohttp import web

from clinx.web.whole import WholeResponse, is_plain

HEADERS = {"Content-Type": "application/json", "x-request-id": "a", "Server": "clinx"}
BODY = b'{"said": "hello"}'
Make = Callable[[], web.StreamResponse]


@asynccontextmanager
async def served(make: Make) -> AsyncGenerator[int]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        return make() if is_plain(request) else web.Response(headers=HEADERS, body=BODY)

    server = await asyncio.get_running_loop().create_server(web.Server(handle), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def answers(port: int, *requests: bytes) -> bytes:
    """Send requests at once, and read until the server hangs up or everything asked for is there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(requests))
    async with asyncio.timeout(10):
        told = await reader.read()
    writer.close()
    return told


def request(method: str = "POST", version: str = "1.1", *more: str) -> bytes:
    lines = [f"{method} / HTTP/{version}", "Host: x", "Content-Length: 2", *more, "", ""]
    return "\r\n".join(lines).encode() + b"{}"


def parted(told: bytes) -> tuple[str, Mapping[str, str], bytes]:
    head, _, body = told.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize("status", [200, 402, 404, 429, 529])
async def test_it_says_what_aiohttp_says(status: int) -> None:
    async with served(lambda: WholeResponse(status, HEADERS, BODY)) as port:
        ours = parted(await answers(port, request("POST", "1.1", "Connection: close")))
    async with served(lambda: web.Response(status=status, headers=HEADERS, body=BODY)) as port:
        theirs = parted(await answers(port, request("POST", "1.1", "Connection: close")))

    assert ours[0].split(" ", 2)[:2] == theirs[0].split(" ", 2)[:2] == ["HTTP/1.1", str(status)]
    assert {**ours[1], "Date": ""} == {**theirs[1], "Date": ""}
    assert abs(parsedate_to_datetime(ours[1]["Date"]) - datetime.now(UTC)) < timedelta(seconds=10)
    assert ours[2] == theirs[2] == BODY


async def test_a_connection_is_kept_for_who_wants_it() -> None:
    async with served(lambda: WholeResponse(200, HEADERS, BODY)) as port:
        told = await answers(port, request(), request(), request("POST", "1.1", "Connection: close"))

    first, second, third, *rest = told.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert not rest
    assert b"Connection" not in first + second
    assert b"\r\nConnection: close\r\n" in third


async def test_an_older_caller_and_one_who_wants_the_head_alone_are_left_to_aiohttp() -> None:
    def ours() -> web.StreamResponse:
        raise AssertionError("not plain")

    async with served(ours) as port:
        old = parted(await answers(port, request("POST", "1.0")))
        head = parted(await answers(port, request("HEAD", "1.1", "Connection: close")))

    assert (old[0], old[2]) == ("HTTP/1.0 200 OK", BODY)
    assert (head[0], head[2]) == ("HTTP/1.1 200 OK", b"")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\0b"])
async def test_a_value_that_would_be_more_than_one_header_is_never_written(value: str) -> None:
    async with served(lambda: WholeResponse(200, {**HEADERS, "clinx-losses": value}, BODY)) as port:
        told = await answers(port, request("POST", "1.1", "Connection: close"))

    assert b"clinx-losses" not in told
    assert b"Set-Cookie" not in told
    assert not told.startswith(b"HTTP/1.1 200")


async def test_what_is_not_ascii_is_written_as_it_came() -> None:
    async with served(lambda: WholeResponse(200, {**HEADERS, "clinx-losses": "größe"}, BODY)) as port:
        told = await answers(port, request("POST", "1.1", "Connection: close"))

    assert "clinx-losses: größe\r\n".encode() in told
