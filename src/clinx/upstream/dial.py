"""From an address to a connected, and if need be encrypted, socket.

Names are resolved here, and every address is checked where the socket for it is made, so that what was checked is what
is connected to. Several addresses of a name are tried in turn, the next before the last has given up.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

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

    async def connect(self, address: Address, protocol: Callable[[], P]) -> P:
        """Connect to the first address of a name that answers.

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

    async def _over(self, connected: socket.socket, address: Address, protocol: Callable[[], P]) -> P:
        loop = asyncio.get_running_loop()
        tls = self._tls if address.secure else None
        name = address.host.rstrip(".") if address.secure else None
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, made = await loop.create_connection(protocol, sock=connected, ssl=tls, server_hostname=name)
        except BaseException:
            # An event loop that fails before it has taken the socket over leaves it open.
            connected.close()
            raise
        return made


def _failure(error: OSError | RuntimeError) -> UpstreamError:
    if isinstance(error, EgressRefused):
        return misconfigured(Stage.EGRESS, f"{error.address} may not be reached")
    if isinstance(error, ssl.SSLCertVerificationError):
        return misconfigured(Stage.CONNECT, "the certificate is not good")
    return broken(Stage.CONNECT, cause_of(error))
