"""Operations over a WebSocket, in the protocol graphql-transport-ws.

A connection may outlive the session it was opened with, so it is found out for every operation who asks. What a client
may not send ends the connection with a close code of the protocol; what an operation may not do is told to it alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import WSMsgType, web
from strawberry.types.execution import PreExecutionError

from clinx.errors import GatewayError
from clinx.graphql.context import Context
from clinx.graphql.operation import AskAgain, Operation, answer, results
from clinx.graphql.refused import Refused
from clinx.telemetry.tasks import Supervisor

PROTOCOL: Final = "graphql-transport-ws"
MOST: Final = 20
"""Operations of one connection at a time."""
MOST_BYTES: Final = 1024 * 1024
"""Of one message."""
SECONDS: Final = 10.0
"""Within which a connection must be initialised."""
HEARTBEAT: Final = 30.0
"""Seconds of silence after which the other end is asked whether it is there."""

Renew = Callable[[], Awaitable[Context]]
"""Makes the context of an operation that begins now."""


class _Init(msgspec.Struct, tag_field="type", tag="connection_init"):
    payload: dict[str, Any] | None = None


class _Ping(msgspec.Struct, tag_field="type", tag="ping"):
    payload: dict[str, Any] | None = None


class _Pong(msgspec.Struct, tag_field="type", tag="pong"):
    payload: dict[str, Any] | None = None


class _Subscribe(msgspec.Struct, tag_field="type", tag="subscribe"):
    id: str
    payload: Operation


class _Complete(msgspec.Struct, tag_field="type", tag="complete"):
    id: str


_Message = _Init | _Ping | _Pong | _Subscribe | _Complete
_MESSAGE: Final[msgspec.json.Decoder[_Message]] = msgspec.json.Decoder(_Message)


class _Closing(Exception):
    """The connection ends with a close code and a word."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Socket:
    """Answers the handshake and serves the connection until it ends."""

    def __init__(self, supervisor: Supervisor, renew: Renew, ask_again: AskAgain) -> None:
        """Keep how it is found out who asks."""
        self._supervisor = supervisor
        self._renew = renew
        self._ask_again = ask_again
        self._socket = web.WebSocketResponse(protocols=(PROTOCOL,), max_msg_size=MOST_BYTES, heartbeat=HEARTBEAT)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve.

        Raises:
            Refused: it is no handshake.
        """
        if not self._socket.can_prepare(request).ok:
            raise Refused(HTTPStatus.BAD_REQUEST, "invalid_request", "That is no handshake of a WebSocket.")
        await self._socket.prepare(request)
        try:
            await self._serve()
        except _Closing as closing:
            await self._socket.close(code=closing.code, message=closing.reason.encode())
        finally:
            await self._end()
        return self._socket

    async def _serve(self) -> None:
        if self._socket.ws_protocol != PROTOCOL:
            raise _Closing(4406, "Subprotocol not acceptable")
        try:
            async with asyncio.timeout(SECONDS):
                await self._initialise()
        except TimeoutError:
            raise _Closing(4408, "Connection initialisation timeout") from None
        async for sent in self._socket:
            await self._take(_read(sent.type, sent.data))

    async def _initialise(self) -> None:
        """Wait for the first message that counts."""
        async for sent in self._socket:
            message = _read(sent.type, sent.data)
            if isinstance(message, _Init):
                return await self._send({"type": "connection_ack"})
            if isinstance(message, _Subscribe):
                raise _Closing(4401, "Unauthorized")
            await self._take(message)
        return None

    async def _take(self, message: _Message) -> None:
        match message:
            case _Init():
                raise _Closing(4429, "Too many initialisation requests")
            case _Ping():
                await self._send({"type": "pong"})
            case _Pong():
                pass
            case _Complete():
                if (task := self._running.pop(message.id, None)) is not None:
                    task.cancel()
            case _Subscribe():
                await self._begin(message.id, message.payload)

    async def _begin(self, name: str, operation: Operation) -> None:
        if name in self._running:
            raise _Closing(4409, "Subscriber for this id already exists")
        if len(self._running) >= MOST:
            failure = {"message": f"At most {MOST} at a time.", "extensions": {"code": "too_many_operations"}}
            await self._send({"id": name, "type": "error", "payload": [failure]})
            return
        self._running[name] = self._supervisor.start(self._follow(name, operation), name="subscription", endless=True)

    async def _follow(self, name: str, operation: Operation) -> None:
        try:
            last = await self._told(name, operation)
        except (Refused, GatewayError) as error:
            failure = {"message": error.message, "extensions": {"code": error.code}}
            last = {"id": name, "type": "error", "payload": [failure]}
        except ConnectionError:
            return
        if self._running.pop(name, None) is not None:
            with contextlib.suppress(ConnectionError):
                await self._send(last)

    async def _told(self, name: str, operation: Operation) -> dict[str, Any]:
        """Send the results; return what is to be said last."""
        context = await self._renew()
        async with contextlib.aclosing(results(operation, context, self._ask_again)) as found:
            async for result in found:
                told = answer(result.data, result.errors, context)
                if isinstance(result, PreExecutionError):
                    return {"id": name, "type": "error", "payload": told["errors"]}
                await self._send({"id": name, "type": "next", "payload": told})
        return {"id": name, "type": "complete"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_str(msgspec.json.encode(message).decode())

    async def _end(self) -> None:
        running = list(self._running.values())
        self._running.clear()
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)


def _read(kind: WSMsgType, sent: Any) -> _Message:
    if kind is not WSMsgType.TEXT:
        raise _Closing(4400, "Messages are text")
    try:
        return _MESSAGE.decode(sent)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise _Closing(4400, "Not a message of the protocol") from None
