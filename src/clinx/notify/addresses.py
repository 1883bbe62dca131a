"""Which addresses may be those of a webhook, as far as that shows before anybody is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from clinx.upstream.egress import EgressRefused, Network
from clinx.upstream.fetch import PublicEgress

LONGEST_URL: Final = 2000

_WEB_PORTS: Final = frozenset({80, 443})
_UNPRIVILEGED: Final = 1024
_THIS_MACHINE: Final = "127.0.0.1"


def is_usable(url: str) -> bool:
    """Say whether an address may be that of a webhook: ``https``, or ``http`` on this machine, to a usual port."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        split = urlsplit(url)
        port, host = split.port, split.hostname
    except ValueError:
        return False
    if not host or "@" in split.netloc:
        return False
    is_usual = port is None or port in _WEB_PORTS or port >= _UNPRIVILEGED
    return is_usual and (split.scheme == "https" or (split.scheme == "http" and _is_loopback(host)))


def is_reachable(url: str, allow: Iterable[Network]) -> bool:
    """Say whether a usable address may be reached: one that is written as a number shows it, a name when it is called.

    Args:
        url: the address.
        allow: what may be reached beside public addresses.
    """
    host = urlsplit(url).hostname or ""
    try:
        PublicEgress(allow).check(_THIS_MACHINE if _is_local_name(host) else host)
    except EgressRefused:
        return False
    except ValueError:  # A name.
        return True
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_local_name(host: str) -> bool:
    name = host.rstrip(".")
    return name == "localhost" or name.endswith(".localhost")
