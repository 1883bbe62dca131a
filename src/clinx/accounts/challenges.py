"""One-time secrets: made here, handed over once, good for one use within their lifetime.

A secret is 256 random bits, and only its SHA-256 is kept. Where people have to type, six digits do the same: those
are bound to the subject they were made for (an address, say) and die after `TRIES`. Making new ones is what the
throttle bounds.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from clinx.accounts.failures import ChallengeRefused
from clinx.domain.session import Challenge
from clinx.storage import challenges
from clinx.storage.challenges import NewChallenge
from clinx.storage.database import Database

TRIES: Final = 5
"""How often a code, or what a challenge asks for, may be tried."""
LONGEST: Final = 256
"""Longer secrets are refused unread."""
_BYTES: Final = 32
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Made:
    """A new one-time secret: the only time anybody sees it."""

    challenge: Challenge
    secret: str = field(repr=False)
    """43 characters that fit in an address."""
    code: str | None = field(default=None, repr=False)
    """Six digits that do the same."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a one-time secret is made for."""

    kind: str
    """At most 32 characters; a secret of one kind is nothing for another."""
    lifetime: timedelta
    user_id: int | None = None
    subject: str = ""
    """At most 255 characters; what codes are bound to."""
    data: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Handed back to whoever claims it. It is stored as it is: no secrets."""


async def make(database: Database, purpose: Purpose, *, at: datetime, with_code: bool = False) -> Made:
    """Make a one-time secret, and perhaps six digits that do the same.

    Digits of before for the same kind and subject, with their secret, are nothing any more.

    Raises:
        StorageUnavailable: the database cannot be written now.
        StorageRefused: the kind or the subject is too long.
    """
    secret = secrets.token_urlsafe(_BYTES)
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}" if with_code else None
    new = NewChallenge(purpose.kind, purpose.user_id, purpose.subject, purpose.data, at, at + purpose.lifetime)
    digest_of_code = None if code is None else _digest_of_code(purpose, code)
    challenge = await database.atomically(challenges.insert(new, digest(secret), digest_of_code))
    return Made(challenge, secret, code)


async def claim(database: Database, kind: str, secret: str, *, at: datetime) -> Challenge:
    """Use a secret up; of many who present it at once, one gets the challenge.

    Raises:
        ChallengeRefused: it is unknown, used, expired or of another kind.
        StorageUnavailable: the database cannot be written now.
    """
    found = None
    if len(secret) <= LONGEST:
        found = await database.atomically(challenges.claim(kind, digest(secret), at))
    return _known(found)


async def attempt(database: Database, kind: str, secret: str, *, at: datetime) -> Challenge:
    """Look at a challenge without using it up, and count the try: `TRIES` of them, whatever comes of them.

    Raises:
        ChallengeRefused: it is unknown, used, expired, of another kind, or was tried too often.
        StorageUnavailable: the database cannot be written now.
    """
    found = None
    if len(secret) <= LONGEST:
        found = await database.atomically(challenges.try_secret(kind, digest(secret), at, TRIES))
    return _known(found)


async def claim_code(database: Database, kind: str, subject: str, code: str, *, at: datetime) -> Challenge:
    """Use up the digits that were made for a subject; a wrong try counts, and after `TRIES` nothing helps.

    Raises:
        ChallengeRefused: they are wrong, used or expired, or were tried too often.
        StorageUnavailable: the database cannot be written now.
    """
    wanted = "".join(code.split())
    if len(wanted) != _DIGITS or not (wanted.isascii() and wanted.isdigit()) or not subject.isprintable():
        raise _refused()
    digest_of_code = _digest_of_code(Purpose(kind, timedelta(), subject=subject), wanted)
    return _known(await database.atomically(challenges.try_code(kind, subject, digest_of_code, at, TRIES)))


def digest(secret: str) -> str:
    """Return what is stored and looked up of a random secret: its SHA-256, in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _digest_of_code(purpose: Purpose, code: str) -> str:
    """Bind digits to what they are for. Whoever has the table can find them: they live for minutes."""
    return digest(f"{purpose.kind}\0{purpose.subject}\0{code}")


def _known(found: Challenge | None) -> Challenge:
    if found is None:
        raise _refused()
    return found


def _refused() -> ChallengeRefused:
    return ChallengeRefused("this link or code is not known, was used, or has expired")
