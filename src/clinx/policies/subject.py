"""Whom a limit or a budget counts: what an exchange is, as far as counting goes."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, assert_never

from msgspec import Struct

from clinx.state import keys


class Scope(StrEnum):
    """What a rule may count apart; several together count each combination apart."""

    USER = "user"
    TOKEN = "token"  # noqa: S105  (a scope, not a secret)
    GROUP = "group"
    MODEL = "model"
    ADDRESS = "address"
    CHANNEL = "channel"


_HOUSE: Final = 64
"""Bits of an IPv6 address that one household or host is given: the rest it may choose as it likes."""


class Subject(Struct, frozen=True):
    """One exchange; and, once it is on its way, the channel it goes to."""

    user: int
    token: int
    group: str
    """The group whose routes and prices apply."""
    model: str = ""
    """The model as rules have left it; empty where none is named."""
    address: str | None = None
    channel: str = ""
    """Empty until one is chosen."""

    def value(self, scope: Scope) -> str:
        """Return what an exchange is counted under in a scope."""
        match scope:
            case Scope.USER:
                return str(self.user)
            case Scope.TOKEN:
                return str(self.token)
            case Scope.GROUP:
                return self.group
            case Scope.MODEL:
                return self.model
            case Scope.ADDRESS:
                return _house(self.address)
            case Scope.CHANNEL:
                return self.channel
            case _:
                assert_never(scope)

    def key(self, scopes: Sequence[Scope]) -> str:
        """Return what an exchange is counted under in all of these scopes."""
        return keys.subject((scope.value, self.value(scope)) for scope in scopes)


def words(scopes: Sequence[Scope]) -> str:
    """Say whom a rule counts, for people: ``this user and model``."""
    return f"this {' and '.join(scopes)}" if scopes else "all callers together"


def _house(address: str | None) -> str:
    """Return the network that stands for an address: itself, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _HOUSE), strict=False))
