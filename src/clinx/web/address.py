"""Whose address a request comes from: the peer's, or what trusted proxies say of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

from clinx.domain.identity import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: web.BaseRequest, trusted: Sequence[Network]) -> str | None:
    """Return the caller's address.

    ``X-Forwarded-For`` is read from the right, and only as long as each hop is a trusted proxy: whatever a caller
    wrote into it himself stands further left and is never believed.
    """
    peer = _parse(request.remote or "")
    if peer is None:
        return None
    if not trusted:
        return str(peer)
    hops = [hop.strip() for value in request.headers.getall("X-Forwarded-For", []) for hop in value.split(",")]
    while hops and _is_trusted(peer, trusted):
        hop = _parse(hops.pop())
        if hop is None:
            break
        peer = hop
    return str(peer)


_OF_OTHERS = frozenset({"forwarded", "via", "origin", "x-real-ip", "x-client-ip", "true-client-ip"})
_OF_PROXIES = ("x-forwarded-", "cf-", "x-envoy-", "x-amzn-")


def is_local(request: web.BaseRequest) -> bool:
    """Whether a program on this machine speaks for itself.

    A proxy on it speaks for somebody else, and so does a browser: a page may send it to a loopback address, under a
    name of the page's own. So the host must be named as what it is, and nothing may tell of another origin.
    """
    peer = _parse(request.remote or "")
    if peer is None or not peer.is_loopback or not _is_loopback_name(request.host):
        return False
    names = [name.lower() for name in request.headers]
    return not any(name in _OF_OTHERS or name.startswith(_OF_PROXIES) for name in names)


def _is_loopback_name(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    if name == "localhost":
        return True
    address = _parse(name.strip("[]"))
    return address is not None and address.is_loopback


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
