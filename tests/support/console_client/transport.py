"""Carries operations to a console: by requests and server-sent events, or over one WebSocket.

A session is a cookie, and the client keeps it as browsers do. What is refused as a whole is raised; what a mutation
refuses is in its payload.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

import aiohttp
import msgspec
from aiohttp import ClientSession, ClientWebSocketResponse

COOKIE: Final = "clinx"
PROTOCOL: Final = "graphql-transport-ws"

T = TypeVar("T")


class BigInt(int):
    """A whole number of 64 bits: a string on the wire."""


@dataclass(frozen=True, slots=True)
class Document(Generic[T]):
    """An operation, and the shape of its answer."""

    answer: type[T]
    text: str


class OperationFailed(Exception):
    """An operation was refused as a whole."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(msgspec.json.encode(errors).decode())
        self.code: str = errors[0]["extensions"]["code"]


class Transport(Protocol):
    """What the generated operations need."""

    async def execute(self, document: Document[T], variables: Mapping[str, Any]) -> T:
        """Ask, and return the answer.

        Raises:
            OperationFailed: it was refused as a whole.
        """
        ...

    def follow(self, document: Document[T], variables: Mapping[str, Any]) -> AsyncGenerator[T]:
        """Yield the answers of a subscription until it ends.

        Raises:
            OperationFailed: it was refused, or ended with a failure.
        """
        ...


@dataclass
class Browser:
    """Requests with a session's cookie, subscriptions as server-sent events."""

    url: str
    http: ClientSession
    """Without a jar of its own."""
    cookie: str = field(default="", repr=False)

    async def execute(self, document: Document[T], variables: Mapping[str, Any]) -> T:
        async with self._post(document.text, variables, accept="application/json") as response:
            self._remember(response)
            return _read(document, await response.read())

    async def follow(self, document: Document[T], variables: Mapping[str, Any]) -> AsyncGenerator[T]:
        async with self._post(document.text, variables, accept="text/event-stream") as response:
            if response.content_type != "text/event-stream":
                _read(document, await response.read())
            async for name, data in _events(response.content):
                if name == "complete":
                    return
                yield _read(document, data)
        raise ConnectionError("the connection was lost before the subscription ended")

    async def download(self, path: str) -> tuple[str, bytes]:
        """Return the type and the content of a file of the console."""
        async with self.http.get(self.url + path, headers=self._headers) as response:
            content = await response.read()
            if response.status != 200:
                raise OperationFailed(msgspec.json.decode(content)["errors"])
            return response.headers["Content-Type"], content

    @asynccontextmanager
    async def conversation(self) -> AsyncGenerator[Conversation]:
        """Open a WebSocket with the same session."""
        address = f"{self.url}/graphql"
        async with self.http.ws_connect(address, protocols=[PROTOCOL], headers=self._headers) as socket:
            await socket.send_str('{"type": "connection_init"}')
            assert await socket.receive_json() == {"type": "connection_ack"}
            yield Conversation(socket)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}

    def _post(self, query: str, variables: Mapping[str, Any], *, accept: str) -> Any:
        headers = {**self._headers, "Content-Type": "application/json", "Accept": accept}
        return self.http.post(
            f"{self.url}/graphql", data=msgspec.json.encode(_asked(query, variables)), headers=headers
        )

    def _remember(self, response: aiohttp.ClientResponse) -> None:
        if (morsel := response.cookies.get(COOKIE)) is not None:
            self.cookie = morsel.value


@dataclass
class Conversation:
    """Operations over one WebSocket, one after another."""

    socket: ClientWebSocketResponse
    _names: Iterator[str] = field(default_factory=lambda: map(str, itertools.count(1)))

    async def execute(self, document: Document[T], variables: Mapping[str, Any]) -> T:
        [answer] = [answer async for answer in self.follow(document, variables)]
        return answer

    async def follow(self, document: Document[T], variables: Mapping[str, Any]) -> AsyncGenerator[T]:
        name = next(self._names)
        await self._send({"id": name, "type": "subscribe", "payload": _asked(document.text, variables)})
        has_ended = False
        try:
            while (message := await self._next(name))["type"] == "next":
                yield _read(document, msgspec.json.encode(message["payload"]))
            has_ended = True
            if message["type"] == "error":
                raise OperationFailed(message["payload"])
        finally:
            if not has_ended and not self.socket.closed:
                await self._send({"id": name, "type": "complete"})

    async def _next(self, name: str) -> dict[str, Any]:
        """Return the next message about an operation; those about others came too late."""
        while (message := await self.socket.receive_json())["id"] != name:
            pass
        return message

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self.socket.send_str(msgspec.json.encode(message).decode())


def _asked(query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in variables.items() if value is not msgspec.UNSET}
    return {"query": query, "variables": given}


def _read(document: Document[T], body: bytes) -> T:
    answer = msgspec.json.decode(body)
    if answer.get("errors"):
        raise OperationFailed(answer["errors"])
    return msgspec.convert(answer["data"], document.answer, dec_hook=_decoded)


def _decoded(type_: type, value: object) -> object:
    if type_ is BigInt and isinstance(value, str):
        return BigInt(value)
    raise NotImplementedError(type_)


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[tuple[str, bytes]]:
    """Yield names and data; comments only show that somebody is there."""
    name, data = "", b""
    async for line in content:
        kind, _, rest = line.rstrip(b"\n").partition(b":")
        if kind == b"event":
            name = rest.strip().decode()
        elif kind == b"data":
            data = rest.strip()
        elif not line.strip() and name:
            yield name, data
            name, data = "", b""
