"""A scripted upstream on a real socket: real bytes, real resets, no sleeping.

A first test::

    async def test_the_model_is_mapped():
        async with FakeUpstream() as upstream:
            upstream.answers(json={"choices": []})
            upstream.streams([sse({"id": 1}, done=False), pause(event), b"data: [DO", b"NE]\\n\\n"])

            ...  # send two requests to upstream.url

            assert upstream.requests[0].json["model"] == "gpt-4o"
            assert upstream.requests[1].headers["authorization"] == "Bearer key"

Each script answers one request, in order; the last one stays for all that follow. A step of a stream is bytes (one
chunk), ``pause(event)`` (wait for an `asyncio.Event`), ``abort()`` (reset the connection), ``hang_up()`` (close it in
the middle) or ``hang()`` (say nothing more). ``raw`` writes bytes to the socket as they are. What arrived is in
``requests``; ``await upstream.until(lambda: ...)`` waits for something to become true about it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json as jsonlib
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

DEADLINE = 10.0
"""Seconds until a test that waits for something that never happens fails."""


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    connection: int
    """Which connection brought it, counted from 1."""

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.body)


@dataclass(frozen=True)
class Pause:
    event: asyncio.Event


@dataclass(frozen=True)
class Abort:
    pass


@dataclass(frozen=True)
class HangUp:
    pass


@dataclass(frozen=True)
class Hang:
    pass


Step = bytes | Pause | Abort | HangUp | Hang


def pause(event: asyncio.Event) -> Pause:
    """Wait until the test sets the event."""
    return Pause(event)


def abort() -> Abort:
    """Reset the connection."""
    return Abort()


def hang_up() -> HangUp:
    """Close the connection, whatever is still owed."""
    return HangUp()


def hang() -> Hang:
    """Say nothing more until the other side leaves."""
    return Hang()


def sse(*objects: object, done: bool = True) -> bytes:
    """Return objects as server-sent events, with the end marker unless told otherwise."""
    events = [b"data: " + jsonlib.dumps(value, separators=(",", ":")).encode() + b"\n\n" for value in objects]
    return b"".join([*events, b"data: [DONE]\n\n"] if done else events)


@dataclass
class Script:
    steps: Sequence[Step]
    """Written as they are: framing is already in them."""
    closes: bool = False


@dataclass
class FakeUpstream:
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    """Connections that are open now."""
    url: str = ""
    tls: ssl.SSLContext | None = None
    """The certificate to show; without one the connections are plain."""
    _scripts: list[Script] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    """Of the connections that are open now."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"{'https' if self.tls else 'http'}://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self.writers):
            writer.transport.abort()
        await self.until(lambda: self.open == 0)
        await self._server.wait_closed()

    def forget(self) -> None:
        """Forget scripts and requests: the next test begins."""
        self._scripts.clear()
        self.requests.clear()

    def answers(
        self,
        *,
        json: object = None,
        body: bytes | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Self:
        """Answer with one whole body."""
        content = body if body is not None else jsonlib.dumps(json).encode()
        sent = {"Content-Type": content_type, "Content-Length": str(len(content)), **(headers or {})}
        return self.raw(_head(status, sent) + content)

    def streams(
        self,
        parts: Iterable[Step],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str = "text/event-stream",
    ) -> Self:
        """Answer with a chunked body, one chunk for each part that is bytes."""
        sent = {"Content-Type": content_type, "Transfer-Encoding": "chunked", **(headers or {})}
        framed = [b"%x\r\n%b\r\n" % (len(part), part) if isinstance(part, bytes) else part for part in parts]
        return self.raw(_head(status, sent), *framed, b"0\r\n\r\n")

    def raw(self, *steps: Step, closes: bool = False) -> Self:
        """Write these bytes to the socket, and nothing else; afterwards close it if told so."""
        self._scripts.append(Script(steps, closes))
        return self

    def hangs(self) -> Self:
        """Take the request and never answer."""
        return self.raw(hang())

    def drops(self) -> Self:
        """Take the request and reset the connection."""
        return self.raw(abort())

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of what arrived; looked at whenever a request or a connection comes or goes."""
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(holds)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self.writers.add(writer)
        await self._change(opened=1)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while (received := await _receive(reader, number)) is not None:
                    self.requests.append(received)
                    await self._change()
                    if not await _play(self._next(), reader, writer):
                        break
        finally:
            self.writers.discard(writer)
            writer.close()
            await self._change(opened=-1)

    async def _change(self, opened: int = 0) -> None:
        async with self._changed:
            self.open += opened
            self._changed.notify_all()

    def _next(self) -> Script:
        assert self._scripts, "a request came, but nothing is scripted"
        return self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode()


async def _receive(reader: asyncio.StreamReader, connection: int) -> Received | None:
    first = await reader.readline()
    if not first:
        return None
    method, path, _ = first.decode().split(" ", 2)
    headers: dict[str, str] = {}
    while (line := (await reader.readline()).strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Received(method, path, headers, await _body(reader, headers), connection)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _play(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Write the script; whether the connection may be used again."""
    for step in script.steps:
        match step:
            case bytes():
                writer.write(step)
                await writer.drain()
            case Pause(event):
                await event.wait()
            case Abort():
                writer.transport.abort()
                return False
            case HangUp():
                return False
            case Hang():
                await reader.read()
                return False
    return not script.closes
