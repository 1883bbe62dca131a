"""Whose something is, and who may do something about it: the ceiling of roles, and versions of what is changed."""

from __future__ import annotations

from typing import Final

import strawberry

from clinx.accounts.failures import VersionConflict
from clinx.domain.identity import Role, User
from clinx.graphql.context import Context
from clinx.graphql.errors import Forbidden, InPerson, Problem, not_found
from clinx.graphql.ids import number_of
from clinx.graphql.permissions import Permission, Rule
from clinx.storage import users

KIND: Final = "User"
"""The kind of users' ids."""
REACHED: Final = Rule("For whoever may see what it is part of.", anyone=True)
"""Of parts of payloads and of values: what leads there is guarded."""
_RANK: Final = {Role.USER: 0, Role.ADMIN: 1, Role.ROOT: 2}
_DIGITS: Final = 18


def either(permission: Permission) -> Rule:
    """Return the rule for one's own, and for others' with a permission: `whose` and `subject` tell them apart."""
    return Rule(
        f"For whoever has signed in; what is others' needs `{permission}`.", permission=permission, signed_in=True
    )


def whose(context: Context, user: strawberry.ID | None, permission: Permission) -> int:
    """Return the user that is asked about: whoever asks, unless another is named.

    Raises:
        Forbidden: it is somebody else, and the permission is missing.
        Problem: ``invalid_id``.
    """
    asking = context.signed_in.user.id
    wanted = asking if user is None else number_of(user, KIND)
    if wanted != asking and not context.may(permission):
        raise Forbidden(permission)
    return wanted


def whose_or_everyones(
    context: Context, user: strawberry.ID | None, permission: Permission, *, everyone: bool
) -> int | None:
    """Return the user that is asked about, as `whose`; None is everyone, who is asked about where nobody is named.

    Raises:
        Forbidden: it is somebody else, or everyone, and the permission is missing.
        Problem: ``invalid_id``.
    """
    if not everyone or user is not None:
        return whose(context, user, permission)
    if not context.may(permission):
        raise Forbidden(permission)
    return None


def is_above(asking: User, other: User) -> bool:
    """Whether somebody may act on another person: root on everybody, an admin on users."""
    return asking.role is Role.ROOT or _RANK[other.role] < _RANK[asking.role]


async def subject(context: Context, user_id: int) -> User:
    """Return somebody else who may be acted on: root acts on everybody, an admin on users.

    Raises:
        Problem: ``not_found``, or ``role_too_low`` for somebody whose role is not below one's own.
        StorageUnavailable: the database cannot be read now.
    """
    asking = context.signed_in.user
    user = await users.get(context.services.database, user_id)
    if user is None:
        raise not_found("user")
    if not is_above(asking, user):
        raise Problem("role_too_low", "The user's role is not below yours.", "user", role=user.role.value)
    return user


async def owner(context: Context, user_id: int) -> User:
    """Return whoever's things are to be changed: oneself, or somebody who may be acted on.

    Raises:
        Problem: as `subject`.
        StorageUnavailable: the database cannot be read now.
    """
    asking = context.signed_in.user
    return asking if asking.id == user_id else await subject(context, user_id)


def in_person(context: Context) -> None:
    """Let nobody pass by an access key: what makes or changes credentials takes a person.

    Raises:
        InPerson: it is one.
    """
    if context.signed_in.session is None:
        raise InPerson


def checked_version(current: int, expected: int | None) -> int:
    """Return the version that a change must find: the one that was read, which is the one that was expected.

    What was read is written back as a whole, so it must not have changed since, whatever the caller expects.

    Raises:
        VersionConflict: it is another one already.
    """
    if expected is not None and expected != current:
        raise VersionConflict(f"this was changed since version {expected}", expected=expected, current=current)
    return current


def row_of(key: str) -> int | None:
    """Return the row's number behind an id; None when it is no number of a row."""
    return int(key) if key.isascii() and key.isdigit() and len(key) <= _DIGITS else None
