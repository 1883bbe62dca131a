"""The connections to one address: the idle ones stacked, all of them counted.

The last one used lies on top, so what is not needed grows old at the bottom and is closed. Beyond the cap, requests
queue for their turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from clinx.upstream.http1 import Connection
from clinx.upstream.stages import Stage, broken

KEEPALIVE: Final = 30.0
"""Seconds an idle connection is kept."""

PER_HOST: Final = 1024
"""Most connections to one address; more requests wait, under their connect deadline."""

_EARLY: Final = 0.001
"""Seconds; an event loop's timer may be early by that much."""

Dial = Callable[["Stack"], Awaitable[Connection]]


class Stack:
    """Owns its connections from dialling to their end."""

    def __init__(self, dial: Dial) -> None:
        """Take what makes a connection that belongs to this stack."""
        self._dial = dial
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._dialling = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def pop(self) -> Connection | None:
        """Return the idle connection used last, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def acquire(self) -> Connection:
        """Return an idle connection or a new one, waiting for a turn if there are too many.

        Raises:
            UpstreamError: as dialling, or the stack is closed.
        """
        while not self._closed:
            if (connection := self.pop()) is not None:
                return connection
            if len(self._open) + self._dialling < PER_HOST:
                return await self._dialled()
            await self._turn()
        raise broken(Stage.CONNECT, "the connections are closed")

    def clear(self) -> None:
        """Drop the idle connections."""
        while self._idle:
            self._idle.pop().drop()

    def close(self) -> list[asyncio.Future[None]]:
        """Drop every connection; return what is done when they are gone."""
        self._closed = True
        connections = list(self._open)
        for connection in connections:
            connection.drop()
        while self._queue:
            self._next()
        self._idle.clear()
        self._stop_sweeping()
        return [connection.lost for connection in connections]

    def rest(self, connection: Connection) -> None:
        """Take back a connection that may carry another exchange."""
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(KEEPALIVE, self._drop_old)
        if self._queue:
            self._next()

    def gone(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if not self._idle:
            self._stop_sweeping()
        self._next()

    async def _dialled(self) -> Connection:
        self._dialling += 1
        try:
            connection = await self._dial(self)
        except BaseException:
            self._dialling -= 1
            self._next()
            raise
        self._dialling -= 1
        if connection.usable:
            self._open.add(connection)
        if self._closed:
            connection.drop()
        return connection

    async def _turn(self) -> None:
        """Wait until a connection came back or went. Whoever is woken and cannot use it wakes the next."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._next()
            raise

    def _next(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _drop_old(self) -> None:
        """Drop what has been idle too long; look again when the next one will have been."""
        self._sweep = None
        loop = asyncio.get_running_loop()
        young = loop.time() - KEEPALIVE + _EARLY
        old = [connection for connection in self._idle if connection.idle_since <= young]
        del self._idle[: len(old)]
        for connection in old:
            connection.drop()
        if self._idle:
            self._sweep = loop.call_at(self._idle[0].idle_since + KEEPALIVE, self._drop_old)

    def _stop_sweeping(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
