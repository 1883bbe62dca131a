"""Access keys: credentials of programs that use the console in a user's name.

A key may do what it was given and what its owner may do, whichever is less, whenever it is used.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from clinx.accounts.challenges import digest
from clinx.accounts.failures import AccessKeyInvalid, NotFound
from clinx.accounts.faults import Faults
from clinx.domain.identity import Status, User
from clinx.domain.session import AccessKey
from clinx.storage import access_keys
from clinx.storage.access_keys import NewAccessKey
from clinx.storage.database import Database

PREFIX: Final = "ck-"
LENGTH: Final = 48
TOUCH: Final = timedelta(minutes=1)
"""How exactly it is known when a key was last used."""
LONGEST: Final = 256
_LONGEST_NAME: Final = 64
_MOST_PERMISSIONS: Final = 100
_ALPHABET: Final = string.digits + string.ascii_letters


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new access key with its secret: the only time anybody sees it."""

    key: AccessKey
    secret: str = field(repr=False)


async def issue(
    database: Database,
    user: User,
    name: str,
    permissions: Sequence[str],
    *,
    at: datetime,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Issue an access key; that its permissions are its owner's is for the caller to check, who knows them.

    Raises:
        AccessKeyInvalid: the name is none, the expiry is over, or it may do nothing at all.
        StorageUnavailable: the database cannot be written now.
    """
    _check(name, permissions, expires_at, at)
    secret = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
    new = NewAccessKey(user.id, name, f"{secret[:5]}…{secret[-4:]}", sorted(set(permissions)), at, expires_at)
    return IssuedKey(await database.atomically(access_keys.insert(new, digest(secret))), secret)


async def find(database: Database, secret: str, *, at: datetime) -> tuple[AccessKey, User] | None:
    """Return the access key and its user, as they are now; None when it opens nothing.

    Raises:
        StorageUnavailable: the database cannot be used now.
    """
    if not secret.startswith(PREFIX) or len(secret) > LONGEST:
        return None
    found = await access_keys.find(database, digest(secret))
    if found is None or not _is_good(*found, at):
        return None
    key, user = found
    if key.used_at is None or key.used_at <= at - TOUCH:
        await database.atomically(access_keys.touch(key.id, at, at - TOUCH))
    return key, user


async def of_user(database: Database, user: User) -> list[AccessKey]:
    """Return a user's access keys, also those that were revoked, oldest first."""
    return await access_keys.of_user(database, user.id)


async def revoke(database: Database, user: User, key_id: int, *, at: datetime) -> AccessKey:
    """Revoke an access key of a user: at once, for it is looked up whenever it is used.

    Raises:
        NotFound: it is not there, not theirs, or was revoked before.
    """
    revoked = await database.atomically(access_keys.revoke(user.id, key_id, at))
    if revoked is None:
        raise NotFound("there is no such access key")
    return revoked


async def revoke_all(database: Database, user: User, *, at: datetime) -> int:
    """Revoke all access keys of a user; return how many were good."""
    return await database.atomically(access_keys.revoke_all(user.id, at))


def _is_good(key: AccessKey, user: User, at: datetime) -> bool:
    lasts = key.expires_at is None or key.expires_at > at
    return lasts and key.revoked_at is None and user.status is Status.ACTIVE


def _check(name: str, permissions: Sequence[str], expires_at: datetime | None, at: datetime) -> None:
    faults = Faults()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        faults.found.append(AccessKeyInvalid(f"a name has 1 to {_LONGEST_NAME} printable characters", what="name"))
    if not 1 <= len(permissions) <= _MOST_PERMISSIONS:
        faults.found.append(AccessKeyInvalid("an access key may do something", what="permissions"))
    if expires_at is not None and expires_at <= at:
        faults.found.append(AccessKeyInvalid("an access key may not expire before it is issued", what="expires_at"))
    faults.refuse()
