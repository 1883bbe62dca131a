"""Through a SOCKS proxy to a host.

The proxy is connected to like any other host. The target is an address where names are resolved here, and then it is
checked as if it were connected to; where the proxy resolves them it is told the name, and whom it reaches is its own
business. Whatever the proxy answers, what becomes of it holds no text of its own.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from python_socks import ProxyError, ProxyType
from python_socks._errors import IncompleteReadError  # what a proxy that hangs up is told apart by
from python_socks.async_.asyncio import Proxy

from clinx.domain.proxy import SocksKind, SocksProxy
from clinx.errors import UpstreamError
from clinx.upstream.egress import Egress, EgressRefused
from clinx.upstream.names import Names, is_numeric
from clinx.upstream.reach import Reach
from clinx.upstream.stages import Stage, broken, misconfigured

_SPOKEN: Final[Mapping[SocksKind, ProxyType]] = {
    SocksKind.SOCKS4A: ProxyType.SOCKS4,
    SocksKind.SOCKS5: ProxyType.SOCKS5,
    SocksKind.SOCKS5H: ProxyType.SOCKS5,
}

_UNREACHED: Final = frozenset({1, 3, 4, 5, 6, 8, 91})
"""Replies that are about the target (RFC 1928, 6: failed, network, host, refused, expired, family; 91 is version 4's
only one): another address of it may do. The others are about us."""

_NO_END: Final = 86400.0
"""Seconds; the deadline is that of whoever asks."""


class ThroughSocks:
    """The hosts that one proxy reaches; see `clinx.upstream.reach.Reach`."""

    def __init__(self, proxy: SocksProxy, direct: Reach, egress: Egress, names: Names) -> None:
        """Take the proxy, the way to it, and the rule and the names for targets."""
        self._proxy = proxy
        self._direct = direct
        self._egress = egress
        self._names = names

    async def open(self, host: str, port: int) -> socket.socket:
        """See `Reach`."""
        failure = broken(Stage.CONNECT, "the host has no address")
        for target in await self._targets(host, port):
            try:
                return await self._tunnel(target, port)
            except ProxyError as error:
                failure, is_about_us = _failure(error), error.error_code not in _UNREACHED
            if is_about_us:
                break
        raise failure from failure.__cause__

    async def _targets(self, host: str, port: int) -> Sequence[str]:
        """Return what the proxy is asked for, one after the other."""
        if self._proxy.kind is not SocksKind.SOCKS5 and not is_numeric(host):
            return [host]
        resolved = await self._names.resolve(host, port)
        return self._allowed(str(address[0]) for *_, address in resolved)

    def _allowed(self, addresses: Iterable[str]) -> Sequence[str]:
        allowed: list[str] = []
        refused: list[EgressRefused] = []
        for address in addresses:
            try:
                self._egress.check(address)
            except EgressRefused as error:
                refused.append(error)
            else:
                allowed.append(address)
        if refused and not allowed:
            raise refused[0]
        return allowed

    async def _tunnel(self, target: str, port: int) -> socket.socket:
        proxy, loop = self._proxy, asyncio.get_running_loop()
        kind, to_proxy = _SPOKEN[proxy.kind], _ToProxy(self._direct, proxy, loop)
        tunnel = Proxy(kind, proxy.host, proxy.port, proxy.user, proxy.password, rdns=True, forward=to_proxy, loop=loop)
        try:
            return await tunnel.connect(target, port, timeout=_NO_END)
        except ValueError:
            failure = misconfigured(Stage.CONNECT, "the proxy cannot be told the host, or its answer makes no sense")
        raise failure from failure.__cause__


class _ToProxy(Proxy):
    """What the library takes for a proxy in front of the proxy, and so does not resolve and connect by itself."""

    def __init__(self, reach: Reach, proxy: SocksProxy, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(_SPOKEN[proxy.kind], proxy.host, proxy.port, loop=loop)
        self._reach = reach

    async def connect(
        self,
        dest_host: str,
        dest_port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the library's own name)
        **kwargs: Any,
    ) -> socket.socket:
        del timeout, kwargs
        return await self._reach.open(dest_host, dest_port)


def _failure(error: ProxyError) -> UpstreamError:
    if error.error_code in _UNREACHED:
        return broken(Stage.CONNECT, f"the proxy does not reach the host (reply {error.error_code})")
    if isinstance(error.__cause__, IncompleteReadError):
        return broken(Stage.CONNECT, "the proxy hung up")
    said = "" if error.error_code is None else f" (reply {error.error_code})"
    return misconfigured(Stage.CONNECT, f"the proxy refuses us, or speaks no SOCKS{said}")
