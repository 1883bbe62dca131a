"""Warm connections, shared by generations that reach the network the same way.

What decides how the network is reached is the outbound proxy and the egress rule; addresses are told apart inside.
Every generation leases what its channels need. What the next generation needs too stays open, so a reload keeps the
connections of unchanged channels warm; what nobody leases any longer is closed.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Final

import aiohttp

from clinx.domain.catalog import Channel
from clinx.upstream.egress import Egress, Network, Resolved

KEEPALIVE: Final = 30.0
"""Seconds an idle connection is kept."""

PER_HOST: Final = 1024
"""Most connections to one address; more requests wait, under their connect deadline."""

DNS_CACHE: Final = 30
"""Seconds a resolved name is kept."""

_LONGEST_LINE: Final = 16 << 10
_MOST_HEADERS: Final = 128

_Key = tuple[str | None, frozenset[Network]]


@dataclass(slots=True)
class Way:
    """How the requests of one task get their connections."""

    fresh: bool = False
    """A socket was made for them; if none was, they went out on a connection that had been used before."""


_WAY: Final[ContextVar[Way | None]] = ContextVar("clinx.upstream.way", default=None)
# The library's own tracing would tell as well, for a seventh of a request's whole cost.


def watch_way() -> Way:
    """Watch what the current task does from here on."""
    way = Way()
    _WAY.set(way)
    return way


@dataclass(slots=True)
class _Shared:
    session: aiohttp.ClientSession
    leases: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """The sessions of one generation."""

    _pool: Pool
    keys: tuple[_Key, ...]
    sessions: Mapping[str | None, aiohttp.ClientSession]

    def session(self, proxy: str | None) -> aiohttp.ClientSession:
        """Return the session for an outbound proxy, or for none.

        Raises:
            KeyError: no channel of this generation uses that proxy.
        """
        return self.sessions[proxy]

    async def release(self) -> None:
        """Give the sessions back; those that no other lease holds are closed. Releasing again does nothing."""
        await self._pool.take_back(self)


class Pool:
    """The sessions of a process."""

    def __init__(self) -> None:
        """Start empty: nothing is opened before it is leased."""
        self._shared: dict[_Key, _Shared] = {}
        self._leases: list[Lease] = []

    async def lease(self, channels: Iterable[Channel], egress_allow: Iterable[Network]) -> Lease:
        """Open or share what the channels need. Must run on the event loop that will use it."""
        allow = frozenset(egress_allow)
        keys = tuple((proxy, allow) for proxy in dict.fromkeys(channel.proxy for channel in channels))
        lease = Lease(self, keys, {key[0]: self._take(key) for key in keys})
        self._leases.append(lease)
        return lease

    def session(self, proxy: str | None) -> aiohttp.ClientSession:
        """Return the session of the newest lease that uses an outbound proxy, or none.

        For a sender that serves every generation: an exchange of an older one follows the newer egress rule.

        Raises:
            LookupError: no lease uses that proxy.
        """
        for lease in reversed(self._leases):
            if proxy in lease.sessions:
                return lease.sessions[proxy]
        raise LookupError("no lease uses this proxy")

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
                await shared.session.close()

    async def close(self) -> None:
        """Close everything, leased or not."""
        self._leases.clear()
        while self._shared:
            _, shared = self._shared.popitem()
            await shared.session.close()

    def _take(self, key: _Key) -> aiohttp.ClientSession:
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared(_open(Egress(key[1])))
        shared.leases += 1
        return shared.session


def _open(egress: Egress) -> aiohttp.ClientSession:
    """Open a session that adds nothing of its own: no cookies, no environment, no deadlines, no headers."""
    connector = aiohttp.TCPConnector(
        limit=0,
        limit_per_host=PER_HOST,
        keepalive_timeout=KEEPALIVE,
        ttl_dns_cache=DNS_CACHE,
        socket_factory=partial(_socket, egress),
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(),
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
        max_headers=_MOST_HEADERS,
    )


def _socket(egress: Egress, resolved: Resolved) -> socket.socket:
    if (way := _WAY.get()) is not None:
        way.fresh = True
    return egress.open(resolved)
