"""What operators do about users. Nobody acts on somebody whose role is not below their own; root acts on everybody."""

from __future__ import annotations

from functools import partial
from typing import Any

import strawberry
from strawberry import UNSET

from clinx.accounts import access_keys, challenges, password_changes, users
from clinx.accounts.challenges import Purpose
from clinx.accounts.faults import Faults
from clinx.accounts.users import UserChanges
from clinx.domain.identity import Role, Status, User
from clinx.graphql import step_up
from clinx.graphql.audit import Change, changed
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Forbidden, Problem, UserError, attempt
from clinx.graphql.ids import number_of
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.users.types import KIND, UserNode
from clinx.graphql.users.whose import REACHED, checked_version, in_person, subject


@strawberry.input(description="A new user: without a way to sign in until `userPasswordReset` makes one.")
class UserCreateInput:
    """A new user."""

    name: str
    group: str = "default"
    role: Role = strawberry.field(default=Role.USER, description="Another one needs `user:set_role`.")
    display_name: str = ""


@strawberry.input(description="What is to become of a user; what is absent stays.")
class UserUpdateInput:
    """What is to become of a user."""

    id: strawberry.ID
    expected_version: int | None = strawberry.field(default=None, description="Refused if it is another one by now.")
    group: str | None = UNSET
    role: Role | None = strawberry.field(default=UNSET, description="Needs `user:set_role` and a fresh proof.")
    status: Status | None = strawberry.field(default=UNSET, description="Disabled, nothing of theirs works.")
    display_name: str | None = strawberry.field(default=UNSET, description="Null is the name.")


@strawberry.type(description="A user as it is now.")
class UserPayload:
    """A user as it is now."""

    user: UserNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)
    change: strawberry.Private[Change | None] = None


@strawberry.input(description="Whom.")
class UserSignOutEverywhereInput:
    """Whom."""

    id: strawberry.ID
    access_keys: bool = strawberry.field(default=False, description="Whether to revoke their access keys as well.")


@strawberry.input(description="Whose.")
class UserResetSecondFactorsInput:
    """Whose."""

    id: strawberry.ID


@strawberry.input(description="Whose.")
class UserPasswordResetInput:
    """Whose."""

    id: strawberry.ID


