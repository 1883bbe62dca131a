"""Which addresses may be reached, checked where it cannot be evaded: when the socket is made.

A name may resolve to one address when it is checked and to another when it is connected to, so only the address that
is about to be connected counts. Loopback and private networks are fine: operators run models there. What no model is
ever served from is refused: link-local addresses (where clouds keep instance credentials), the metadata addresses
outside them, multicast, unspecified and reserved space; ``server.egress_allow`` opens exceptions. Behind an outbound
proxy the proxy's address is checked; the proxy resolves the rest. Only what a SOCKS proxy is asked for as an address is
checked too.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterable
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolved = tuple[int, int, int, str, tuple[object, ...]]
"""What `socket.getaddrinfo` says of one address: family, kind, protocol, name, (host, port, …)."""

METADATA: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure, the platform's own channel to a machine
        "192.0.0.192/32",  # Oracle Cloud
        "fd00:ec2::/32",  # AWS
        "fd20:ce::/32",  # Google Cloud
    )
)
"""Metadata services that are not link-local."""

_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 inside IPv6, as NAT64 writes it."""


class EgressRefused(PermissionError):
    """The address may not be reached. The text never varies, so several refusals are reported as one."""

    def __init__(self, address: str) -> None:
        """Keep the address for the operator's log."""
        super().__init__(errno.EACCES, "the address may not be reached (server.egress_allow)")
        self.address = address


class Egress:
    """The rule for one snapshot."""

    def __init__(self, allow: Iterable[Network] = ()) -> None:
        """Take the exceptions."""
        self._allow = tuple(allow)

    def check(self, host: str) -> None:
        """Let an address pass, given as text the way a resolver returns it.

        Raises:
            EgressRefused: it is not for models.
        """
        address = _unwrapped(ipaddress.ip_address(host))
        if _is_suspicious(address) and not any(address in network for network in self._allow):
            raise EgressRefused(host)

    def open(self, resolved: Resolved) -> socket.socket:
        """Make the socket for a resolved address; the connector connects it to no other.

        Raises:
            EgressRefused: as `check`.
        """
        family, kind, protocol, _, address = resolved
        self.check(str(address[0]))
        return socket.socket(family, kind, protocol)


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address carries, if it carries one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def _is_suspicious(address: Address) -> bool:
    if address.is_loopback:
        return False
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or any(address in network for network in METADATA)
        or (isinstance(address, ipaddress.IPv4Address) and address.packed[0] == 0)
    )
