"""What comes of an identity: the user it belongs to, a bond to the user who is signed in, or a new user."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinx.accounts.failures import AccountDisabled, EmailNeeded, EmailTaken, IdentityTaken, RegistrationClosed
from clinx.accounts.oauth.refusals import EmailNotAllowed
from clinx.accounts.oauth.trip import Found
from clinx.accounts.users import foreign_name
from clinx.domain.console import EmailRule, Registration
from clinx.domain.identity import Role, Status, User
from clinx.domain.names import RESERVED_NAMES, skeleton
from clinx.storage import identities, users
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.program import Program
from clinx.storage.users import NewUser

Stranger = Callable[[], Awaitable[object]]
"""Called before a user is made: it may raise."""

_FOREIGN: Final = re.compile(r"[^A-Za-z0-9._+-]+")
_LONGEST: Final = 48
"""Signs of a wish for a name that are kept: a suffix must have place, too."""
_DRAWN_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who came, and what that made of them."""

    user: User
    found: Found
    is_new: bool = False
    """Whether the user was made now: an invitation may be accepted."""
    is_bound: bool = False
    """Whether the identity was added to an account that was signed in to: no session is opened."""


async def bind(database: Database, found: Found, user: User, at: datetime) -> Arrival:
    """Add an identity to a user's; a repetition changes nothing.

    Raises:
        AccountError: it is somebody else's, or the user is disabled.
        StorageUnavailable: the database cannot be used now.
    """
    if user.status is not Status.ACTIVE:
        raise AccountDisabled("this account is disabled")
    try:
        await database.atomically(_insert(user.id, found, at))
    except StorageRefused as error:
        owner = await identities.find(database, found.provider, found.subject)
        if owner is None or owner.id != user.id:
            raise IdentityTaken("this identity is bound to another account") from error
    return Arrival(user, found, is_bound=True)


async def admit(
    database: Database,
    found: Found,
    registration: Registration,
    stranger: Stranger,
    at: datetime,
    *,
    reserved: Collection[str] = RESERVED_NAMES,
) -> Arrival:
    """Return the user of an identity; a stranger becomes one if the tree lets strangers in.

    Whoever is called there what nobody may be called here gets another name.

    An address proves nothing here, not even a verified one: an account that has it is not opened by it.

    Raises:
        AccountError: the user is disabled, or the stranger is not let in, or ``stranger`` raised it.
        StorageUnavailable: the database cannot be used now.
    """
    email = found.email if found.email_verified else None
    if (known := await _known(database, found, email)) is not None:
        return known
    if not registration.open:
        raise RegistrationClosed("strangers may not make accounts here")
    _check_email(email, registration)
    await stranger()
    kept = None if registration.email is EmailRule.NONE else email
    shown = foreign_name(found.name, reserved)
    for name in _names(found, reserved):
        new = NewUser(name, Role.USER, registration.group, at, shown, kept, at if kept else None)
        try:
            return Arrival(await database.atomically(_create(new, found, at)), found, is_new=True)
        except StorageRefused:
            # Somebody has the name, or the same person was quicker in another window.
            if (known := await _known(database, found, kept)) is not None:
                return known
    raise AssertionError("of 2 to the 40 names none was free")


async def _known(database: Database, found: Found, email: str | None) -> Arrival | None:
    """Return the user of an identity; None for a stranger whose address, if any, nobody else has.

    Raises:
        AccountError: the user is disabled, or somebody else has the address.
    """
    user = await identities.find(database, found.provider, found.subject)
    if user is None and email is not None and await users.find_by_email(database, email) is not None:
        # Unless it is the same person's since a moment, in another window.
        user = await identities.find(database, found.provider, found.subject)
        if user is None:
            raise EmailTaken("an account has this address: sign in to it, then bind", email=email)
    if user is None:
        return None
    if user.status is not Status.ACTIVE:
        raise AccountDisabled("this account is disabled")
    return Arrival(user, found)


def _check_email(email: str | None, registration: Registration) -> None:
    """Refuse a stranger whose address is not what the tree asks for; ``email`` is verified or None.

    Raises:
        AccountError: it is not.
    """
    if email is None and (registration.email is EmailRule.REQUIRED or registration.domains):
        raise EmailNeeded("accounts need a verified address")
    domain = (email or "").rpartition("@")[2]
    if registration.domains and domain not in registration.domains:
        raise EmailNotAllowed("addresses of this domain are not let in", domain=domain)


def _create(new: NewUser, found: Found, at: datetime) -> Program[User]:
    user = yield from users.insert(new)
    yield from _insert(user.id, found, at)
    return user


def _insert(user_id: int, found: Found, at: datetime) -> Program[None]:
    yield from identities.insert(user_id, found.provider, found.subject, found.name or found.subject, at)


def _names(found: Found, reserved: Collection[str]) -> Iterator[str]:
    """Yield names to try: what the person is called, then the same with something drawn."""
    # What stands before an @ only: a name that is an address would be taken for the address.
    wish = _FOREIGN.sub("-", found.name.partition("@")[0])[:_LONGEST].strip("-._+")
    # A name of digits would be taken for an id.
    is_none = not wish or wish.isdigit() or skeleton(wish) in reserved
    base = f"{found.provider}-{wish}".rstrip("-") if is_none else wish
    yield base
    for _ in range(8):
        yield f"{base}-{secrets.token_hex(_DRAWN_BYTES)}"
