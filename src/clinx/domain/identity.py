"""Who calls: users, the tokens we issue them, and the principal an exchange acts for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clinx.domain.console import Language
from clinx.domain.money import Amount

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Role(StrEnum):
    """What a user may do in the console."""

    USER = "user"
    ADMIN = "admin"
    ROOT = "root"


class Status(StrEnum):
    """Whether a user or a token may be used."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class User:
    """An account holder."""

    id: int
    name: str
    role: Role
    status: Status
    group: str
    created_at: datetime
    display_name: str = ""
    """What pages and e-mails call them; empty means the name."""
    email: str | None = None
    """In lower case. Two users may have the same one until one of them verifies it."""
    email_verified_at: datetime | None = None
    language: Language | None = None
    """None is the console's."""
    epoch: int = 1
    """Raised, it ends all sessions of before."""
    version: int = 1
    """Raised by every change."""

    @property
    def account(self) -> str:
        """The name of this user's account in the ledger."""
        return user_account(self.id)


def user_account(user_id: int) -> str:
    """Return the ledger account of a user: ``user:42``."""
    return f"user:{user_id}"


@dataclass(frozen=True, slots=True)
class Token:
    """An API key we issued. The secret itself is never kept: only its SHA-256 is stored."""

    id: int
    user_id: int
    name: str
    hint: str
    """The first and last characters, for people: ``sk-ab…yz``."""
    status: Status
    expires_at: datetime | None = None
    models: frozenset[str] = frozenset()
    """Public model names this token may use; empty means all that its group offers."""
    group: str | None = None
    """Routes and prices of this group instead of the user's."""
    networks: tuple[Network, ...] = ()
    """Client addresses allowed; empty means any."""
    budget: Amount | None = None
    """The most this token may ever spend; None means its user's balance is the only bound."""
    spent: Amount = field(default_factory=lambda: Amount(0))
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    created_at: datetime | None = None
    version: int = 1
    """Raised by every change of what its owner may change."""
    stopped: bool = False
    """Whether an operator disabled it: its owner does not enable it again."""


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """When and how a user is told that little is left."""

    low_balance_at: Amount | None = None
    """Told below this; None is never."""
    by_email: bool = True
    sealed_webhook: str | None = field(default=None, repr=False)
    """Where notices are posted, sealed: see `accounts.notification_settings`."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller of one exchange."""

    user: User
    token: Token
    group: str
    """The group whose routes and prices apply: the token's, else the user's."""
    pinned: str | None = None
    """The channel that an admin named with the key."""
