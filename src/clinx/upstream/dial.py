"""From an address to a connected, and if need be encrypted, socket.

Names are resolved here, and every address is checked where the socket for it is made, so that what was checked is what
is connected to. Several addresses of a name are tried in turn, the next before the last has given up.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar, cast

from aiohappyeyeballs import start_connection  # pyright: ignore[reportUnknownVariableType]  (a bare tuple in its types)
from yarl import URL

from clinx.errors import UpstreamError
from clinx.upstream.egress import Egress, EgressRefused
from clinx.upstream.names import Names
from clinx.upstream.stages import Stage, broken, cause_of, misconfigured

_NEXT_ADDRESS: Final = 0.25
"""Seconds after which the next address is tried beside the last."""

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

    def __init__(self, egress: Egress, tls: ssl.SSLContext, names: Names) -> None:
        """Take the rule, what makes a certificate good, and who knows names."""
        self._egress = egress
        self._tls = tls
        self._names = names

    async def connect(self, address: Address, protocol: Callable[[socket.socket], P]) -> P:
        """Connect to the first address of a name that answers; ``protocol`` is made with the socket, to ask it things.

        Raises:
            UpstreamBroken: nobody answers there, or not in TLS.
            UpstreamMisconfigured: an address that may not be reached, is none, or shows a wrong certificate.
        """
        try:
            resolved = await self._names.resolve(address.host, address.port)
            connected = await start_connection(
                resolved, happy_eyeballs_delay=_NEXT_ADDRESS, interleave=1, socket_factory=self._egress.open
            )
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
