"""New passwords: for whoever knows the old one, and for whoever reads the account's letters."""

from __future__ import annotations

import strawberry

from clinx.graphql.context import Info
from clinx.graphql.permissions import ANYONE, SESSION, over
from clinx.graphql.scalars import Secret
from clinx.graphql.sign_in.done import Done, done
from clinx.graphql.sign_in.visit import session_of_viewer, visitor
from clinx.graphql.users.whose import REACHED


@strawberry.input(description="An address that an account has verified.")
class PasswordResetRequestInput:
    """An address."""

    email: str


@strawberry.type(description="Whether it was asked for; whether there is such an account, nobody is told.")
class PasswordResetRequestPayload(Done):
    """Whether it was."""


@strawberry.input(description="What a letter or an operator brought, and a new password.")
class PasswordResetInput:
    """A secret, and a password."""

    secret: Secret
    password: Secret


@strawberry.type(description="Whether the password is another one now.")
class PasswordResetPayload(Done):
    """Whether it is."""


@strawberry.input(description="The old password and a new one.")
class PasswordChangeInput:
    """Two passwords."""

    old: Secret | None = strawberry.field(default=None, description="Null: who one is was proved a moment ago.")
    new: Secret


@strawberry.type(description="Whether the password is another one now.")
class PasswordChangePayload(Done):
    """Whether it is."""


@strawberry.type
class PasswordMutation:
    """New passwords."""

    @strawberry.mutation(description="Have a letter written by which a new password is chosen.")
    async def password_reset_request(
        self,
        info: Info,
        input: PasswordResetRequestInput,  # noqa: A002
    ) -> PasswordResetRequestPayload:
        """Ask for it."""
        context = info.context
        return await done(
            PasswordResetRequestPayload,
            lambda: context.services.accounts.password_changes.ask_for_reset(input.email, visitor(context)),
        )

    @strawberry.mutation(description="Choose a new password with a secret; all sessions of the account end.")
    async def password_reset(self, info: Info, input: PasswordResetInput) -> PasswordResetPayload:  # noqa: A002
        """Choose it."""
        context = info.context
        return await done(
            PasswordResetPayload,
            lambda: context.services.accounts.password_changes.reset(input.secret, input.password, visitor(context)),
        )

    @strawberry.mutation(description="Choose a new password; one's other sessions end.")
    async def password_change(self, info: Info, input: PasswordChangeInput) -> PasswordChangePayload:  # noqa: A002
        """Choose it."""
        context = info.context

        async def work() -> None:
            session = await session_of_viewer(context)
            await context.services.accounts.password_changes.change(
                context.signed_in.user, session, old=input.old, new=input.new, visitor=visitor(context)
            )

        return await done(PasswordChangePayload, work)


ACCESS = {
    **over("PasswordResetRequestPayload", REACHED, "done", "errors"),
    **over("PasswordResetPayload", REACHED, "done", "errors"),
    **over("PasswordChangePayload", REACHED, "done", "errors"),
    **over("Mutation", ANYONE, "passwordResetRequest", "passwordReset"),
    **over("Mutation", SESSION, "passwordChange"),
}
