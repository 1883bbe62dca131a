"""Strangers make accounts, and addresses are verified."""

from __future__ import annotations

import strawberry

from clinx.accounts.registration import Application
from clinx.accounts.sign_in import PASSWORD, FactorNeeded
from clinx.billing import invitations
from clinx.billing.failures import MoneyRefused
from clinx.domain.console import Language
from clinx.domain.identity import User
from clinx.graphql import step_up
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Problem, UserError, attempt
from clinx.graphql.permissions import ANYONE, POSTED, SESSION, over
from clinx.graphql.scalars import Secret
from clinx.graphql.sign_in.done import Done, done
from clinx.graphql.sign_in.viewer import ViewerNode
from clinx.graphql.sign_in.visit import let_in, visitor
from clinx.graphql.users.whose import REACHED
from clinx.storage.failures import StorageUnavailable


@strawberry.input(description="What a stranger says of themselves.")
class RegisterInput:
    """What a stranger says of themselves."""

    name: str
    password: Secret
    email: str | None = None
    display_name: str = ""
    language: Language | None = None
    invitation: str | None = strawberry.field(
        default=None,
        description="Somebody's code; where an address is verified first, `emailVerify` takes it.",
    )


@strawberry.type(description="A new account.")
class RegisterPayload:
    """A new account."""

    viewer: ViewerNode | None = strawberry.field(
        default=None, description="Who is signed in now; null while the address has to be verified."
    )
    must_verify: bool | None = strawberry.field(
        default=None, description="Whether a letter has to be answered first; null when no account was made."
    )
    invitation_accepted: bool = False
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="What a letter brought: the secret of its link, or the address and the six digits.")
class EmailVerifyInput:
    """What a letter brought."""

    secret: Secret | None = None
    email: str | None = None
    code: Secret | None = None
    invitation: str | None = strawberry.field(default=None, description="Somebody's code, for a new account.")


@strawberry.type(description="Whether the address is the account's from now on.")
class EmailVerifyPayload(Done):
    """Whether it is."""

    invitation_accepted: bool = False


@strawberry.input(description="Whose letter did not arrive.")
class EmailVerificationSendInput:
    """Whose."""

    name: str


@strawberry.type(description="Whether it was asked for; whether there is such an account, nobody is told.")
class EmailVerificationSendPayload(Done):
    """Whether it was."""


@strawberry.input(description="An address that is to be one's own.")
class EmailChangeInput:
    """An address."""

    email: str


@strawberry.type(description="Whether a letter was written; the address changes when it is answered.")
class EmailChangePayload(Done):
    """Whether it was."""


@strawberry.type
class RegisteringMutation:
    """Making accounts, and verifying addresses."""

    @strawberry.mutation(description="Make an account for oneself, where strangers may.")
    async def register(self, info: Info, input: RegisterInput) -> RegisterPayload:  # noqa: A002
        """Make it."""

        async def work() -> RegisterPayload:
            context, accounts = info.context, info.context.services.accounts
            application = Application(input.name, input.password, input.email, input.display_name, input.language)
            made = await accounts.registrar.register(application, visitor(context))
            if made.must_verify:
                return RegisterPayload(must_verify=True)
            entered = await accounts.sign_in.admit(made.user, PASSWORD, visitor(context))
            assert not isinstance(entered, FactorNeeded), "a new account has no second factor"  # noqa: S101
            await let_in(context, entered)
            return RegisterPayload(
                viewer=ViewerNode(viewer=context.signed_in),
                must_verify=False,
                invitation_accepted=await _accepted(context, made.user, input.invitation),
            )

        return await attempt(lambda errors: RegisterPayload(errors=errors), work)

    @strawberry.mutation(description="Answer a letter: the address it came to is the account's from now on.")
    async def email_verify(self, info: Info, input: EmailVerifyInput) -> EmailVerifyPayload:  # noqa: A002
        """Answer it."""

        async def work() -> EmailVerifyPayload:
            user = await _verified(info.context, input)
            accepted = await _accepted(info.context, user, input.invitation)
            return EmailVerifyPayload(done=True, invitation_accepted=accepted)

        return await attempt(lambda errors: EmailVerifyPayload(errors=errors), work)

    @strawberry.mutation(description="Write once more to somebody who has to verify their address.")
    async def email_verification_send(
        self,
        info: Info,
        input: EmailVerificationSendInput,  # noqa: A002
    ) -> EmailVerificationSendPayload:
        """Write it."""
        context = info.context
        return await done(
            EmailVerificationSendPayload,
            lambda: context.services.accounts.addresses.begin_again(input.name, visitor(context)),
        )

    @strawberry.mutation(description="Write to an address that is to be one's own; needs a fresh proof of who one is.")
    async def email_change(self, info: Info, input: EmailChangeInput) -> EmailChangePayload:  # noqa: A002
        """Write to it."""
        context = info.context

        async def work() -> None:
            step_up.require(context)
            await context.services.accounts.addresses.begin(context.signed_in.user, input.email, visitor(context))

        return await done(EmailChangePayload, work)


async def _verified(context: Context, given: EmailVerifyInput) -> User:
    addresses = context.services.accounts.addresses
    match given.secret, given.email, given.code:
        case str(secret), None, None:
            return await addresses.finish(secret, visitor(context))
        case None, str(email), str(code):
            return await addresses.finish_with_code(email, code, visitor(context))
        case _:
            raise Problem("proof_unclear", "Give the secret, or the address and the code: one of them.")


async def _accepted(context: Context, user: User, code: str | None) -> bool:
    """Accept an invitation; one that is good for nothing keeps nobody out, and can be accepted later."""
    if not code:
        return False
    try:
        database, rewards = context.services.database, context.snapshot.invitations
        await invitations.accept(database, user, code, rewards, at=context.now)
    except (MoneyRefused, StorageUnavailable):
        return False
    return True


ACCESS = {
    **over("RegisterPayload", REACHED, "viewer", "mustVerify", "invitationAccepted", "errors"),
    **over("EmailVerifyPayload", REACHED, "done", "invitationAccepted", "errors"),
    **over("EmailVerificationSendPayload", REACHED, "done", "errors"),
    **over("EmailChangePayload", REACHED, "done", "errors"),
    **over("Mutation", POSTED, "register"),
    **over("Mutation", ANYONE, "emailVerify", "emailVerificationSend"),
    **over("Mutation", SESSION, "emailChange"),
}
