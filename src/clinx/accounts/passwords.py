"""Passwords: rules, hashes, and the same work whoever is asked for.

Hashes are argon2id; those of accounts that came from elsewhere (bcrypt) verify, and are replaced when they did. A
hash takes 19 MiB and some 40 ms: they are made on threads, a few at a time, and who would have to wait behind a
crowd is refused.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import argon2
import bcrypt

from clinx.accounts.failures import PasswordInvalid, TooManyAttempts
from clinx.domain.identity import User
from clinx.storage import passwords
from clinx.storage.database import Database

LEAST: Final = 8
MOST: Final = 256
AT_ONCE: Final = 4
"""Hashes that are made at the same time."""
WAITING: Final = 64
"""Hashes that may wait for their turn."""
NOBODY: Final = "$argon2id$v=19$m=19456,t=2,p=1$ZUCJXk9npvUR/G177+eViw$1RFKugRXfWpLoAULeFvNb/Ppu5+5GLN4zl9mwbTxwfc"
"""A hash with the same parameters as all others, verified where there is none."""
_BCRYPT: Final = ("$2a$", "$2b$", "$2y$")
_BCRYPT_BYTES: Final = 72
"""bcrypt looks at no more."""


class Hasher(Protocol):
    """Makes and verifies hashes; each call takes long, and is made on a thread."""

    def hash(self, password: str) -> str:
        """Return a new hash."""
        ...

    def verify(self, hash_: str, password: str) -> bool:
        """Say whether the password is the one of the hash."""
        ...

    def is_outdated(self, hash_: str) -> bool:
        """Say whether the hash is to be replaced by one that `hash` makes now; this is quick."""
        ...


class Argon2:
    """Makes argon2id hashes, and verifies bcrypt's as well."""

    def __init__(self) -> None:
        """Take the parameters that OWASP recommends for a server."""
        self._argon2 = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

    def hash(self, password: str) -> str:
        """Return a new hash."""
        return self._argon2.hash(_bytes(unicodedata.normalize("NFC", password)))

    def verify(self, hash_: str, password: str) -> bool:
        """Say whether the password is the one of the hash; a hash of another kind is of no password."""
        try:
            if hash_.startswith(_BCRYPT):
                return bcrypt.checkpw(_bytes(password)[:_BCRYPT_BYTES], hash_.encode())
            return self._argon2.verify(hash_, _bytes(unicodedata.normalize("NFC", password)))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, ValueError):
            return False

    def is_outdated(self, hash_: str) -> bool:
        """Say whether a hash that verified is bcrypt's, or argon2's with other parameters."""
        return hash_.startswith(_BCRYPT) or self._argon2.check_needs_rehash(hash_)


@dataclass(slots=True)
class _Turn:
    """Bounds how many hash at once."""

    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    waiting: int = 0


class Passwords:
    """Knows users by their passwords."""

    def __init__(self, database: Database, hasher: Hasher | None = None) -> None:
        """Wire it; hashes are argon2id unless somebody else makes them."""
        self._database = database
        self._hasher = hasher or Argon2()
        self._turn = _Turn()

    async def is_right(self, user: User | None, password: str) -> bool:
        """Say whether this is the user's password; without a user, or a password, it is not, after the same work.

        Raises:
            TooManyAttempts: too many wait for their turn.
            StorageUnavailable: the database cannot be used now.
        """
        kept = None if user is None else await passwords.hash_of(self._database, user.id)
        tried = password if len(password) <= MOST else password[:MOST]
        good = await self._verify(kept or NOBODY, tried) and kept is not None and tried == password
        if good and user is not None and kept is not None and self._hasher.is_outdated(kept):
            await self._database.atomically(passwords.upgrade(user.id, kept, await self.hash(password)))
        return good

    async def hash(self, password: str) -> str:
        """Return a hash to be kept.

        Raises:
            TooManyAttempts: too many wait for their turn.
        """
        async with _Place(self._turn):
            return await asyncio.to_thread(self._hasher.hash, password)

    async def has_one(self, user: User) -> bool:
        """Say whether a user can sign in with a password."""
        return await passwords.hash_of(self._database, user.id) is not None

    async def set(self, user: User, password: str, *, at: datetime) -> None:
        """Write a user's new password; whoever does so ends the sessions that should end.

        Raises:
            PasswordInvalid: nobody should have it.
            TooManyAttempts: too many wait for their turn.
            StorageUnavailable: the database cannot be written now.
        """
        check(password, (user.name, user.email or ""))
        await self._database.atomically(passwords.save(user.id, await self.hash(password), at))

    async def _verify(self, hash_: str, password: str) -> bool:
        async with _Place(self._turn):
            return await asyncio.to_thread(self._hasher.verify, hash_, password)


class _Place:
    """A place among those who hash."""

    def __init__(self, turn: _Turn) -> None:
        self._turn = turn

    async def __aenter__(self) -> None:
        if self._turn.waiting >= WAITING:
            raise TooManyAttempts(1)
        self._turn.waiting += 1
        try:
            await self._turn.free.acquire()
        finally:
            self._turn.waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._turn.free.release()


def check(password: str, names: Iterable[str] = ()) -> None:
    """Let a password pass that somebody may have.

    Raises:
        PasswordInvalid: it is too short or too long, or it is the user's name or address.
    """
    # First: what is long takes long to normalise, up to the square of its length.
    if len(password) > MOST:
        raise PasswordInvalid(f"a password has at most {MOST} characters", reason="too_long", most=MOST)
    if len(unicodedata.normalize("NFC", password)) < LEAST:
        raise PasswordInvalid(f"a password has at least {LEAST} characters", reason="too_short", least=LEAST)
    if password.casefold() in {name.casefold() for name in names if name}:
        raise PasswordInvalid("a password is not a name or an address", reason="like_name")


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
