"""Users: create, look up, change."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from clinx.accounts.failures import AccountError
from clinx.domain.identity import Role, Status, User
from clinx.storage import users
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.program import Program
from clinx.storage.users import NewUser

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_ID: Final = re.compile(r"[0-9]{1,18}")
_GROUP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


async def create(
    database: Database, name: str, *, at: datetime, role: Role = Role.USER, group: str = "default"
) -> User:
    """Create a user with an empty balance.

    Raises:
        AccountError: the name is taken or not a name.
        StorageUnavailable: the database cannot be written now.
    """
    if not _NAME.fullmatch(name):
        raise AccountError(f"not a user name: {name!r}; use up to 64 letters, digits and . _ @ + -")
    try:
        return await database.atomically(users.insert(NewUser(name, role, check_group(group), at)))
    except StorageRefused as error:
        raise AccountError(f"there is a user {name!r} already") from error


async def find(database: Database, reference: str) -> User:
    """Return the user of that name or, when nobody has such a name, of that id.

    Raises:
        AccountError: there is none.
    """
    user = await users.find(database, reference) if _NAME.fullmatch(reference) else None
    if user is None and _ID.fullmatch(reference):
        user = await users.get(database, int(reference))
    if user is None:
        raise AccountError(f"there is no user {reference!r}; `clinx user list` shows names and ids")
    return user


async def everyone(database: Database) -> list[User]:
    """Return all users, by name."""
    return await users.everyone(database)


async def change(
    database: Database,
    user: User,
    *,
    at: datetime,
    role: Role | None = None,
    status: Status | None = None,
    group: str | None = None,
) -> User:
    """Change what is given. Every process hears of it; a disabled user's tokens buy nothing more.

    Raises:
        AccountError: the user is gone, or the group is not a name.
    """
    changed = replace(
        user,
        role=role or user.role,
        status=status or user.status,
        group=user.group if group is None else check_group(group),
    )
    if not await database.atomically(_announced(users.update(changed), changed, at)):
        raise AccountError(f"there is no user {user.name!r} any more")
    return changed


def _announced(change: Program[bool], user: User, at: datetime) -> Program[bool]:
    changed = yield from change
    if changed:
        yield from announce(Topic.USER, str(user.id), at)
    return changed


def check_group(group: str) -> str:
    """Return the name of a group if it is one; whether the tree declares it is known only where the tree is.

    Raises:
        AccountError: it is not a name.
    """
    if not _GROUP.fullmatch(group):
        raise AccountError(f"not a group name: {group!r}; use up to 64 letters, digits and . _ -")
    return group
