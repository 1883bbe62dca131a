"""What proves who somebody is: sessions, identities of other services, second factors, one-time secrets, access keys.

None of these values holds a secret that can be used: digests and sealed texts stay in `storage` and `accounts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in visit of the console."""

    id: int
    user_id: int
    epoch: int
    """Of the user when it was opened: it ends when the user's is raised."""
    method: str
    """How the person signed in: ``password``, ``passkey``, or the name of another service."""
    address: str | None
    agent: str
    """What the browser calls itself, cut."""
    created_at: datetime
    seen_at: datetime
    """When it was last used, give or take a minute."""
    expires_at: datetime
    stepped_up_at: datetime
    """When the person last proved who they are."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An account at another service that belongs to a user."""

    id: int
    user_id: int
    provider: str
    subject: str
    """What the service calls the account and never changes."""
    shown: str
    """What people know it by: a login or a name, as of when it was bound."""
    created_at: datetime


class FactorKind(StrEnum):
    """What a second factor is."""

    TOTP = "totp"
    """Codes of an authenticator app."""
    PASSKEY = "passkey"
    BACKUP = "backup"
    """A code on paper, good for one use."""


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor as lists show it."""

    id: int
    user_id: int
    kind: FactorKind
    name: str
    public_id: str | None
    """A passkey's id, in base64url."""
    confirmed_at: datetime | None
    """When it was first proved to work; before, it counts for nothing."""
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Challenge:
    """A one-time secret that was presented, and what it was made for."""

    id: int
    kind: str
    user_id: int | None
    subject: str
    """What it is about: an address, a name; empty when nothing."""
    data: Mapping[str, str] = field(repr=False)
    tries: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A credential of a program that uses the console in a user's name."""

    id: int
    user_id: int
    name: str
    hint: str
    """The first and last characters, for people."""
    permissions: tuple[str, ...]
    """What it may do, of what its owner may do when it is used."""
    expires_at: datetime | None
    created_at: datetime
    used_at: datetime | None
    """When it was last used, give or take a minute."""
    revoked_at: datetime | None
