"""Cookies of the console: a session's, and that of a browser which is away at an issuer.

Over https their names begin with ``__Host-``: browsers take such a cookie only from this very host, encrypted, so no
neighbour under the same domain and nobody on the network can plant one. Over plain http (a gateway on one's own
machine) that is impossible, and the names go without.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Final, Protocol

from aiohttp import web

from clinx.domain.console import Console
from clinx.domain.identity import Network

_HOST: Final = "__Host-"
_SESSION: Final = "clinx"
_TRIP: Final = "clinx-trip"
_LONGEST: Final = 256


class Answering(Protocol):
    """What cookies are written to: any response of aiohttp's."""

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies to be sent."""
        ...


def is_secure(request: web.BaseRequest, trusted: Sequence[Network], console: Console) -> bool:
    """Whether the browser speaks https: to this server, to a trusted proxy before it, or by the tree's own word."""
    if request.secure or (console.address or "").startswith("https://"):
        return True
    if not _is_trusted(request.remote or "", trusted):
        return False
    # Like addresses, it is believed from the right: the nearest proxy wrote the last one.
    said = ",".join(request.headers.getall("X-Forwarded-Proto", [])).rpartition(",")[2]
    return said.strip().lower() == "https"


def session_cookie(request_is_secure: bool) -> str:  # noqa: FBT001  (the one thing it depends on)
    """Return the name of the cookie that holds a session's secret."""
    return f"{_HOST}{_SESSION}" if request_is_secure else _SESSION


def trip_cookie(request_is_secure: bool) -> str:  # noqa: FBT001  (as above)
    """Return the name of the cookie that a browser keeps while it is away at an issuer."""
    return f"{_HOST}{_TRIP}" if request_is_secure else _TRIP


def read(request: web.BaseRequest, name: str) -> str | None:
    """Return what a browser sends under a name; None for nothing, and for what is none of ours."""
    value = request.cookies.get(name)
    return value if value and len(value) <= _LONGEST and value.isascii() else None


def write(response: Answering, name: str, value: str, lasts: timedelta) -> None:
    """Send a cookie that scripts cannot read and other sites' pages cannot use; following a link from them can."""
    _set(response, name, value, int(lasts.total_seconds()))


def drop(response: Answering, name: str) -> None:
    """Tell the browser to forget a cookie."""
    _set(response, name, "", 0)


def _set(response: Answering, name: str, value: str, seconds: int) -> None:
    response.cookies[name] = value
    morsel = response.cookies[name]
    morsel["path"] = "/"
    morsel["max-age"] = str(seconds)
    morsel["httponly"] = True
    morsel["samesite"] = "Lax"
    if name.startswith(_HOST):
        morsel["secure"] = True


def _is_trusted(remote: str, trusted: Sequence[Network]) -> bool:
    try:
        peer = ipaddress.ip_address(remote.partition("%")[0])
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return any((mapped or peer) in network for network in trusted)
