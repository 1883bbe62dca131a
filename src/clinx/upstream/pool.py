"""Warm connections, shared by generations that reach the network the same way.

What decides how the network is reached is the client, the outbound proxy and the egress rule; addresses are told apart
inside. Every generation leases what its channels need. What the next generation needs too stays open, so a reload keeps
the connections of unchanged channels warm; what nobody leases any longer is closed.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from clinx.domain.catalog import Channel, TransportKind
from clinx.domain.proxy import SocksProxy, socks_proxy
from clinx.upstream.egress import Egress, Network
from clinx.upstream.kept import Kept
from clinx.upstream.request import Way, way_of
from clinx.upstream.through_aiohttp import ThroughAiohttp
from clinx.upstream.transport import Transport

_Key = tuple[Way, frozenset[Network]]

_OPENS: Final[Mapping[TransportKind, Callable[[Egress, ssl.SSLContext, SocksProxy | None], Transport]]] = {
    TransportKind.HTTP1: Kept,
    TransportKind.AIOHTTP: ThroughAiohttp,
}
"""Open a transport for one egress rule, given what makes a certificate good; an HTTP proxy is named by each request."""


@dataclass(slots=True)
class _Shared:
    transport: Transport
    leases: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """The transports of one generation."""

    _pool: Pool
    keys: tuple[_Key, ...]
    transports: Mapping[Way, Transport]

    def transport(self, way: Way) -> Transport:
        """Return the transport for a way to the network.

        Raises:
            KeyError: no channel of this generation goes that way.
        """
        return self.transports[way]

    async def release(self) -> None:
        """Give the transports back; those that no other lease holds are closed. Releasing again does nothing."""
        await self._pool.take_back(self)


class Pool:
    """The transports of a process."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        """Start empty: nothing is opened before it is leased.

        Args:
            tls: what makes a certificate good; the system's authorities unless given.
        """
        self._tls = tls or ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._shared: dict[_Key, _Shared] = {}
        self._leases: list[Lease] = []

    async def lease(self, channels: Iterable[Channel], egress_allow: Iterable[Network]) -> Lease:
        """Open or share what the channels need. Must run on the event loop that will use it."""
        allow = frozenset(egress_allow)
        keys = tuple((way, allow) for way in dict.fromkeys(map(way_of, channels)))
        lease = Lease(self, keys, {key[0]: self._take(key) for key in keys})
        self._leases.append(lease)
        return lease

    def transport(self, way: Way) -> Transport:
        """Return the transport of the newest lease that goes a way to the network.

        For a sender that serves every generation: an exchange of an older one follows the newer egress rule.

        Raises:
            LookupError: no lease goes that way.
        """
        for lease in reversed(self._leases):
            if way in lease.transports:
                return lease.transports[way]
        raise LookupError("no lease goes this way")

    async def take_back(self, lease: Lease) -> None:
        """Close what nobody else holds; called by `Lease.release`."""
        if lease not in self._leases:
            return
        self._leases.remove(lease)
        for key in lease.keys:
            shared = self._shared[key]
            shared.leases -= 1
            if not shared.leases:
                del self._shared[key]
                await shared.transport.close()

    async def close(self) -> None:
        """Close everything, leased or not."""
        self._leases.clear()
        while self._shared:
            _, shared = self._shared.popitem()
            await shared.transport.close()

    def _take(self, key: _Key) -> Transport:
        shared = self._shared.get(key)
        if shared is None:
            way, allow = key
            proxy = None if way.proxy is None else socks_proxy(way.proxy)
            shared = self._shared[key] = _Shared(_OPENS[way.kind](Egress(allow), self._tls, proxy))
        shared.leases += 1
        return shared.transport
