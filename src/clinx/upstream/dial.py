"""From an address to a connection, encrypted if need be: how a host is reached is `reach`'s and `socks`'s."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

from yarl import URL

from clinx.domain.proxy import SocksProxy
from clinx.errors import UpstreamError
from clinx.upstream.egress import Egress, EgressRefused
from clinx.upstream.names import Names
from clinx.upstream.reach import Direct
from clinx.upstream.socks import ThroughSocks
from clinx.upstream.stages import Stage, broken, cause_of, misconfigured

P = TypeVar("P", bound=asyncio.Protocol)


class Address(NamedTuple):
    """Where a connection leads; what is equal may share connections."""

    secure: bool
    host: str
    port: int


def address_of(url: URL) -> Address:
    """Return where a web address leads."""
    return Address(url.scheme == "https", url.raw_host or "", url.port or 0)


class Dialer:
    """Makes connections under one egress rule."""

    def __init__(self, egress: Egress, tls: ssl.SSLContext, names: Names, proxy: SocksProxy | None = None) -> None:
        """Take the rule, what makes a certificate good, who knows names, and what stands between, if something does."""
        direct = Direct(egress, names)
        self._reach = direct if proxy is None else ThroughSocks(proxy, direct, egress, names)
        self._tls = tls

    async def connect(self, address: Address, protocol: Callable[[socket.socket], P]) -> P:
        """Connect to the first address of a name that answers; ``protocol`` is made with the socket, to ask it things.

        Raises:
            UpstreamBroken: nobody answers there, or not in TLS.
            UpstreamMisconfigured: an address that may not be reached, is none, or shows a wrong certificate; a proxy
                that refuses.
        """
        try:
            connected = await self._reach.open(address.host, address.port)
            return await self._over(connected, address, protocol)
        except (OSError, RuntimeError) as error:
            failure = _failure(error)
        raise failure from failure.__cause__

    async def _over(self, connected: socket.socket, address: Address, protocol: Callable[[socket.socket], P]) -> P:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not address.secure:
            return (await _taken_over(connected, protocol))[1]
        beneath, _ = await _taken_over(connected, _Waiting)
        made = protocol(connected)
        try:
            transport = await asyncio.get_running_loop().start_tls(
                beneath, made, self._tls, server_hostname=address.host.rstrip(".")
            )
        except BaseException:
            beneath.abort()
            raise
        if transport is None:
            raise ConnectionResetError
        made.connection_made(transport)
        return made


class _Waiting(asyncio.Protocol):
    """Reads nothing: what comes is for TLS."""

    def __init__(self, connected: socket.socket) -> None:
        del connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).pause_reading()


async def _taken_over(connected: socket.socket, protocol: Callable[[socket.socket], P]) -> tuple[asyncio.Transport, P]:
    """Let the event loop have a socket.

    Encryption is begun afterwards, beside the transport beneath it: whoever leaves during the handshake can then end
    that one. To close its socket would leave it to whoever is given the socket's number next.
    """
    try:
        return await asyncio.get_running_loop().create_connection(lambda: protocol(connected), sock=connected)
    except BaseException:
        # An event loop that fails before it has taken the socket over leaves it open.
        connected.close()
        raise


def _failure(error: OSError | RuntimeError) -> UpstreamError:
    if isinstance(error, EgressRefused):
        return misconfigured(Stage.EGRESS, f"{error.address} may not be reached")
    if isinstance(error, ssl.SSLCertVerificationError):
        return misconfigured(Stage.CONNECT, "the certificate is not good")
    return broken(Stage.CONNECT, cause_of(error))
