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


def is_local(request: web.BaseRequest) -> bool:
    """Whether the peer is this machine itself, and not a proxy on it that speaks for somebody else."""
    peer = _parse(request.remote or "")
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return peer is not None and peer.is_loopback and not forwarded


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
