"""Outbound proxies that speak SOCKS, as their addresses name them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import unquote, urlsplit

_PORT: Final = 1080
_LONGEST_WORD: Final = 255
"""Octets of a user name or password: their length is told in one."""


class SocksKind(StrEnum):
    """What is spoken, and who resolves names; the scheme of the address."""

    SOCKS4A = "socks4a"
    """Version 4 with names, which the proxy resolves; no passwords."""
    SOCKS5 = "socks5"
    """Version 5; names are resolved here."""
    SOCKS5H = "socks5h"
    """Version 5; the proxy resolves names."""


_SCHEMES: Final = frozenset(SocksKind)


@dataclass(frozen=True, slots=True)
class SocksProxy:
    """One proxy, and who we are to it."""

    kind: SocksKind
    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)

    @property
    def problem(self) -> str | None:
        """Say why the proxy cannot be told who we are, if so."""
        if self.kind is SocksKind.SOCKS4A and self.password is not None:
            return "must not hold a password: SOCKS 4a has none"
        if self.kind is not SocksKind.SOCKS4A and (self.user is None) != (self.password is None):
            return "must hold a user name and a password, or neither"
        if not all(map(_can_be_told, (self.user, self.password))):
            return "must hold a user name and a password of at most 255 ASCII characters"
        return None


def socks_proxy(url: str) -> SocksProxy | None:
    """Return the SOCKS proxy that an address names; None for one of another kind."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        return None
    user, password = (word and unquote(word) for word in (parts.username or None, parts.password))
    return SocksProxy(SocksKind(parts.scheme), parts.hostname or "", parts.port or _PORT, user, password)


def _can_be_told(word: str | None) -> bool:
    return word is None or (0 < len(word) <= _LONGEST_WORD and word.isascii() and "\0" not in word)
