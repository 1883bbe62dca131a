"""Accounts at other services that belong to users: bind, find, unbind."""

from __future__ import annotations

from datetime import datetime

from clinx.accounts.failures import IdentityTaken, LastWayIn, NotFound
from clinx.domain.identity import User
from clinx.domain.session import FactorKind, Identity
from clinx.storage import identities, passwords, second_factors
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused


async def find(database: Database, provider: str, subject: str) -> User | None:
    """Return the user whom an account at another service belongs to, by what that service never changes."""
    return await identities.find(database, provider, subject)


async def bind(database: Database, user: User, provider: str, subject: str, shown: str, *, at: datetime) -> Identity:
    """Bind an account at another service to a user.

    Raises:
        IdentityTaken: it belongs to a user already, perhaps to this one.
        StorageUnavailable: the database cannot be written now.
    """
    try:
        return await database.atomically(identities.insert(user.id, provider, subject, shown, at))
    except StorageRefused as error:
        raise IdentityTaken("this account is bound already", provider=provider) from error


async def of_user(database: Database, user: User) -> list[Identity]:
    """Return what is bound to a user, oldest first."""
    return await identities.of_user(database, user.id)


async def unbind(database: Database, user: User, identity_id: int) -> None:
    """Unbind one of a user's, who has another way to sign in.

    Raises:
        LastWayIn: they have no password, no passkey and no other identity.
        NotFound: there is no such one, or it is not theirs.
    """
    bound = await identities.of_user(database, user.id)
    if [found.id for found in bound] == [identity_id] and not await _has_another_way(database, user):
        raise LastWayIn("without it you could not sign in any more")
    if not await database.atomically(identities.remove(user.id, identity_id)):
        raise NotFound("there is no such identity")


async def _has_another_way(database: Database, user: User) -> bool:
    if await passwords.hash_of(database, user.id) is not None:
        return True
    factors = await second_factors.of_user(database, user.id)
    return any(found.factor.kind is FactorKind.PASSKEY for found in factors)