@strawberry.type(description="What lets a user choose a new password.")
class UserPasswordResetPayload:
    """What lets a user choose a new password."""

    secret: str | None = strawberry.field(
        default=None, description="For `passwordReset`: good once, for half an hour. It is not shown again."
    )
    link: str | None = strawberry.field(default=None, description="The frontend's page with it, if the tree names one.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class UserMutation:
    """Mutations about users."""

    @strawberry.mutation(description="Make a user with an empty balance.")
    async def user_create(self, info: Info, input: UserCreateInput) -> UserPayload:  # noqa: A002
        """Make it."""

        async def work() -> UserPayload:
            context = info.context
            if input.role is not Role.USER:
                _check_role(context)
            group, faults = _group(context, input.group), Faults()
            faults.judged(partial(users.check_name, input.name), "")
            shown = faults.judged(partial(users.check_display_name, input.display_name), "")
            faults.refuse()
            database, at = context.services.database, context.now
            user = await users.create(database, input.name, at=at, role=input.role, group=group)
            if shown:
                user = await users.edit(database, user, UserChanges(display_name=shown), at=at)
            return UserPayload(user=UserNode.of(user), change=changed(None, _told(user)))

        return await attempt(lambda errors: UserPayload(errors=errors), work)

    @strawberry.mutation(description="Change a user. Another role or status ends their sessions.")
    async def user_update(self, info: Info, input: UserUpdateInput) -> UserPayload:  # noqa: A002
        """Change it."""

        async def work() -> UserPayload:
            context = info.context
            before = await subject(context, number_of(input.id, KIND))
            version = checked_version(before.version, input.expected_version)
            changes = _changes(context, before, input)
            after = await users.edit(context.services.database, before, changes, at=context.now, expected=version)
            return UserPayload(user=UserNode.of(after), change=changed(_told(before), _told(after)))

        return await attempt(lambda errors: UserPayload(errors=errors), work)

    @strawberry.mutation(description="End all sessions of a user.")
    async def user_sign_out_everywhere(self, info: Info, input: UserSignOutEverywhereInput) -> UserPayload:  # noqa: A002
        """End them."""

        async def work() -> UserPayload:
            context = info.context
            user = await subject(context, number_of(input.id, KIND))
            after = await context.services.accounts.sessions.end_all(user)
            if input.access_keys:
                await access_keys.revoke_all(context.services.database, user, at=context.now)
            return UserPayload(user=UserNode.of(after))

        return await attempt(lambda errors: UserPayload(errors=errors), work)

    @strawberry.mutation(
        description="Remove all second factors of a user who lost theirs; needs a fresh proof of who one is."
    )
    async def user_reset_second_factors(self, info: Info, input: UserResetSecondFactorsInput) -> UserPayload:  # noqa: A002
        """Remove them."""

        async def work() -> UserPayload:
            context = info.context
            in_person(context)
            step_up.require(context)
            user = await subject(context, number_of(input.id, KIND))
            await context.services.accounts.factors.reset(user)
            return UserPayload(user=UserNode.of(user))

        return await attempt(lambda errors: UserPayload(errors=errors), work)

    @strawberry.mutation(
        description="Make a secret by which a user chooses a new password; needs a fresh proof of who one is."
    )
    async def user_password_reset(self, info: Info, input: UserPasswordResetInput) -> UserPasswordResetPayload:  # noqa: A002
        """Make it."""

        async def work() -> UserPasswordResetPayload:
            context = info.context
            in_person(context)
            step_up.require(context)
            user = await subject(context, number_of(input.id, KIND))
            purpose = Purpose(password_changes.RESET, password_changes.LIFETIME, user.id)
            made = await challenges.make(context.services.database, purpose, at=context.now)
            console = context.snapshot.console
            base = console.url or console.address
            link = None if base is None else f"{base}{password_changes.PAGE}{made.secret}"
            return UserPasswordResetPayload(secret=made.secret, link=link)

        return await attempt(lambda errors: UserPasswordResetPayload(errors=errors), work)


def _changes(context: Context, user: User, asked: UserUpdateInput) -> UserChanges:
    """Return what is to be changed, if whoever asks may: their own role and status nobody changes."""
    role = None if asked.role is UNSET else asked.role
    status = None if asked.status is UNSET else asked.status
    group = None if asked.group is UNSET else asked.group
    if role is not None and role is not user.role:
        _check_role(context)
    if user.id == context.signed_in.user.id and (role or user.role, status or user.status) != (user.role, user.status):
        raise Problem("not_yourself", "Nobody changes their own role or status.", "id")
    return UserChanges(
        role=role,
        status=status,
        group=None if group is None or group == user.group else _group(context, group),
        display_name=None if asked.display_name is UNSET else asked.display_name or "",
    )


def _check_role(context: Context) -> None:
    """Let pass who may say what roles users have, and proved lately who they are.

    Raises:
        Forbidden: the permission is missing.
        Problem: ``step_up_required``.
    """
    if not context.may(Permission.USER_SET_ROLE):
        raise Forbidden(Permission.USER_SET_ROLE)
    step_up.require(context)


def _group(context: Context, group: str) -> str:
    """Return the name of a group that the tree declares.

    Raises:
        Problem: ``group_unknown``.
    """
    if group not in context.snapshot.groups:
        raise Problem("group_unknown", "The tree has no such group.", "group")
    return group


def _told(user: User) -> dict[str, Any]:
    """Return what the audit log keeps of a user."""
    return {
        "name": user.name,
        "role": user.role.value,
        "status": user.status.value,
        "group": user.group,
        "display_name": user.display_name,
    }


ACCESS = {
    **over("UserPayload", REACHED, "user", "errors"),
    **over("UserPasswordResetPayload", REACHED, "secret", "link", "errors"),
    **over(
        "Mutation",
        needs(Permission.USER_WRITE),
        *("userCreate", "userUpdate", "userSignOutEverywhere", "userResetSecondFactors", "userPasswordReset"),
    ),
}
