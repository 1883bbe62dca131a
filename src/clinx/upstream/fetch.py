"""One small question to a server that is no provider of models: an issuer of identities, a receiver of notices.

These addresses are partly written by others (an issuer's own document names them, users name receivers), so less may
be reached than by channels: public addresses, and what ``server.egress_allow`` names.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import aiohttp

from clinx.upstream.egress import Address, Egress, EgressRefused, Network

LONGEST: Final = 1 << 20
"""Bytes of an answer, at most, after decompression."""
SECONDS: Final = 10.0
"""Most time one question may take, connecting and reading together."""
_AGENT: Final = "clinx"
_PIECE: Final = 64 << 10
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")


class PublicEgress(Egress):
    """The rule of channels, and beyond it no loopback and no private network unless it is allowed."""

    def __init__(self, allow: Iterable[Network] = ()) -> None:
        """Take the exceptions."""
        self._named = tuple(allow)
        super().__init__(self._named)

    def check(self, host: str) -> None:
        """See `Egress`."""
        super().check(host)
        address = _carried(ipaddress.ip_address(host))
        if not address.is_global and not any(address in network for network in self._named):
            raise EgressRefused(host)


class Fetcher:
    """Asks, with nothing of its own: no cookies, no environment, no redirects, no connection kept."""

    def __init__(self, egress_allow: Callable[[], Iterable[Network]], *, seconds: float = SECONDS) -> None:
        """Take what tells the exceptions of the tree that is served now."""
        self._egress_allow = egress_allow
        self._seconds = seconds

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Return the status and the body, whatever the status; a redirect is an answer like others.

        Raises:
            OSError: no answer within the time, one larger than `LONGEST`, one that is broken or from a wrong
                certificate, an address that may not be reached (`EgressRefused`), or no address at all.
        """
        connector = aiohttp.TCPConnector(
            socket_factory=PublicEgress(self._egress_allow()).open, force_close=True, use_dns_cache=False
        )
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=self._seconds),
            headers={"User-Agent": _AGENT},
        ) as session:
            try:
                async with session.request(method, url, headers=headers, data=body, allow_redirects=False) as response:
                    return response.status, await _read(response)
            except (aiohttp.ClientError, ValueError) as error:
                raise _unanswered(error) from error


def _carried(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 address, if there is one: packets may end up there."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


async def _read(response: aiohttp.ClientResponse) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_chunked(_PIECE):
        size += len(piece)
        if size > LONGEST:
            raise ConnectionError("the answer is too large")
        pieces.append(piece)
    return b"".join(pieces)


def _unanswered(error: Exception) -> OSError:
    """Return a failure that does not repeat what was asked: it may hold secrets."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, EgressRefused):
        return error.os_error
    return ConnectionError(f"no answer: {type(error).__name__}")
