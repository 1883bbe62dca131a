"""A SOCKS proxy on a real socket: versions 5 (RFC 1928, 1929) and 4a, with its own idea of names."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from support.fake_upstream import DEADLINE

_ANYWHERE: Final = bytes(6)
"""An address and a port that mean nothing."""

_GRANTED: Final = {4: 0x5A, 5: 0}
_REFUSED: Final = {4: 0x5B, 5: 5}


@dataclass(frozen=True)
class Ask:
    """What a client wanted."""

    version: int
    host: str
    """As it was told: a name or an address."""
    port: int
    user: str | None = None
    password: str | None = None


@dataclass
class SocksServer:
    user: str | None = None
    password: str | None = None
    """What clients of version 5 have to say, if anything."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the proxy knows and nobody else does."""
    replies: Mapping[str, int] = field(default_factory=dict[str, int])
    """What is replied to who asks for a host, instead of connecting."""
    says: bytes | None = None
    """All that is ever said, whatever is asked; then the connection is closed."""
    stalls: bool = False
    """Nothing is ever said."""
    asks: list[Ask] = field(default_factory=list[Ask])
    connections: int = 0
    open: int = 0
    port: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self.until_open(0)
        await self._server.wait_closed()

    def url(self, scheme: str, who: str = "") -> str:
        return f"{scheme}://{who}127.0.0.1:{self.port}"

    async def until_open(self, count: int) -> None:
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: self.open == count)

    async def _change(self, opened: int) -> None:
        async with self._changed:
            self.open += opened
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        await self._change(1)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._speak(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()
            await self._change(-1)

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.stalls:
            await reader.read()
            return
        version = (await reader.readexactly(1))[0]
        if self.says is not None:
            writer.write(self.says)
            await writer.drain()
            return
        ask = await (self._ask5(reader, writer) if version == 5 else self._ask4(reader))
        if ask is not None:
            self.asks.append(ask)
            await self._connect(ask, reader, writer)

    async def _ask5(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Ask | None:
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        wanted = 0 if self.user is None else 2
        writer.write(bytes([5, wanted if wanted in methods else 0xFF]))
        if wanted not in methods:
            return None
        user = password = None
        if wanted == 2:
            assert await reader.readexactly(1) == b"\x01"
            user, password = (await _counted(reader)).decode(), (await _counted(reader)).decode()
            good = (user, password) == (self.user, self.password)
            writer.write(bytes([1, 0 if good else 1]))
            if not good:
                return None
        assert await reader.readexactly(3) == b"\x05\x01\x00"
        kind = (await reader.readexactly(1))[0]
        host = (
            (await _counted(reader)).decode("ascii")
            if kind == 3
            else str(ipaddress.ip_address(await reader.readexactly({1: 4, 4: 16}[kind])))
        )
        return Ask(5, host, int.from_bytes(await reader.readexactly(2), "big"), user, password)

    async def _ask4(self, reader: asyncio.StreamReader) -> Ask:
        assert await reader.readexactly(1) == b"\x01"
        port, address = int.from_bytes(await reader.readexactly(2), "big"), await reader.readexactly(4)
        user = (await reader.readuntil(b"\0"))[:-1].decode() or None
        is_name = address[:3] == bytes(3)
        host = (await reader.readuntil(b"\0"))[:-1].decode() if is_name else socket.inet_ntoa(address)
        return Ask(4, host, port, user)

    async def _connect(self, ask: Ask, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if ask.host in self.replies:
            writer.write(_reply(ask.version, self.replies[ask.host]))
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(self.names.get(ask.host, ask.host), ask.port)
        except OSError:
            writer.write(_reply(ask.version, _REFUSED[ask.version]))
            return
        writer.write(_reply(ask.version, _GRANTED[ask.version]))
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            far_writer.transport.abort()


def _reply(version: int, code: int) -> bytes:
    return bytes([0, code]) + _ANYWHERE if version == 4 else bytes([5, code, 0, 1]) + _ANYWHERE


async def _counted(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly((await reader.readexactly(1))[0])


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and its end."""
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
