"""Host names and the addresses behind them, remembered for a while."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Final, NamedTuple

from clinx.upstream.egress import Resolved
from clinx.upstream.stages import Stage, misconfigured

REMEMBERED: Final = 30.0
"""Seconds a resolved name is kept."""

_NUMBERS: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)?)*", re.IGNORECASE)
"""What some readers take for an address: decimal, octal or hexadecimal, in one to four parts."""


class _Known(NamedTuple):
    until: float
    addresses: Sequence[Resolved]


class Names:
    """Resolves names; those who ask for one at the same time share one question."""

    def __init__(self) -> None:
        """Know nothing."""
        self._known: dict[tuple[str, int], _Known] = {}
        self._asked: dict[tuple[str, int], asyncio.Future[None]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[Resolved]:
        """Return the addresses of a host, as `socket.getaddrinfo` says them.

        Raises:
            OSError: nobody knows the name.
            UpstreamMisconfigured: it cannot be a name, or is an address in a spelling that readers disagree about.
        """
        if is_numeric(host):
            _check_spelling(host)
            return await _ask(host, port)
        loop, key = asyncio.get_running_loop(), (host, port)
        while True:
            known = self._known.get(key)
            if known is not None and known.until > loop.time():
                return known.addresses
            if (asked := self._asked.get(key)) is None:
                return await self._learn(key)
            await asyncio.wait([asked])

    async def _learn(self, key: tuple[str, int]) -> Sequence[Resolved]:
        loop = asyncio.get_running_loop()
        asked = self._asked[key] = loop.create_future()
        try:
            addresses = await _ask(*key)
            self._known[key] = _Known(loop.time() + REMEMBERED, addresses)
        finally:
            del self._asked[key]
            asked.set_result(None)
        return addresses


async def _ask(host: str, port: int) -> Sequence[Resolved]:
    try:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        failure = misconfigured(Stage.CONNECT, "the host cannot be a name")
    raise failure from failure.__cause__


def is_numeric(host: str) -> bool:
    """Say whether a host is an address, or looks so much like one that some readers take it for one."""
    return ":" in host or _NUMBERS.fullmatch(host) is not None


def _check_spelling(host: str) -> None:
    """Refuse ``127.1``, ``2130706433`` and their like: what reads them decides what they mean."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        failure = misconfigured(Stage.CONNECT, "the address is not in its usual spelling")
    else:
        return
    raise failure from failure.__cause__
