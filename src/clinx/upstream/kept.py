"""The relay's own transport: HTTP/1.1 over connections that are kept open between exchanges."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from typing import Final

from clinx.domain.proxy import SocksProxy
from clinx.upstream.dial import Address, Dialer, address_of
from clinx.upstream.egress import Egress
from clinx.upstream.http1 import Arrived, Connection
from clinx.upstream.names import Names
from clinx.upstream.request import UpstreamRequest
from clinx.upstream.stack import Stack
from clinx.upstream.stages import Stage, broken
from clinx.upstream.transport import ConnectionEnded, ConnectTimeout
from clinx.upstream.wire import encode

_GRACE: Final = 1.0
"""Seconds the event loop gets to let dropped sockets go."""


class Kept:
    """The connections of one egress rule and SOCKS proxy; see `clinx.upstream.transport.Transport`."""

    def __init__(self, egress: Egress, tls: ssl.SSLContext, proxy: SocksProxy | None = None) -> None:
        """Take what decides which addresses may be reached, which certificates are good, and what stands between."""
        self._dialer = Dialer(egress, tls, Names(), proxy)
        self._stacks: dict[Address, Stack] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """See `Transport`."""
        return self._closed

    async def exchange(self, request: UpstreamRequest, *, within: float) -> Arrived:
        """See `Transport`."""
        message = encode(request)
        stack = self._stack(address_of(request.url))
        connection = stack.pop()
        if connection is None:
            connection, within = await _acquire(stack, request.timeouts.connect, within)
        try:
            return await connection.exchange(message, within, request.timeouts.write)
        except ConnectionEnded as ended:
            if ended.reused:
                # What closed one idle connection has likely closed the others.
                stack.clear()
            raise

    async def close(self) -> None:
        """See `Transport`."""
        self._closed = True
        gone = [lost for stack in self._stacks.values() for lost in stack.close()]
        if gone:
            await asyncio.wait(gone, timeout=_GRACE)

    def _stack(self, address: Address) -> Stack:
        if self._closed:
            raise broken(Stage.CONNECT, "the connections are closed")
        stack = self._stacks.get(address)
        if stack is None:
            stack = self._stacks[address] = Stack(partial(self._dial, address))
        return stack

    async def _dial(self, address: Address, stack: Stack) -> Connection:
        loop = asyncio.get_running_loop()
        return await self._dialer.connect(address, lambda connected: Connection(loop, stack, connected))


async def _acquire(stack: Stack, connect: float, within: float) -> tuple[Connection, float]:
    """Return a connection, and the seconds left of those given."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(min(connect, within)):
            connection = await stack.acquire()
    except TimeoutError:
        if connect < within:
            raise ConnectTimeout from None
        raise
    return connection, within - (loop.time() - started)
