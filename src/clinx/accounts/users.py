"""Users: create, look up, change."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from clinx.accounts.failures import (
    GroupInvalid,
    NameInvalid,
    NameReserved,
    NameTaken,
    NotFound,
    ProfileInvalid,
    VersionConflict,
)
from clinx.domain.console import Language
from clinx.domain.identity import Role, Status, User
from clinx.domain.names import looks_like_a_link, skeleton
from clinx.storage import challenges, users
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.program import Program
from clinx.storage.users import NewUser

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_DISPLAY_NAME: Final = 64
_SHOWN: Final = 80
"""Characters of what is no name that are repeated to whoever sent it."""
_ID: Final = re.compile(r"[0-9]{1,18}")
_GROUP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


async def create(
    database: Database, name: str, *, at: datetime, role: Role = Role.USER, group: str = "default"
) -> User:
    """Create a user with an empty balance.

    Raises:
        NameTaken: somebody has it.
        NameInvalid: it is not a name; `GroupInvalid`: nor is the group.
        StorageUnavailable: the database cannot be written now.
    """
    try:
        return await database.atomically(users.insert(NewUser(check_name(name), role, check_group(group), at)))
    except StorageRefused as error:
        raise NameTaken(f"there is a user {name!r} already", name=name) from error


async def find(database: Database, reference: str) -> User:
    """Return the user of that name or, when nobody has such a name, of that id.

    Raises:
        NotFound: there is none.
    """
    user = await users.find(database, reference) if _NAME.fullmatch(reference) else None
    if user is None and _ID.fullmatch(reference):
        user = await users.get(database, int(reference))
    if user is None:
        raise NotFound(f"there is no user {reference!r}; `clinx user list` shows names and ids")
    return user


async def everyone(database: Database) -> list[User]:
    """Return all users, by name."""
    return await users.everyone(database)


@dataclass(frozen=True, slots=True)
class UserChanges:
    """What is to become of a user. None keeps what is."""

    role: Role | None = None
    status: Status | None = None
    group: str | None = None
    display_name: str | None = None
    language: Language | None = None
    speaks_default: bool = False
    """Whether to forget the language that was chosen."""


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
        NotFound: the user is gone.
        GroupInvalid: the group is not a name.
    """
    return await edit(database, user, UserChanges(role, status, group), at=at)


async def edit(
    database: Database, user: User, changes: UserChanges, *, at: datetime, expected: int | None = None
) -> User:
    """Change what is given, if the user is still of the expected version; return the user as it is now.

    Another role or status ends the user's sessions, and what was begun: whoever could speak for a user, by a link that
    an operator made, say, does not speak for an operator.

    Raises:
        NotFound: the user is gone.
        VersionConflict: somebody changed it since.
        GroupInvalid: the group is not a name.
        ProfileInvalid: the display name is too long, or cannot be shown.
    """
    changed = _with(user, changes)
    is_another = (changed.role, changed.status) != (user.role, user.status)
    stored = await database.atomically(_edited(changed, expected, at, is_another=is_another))
    if stored is not None:
        return stored
    if expected is not None and await users.get(database, user.id) is not None:
        raise VersionConflict(f"the user {user.name!r} was changed since version {expected}", expected=expected)
    raise NotFound(f"there is no user {user.name!r} any more")


def _with(user: User, changes: UserChanges) -> User:
    name = changes.display_name
    language = None if changes.speaks_default else changes.language or user.language
    return replace(
        user,
        role=changes.role or user.role,
        status=changes.status or user.status,
        group=user.group if changes.group is None else check_group(changes.group),
        display_name=user.display_name if name is None else check_display_name(name),
        language=language,
    )


def _edited(changed: User, expected: int | None, at: datetime, *, is_another: bool) -> Program[User | None]:
    user = yield from users.update(changed, expected=expected)
    if user is not None:
        if is_another:
            yield from challenges.drop_all(user.id)
        yield from announce(Topic.USER, str(user.id), at)
    return user


def check_name(name: str) -> str:
    """Return the name of a user if it is one.

    Raises:
        NameInvalid: it is not.
    """
    if not _NAME.fullmatch(name):
        raise NameInvalid(f"not a user name: {name[:_SHOWN]!r}; use up to 64 letters, digits and . _ @ + -")
    return name


def check_display_name(name: str) -> str:
    """Return what a user wants to be called, without space around it.

    Raises:
        ProfileInvalid: it is too long, or cannot be shown.
    """
    name = name.strip()
    if len(name) > _DISPLAY_NAME or not name.isprintable():
        said = f"a display name has up to {_DISPLAY_NAME} printable characters"
        raise ProfileInvalid(said, what="display_name", most=_DISPLAY_NAME)
    return name


def check_own_name(name: str, reserved: Collection[str]) -> str:
    """Return what a user without a role wants to be called, if it neither leads somewhere nor sounds like the house.

    Raises:
        ProfileInvalid: it looks like a link, or cannot be shown.
        NameReserved: it belongs to whoever runs this gateway.
    """
    name = check_display_name(name)
    if looks_like_a_link(name):
        raise ProfileInvalid("a display name is no address", what="display_name", reason="like_a_link")
    check_reserved(name, reserved, what="display_name")
    return name


def check_reserved(name: str, reserved: Collection[str], *, what: str = "name") -> None:
    """Refuse a name that nobody may give themselves, however it is written.

    Raises:
        NameReserved: it is one.
    """
    if skeleton(name) in reserved:
        raise NameReserved("this name is reserved", what=what, name=name[:_SHOWN])


def foreign_name(name: str, reserved: Collection[str]) -> str:
    """Return what another service calls somebody, as far as they may be called so here; empty when not at all."""
    return "" if looks_like_a_link(name) or skeleton(name) in reserved else name


def check_group(group: str) -> str:
    """Return the name of a group if it is one; whether the tree declares it is known only where the tree is.

    Raises:
        GroupInvalid: it is not a name.
    """
    if not _GROUP.fullmatch(group):
        raise GroupInvalid(f"not a group name: {group[:_SHOWN]!r}; use up to 64 letters, digits and . _ -")
    return group
