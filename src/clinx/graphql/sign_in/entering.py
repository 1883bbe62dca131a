"""Signing in, in one step or two, and out."""

from __future__ import annotations

from contextlib import suppress

import strawberry

from clinx.accounts.failures import NotFound
from clinx.accounts.sign_in import FactorNeeded
from clinx.domain.session import FactorKind
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import UserError, attempt
from clinx.graphql.ids import number_of
from clinx.graphql.permissions import ANYONE, POSTED, SESSION, over
from clinx.graphql.scalars import Secret
from clinx.graphql.sign_in import types
from clinx.graphql.sign_in.done import Done, done
from clinx.graphql.sign_in.types import PasskeyCeremony
from clinx.graphql.sign_in.viewer import ViewerNode
from clinx.graphql.sign_in.visit import let_in, visitor
from clinx.graphql.users.whose import REACHED, in_person


@strawberry.input(description="Who one says one is, and a password.")
class SignInInput:
    """Who, and a password."""

    login: str = strawberry.field(description="A name, or a verified address.")
    password: Secret


@strawberry.type(description="Either somebody has signed in, or a second factor is to follow (`signInFinish`).")
class SignInPayload:
    """What came of it."""

    viewer: ViewerNode | None = strawberry.field(default=None, description="Whoever has signed in.")
    challenge: str | None = strawberry.field(
        default=None, description="Handed back with the second factor, within ten minutes."
    )
    factors: list[FactorKind] = strawberry.field(default_factory=list, description="One of these is to follow.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="A code of an app or of paper.")
class SignInFinishInput:
    """A code."""

    challenge: Secret = strawberry.field(description="Of `signIn`, or of the fragment after another service.")
    kind: FactorKind
    code: Secret


@strawberry.type(description="Whoever has signed in.")
class SignInFinishPayload:
    """Whoever has signed in."""

    viewer: ViewerNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Which step is to be taken with a passkey.")
class PasskeySignInBeginInput:
    """Which step."""

    challenge: Secret | None = strawberry.field(
        default=None, description="Of `signIn`: the passkey is the second step. Null: it is all there is to it."
    )


@strawberry.type(description="What the browser needs.")
class PasskeySignInBeginPayload:
    """What the browser needs."""

    ceremony: PasskeyCeremony | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="What the browser answered.")
class PasskeySignInFinishInput:
    """What the browser answered."""

    ceremony: Secret = strawberry.field(description="The ceremony's secret.")
    credential: str = strawberry.field(description="JSON, as the browser gave it.")
    challenge: Secret | None = strawberry.field(default=None, description="The same as when it began.")


@strawberry.type(description="Whoever has signed in.")
class PasskeySignInFinishPayload:
    """Whoever has signed in."""

    viewer: ViewerNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="Whether the session has ended.")
class SignOutPayload(Done):
    """Whether it has."""


@strawberry.type(description="Whether all sessions have ended.")
class SignOutEverywherePayload(Done):
    """Whether they have."""


@strawberry.input(description="Which session.")
class SessionRevokeInput:
    """Which session."""

    id: strawberry.ID


@strawberry.type(description="Whether the session has ended.")
class SessionRevokePayload(Done):
    """Whether it has."""


@strawberry.type
class EnteringMutation:
    """Signing in and out."""

    @strawberry.mutation(description="Sign in with a password. The answer sets a cookie, unless a factor is to follow.")
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload:  # noqa: A002
        """Take the first step."""

        async def work() -> SignInPayload:
            context = info.context
            entered = await context.services.accounts.sign_in.with_password(
                input.login, input.password, visitor(context)
            )
            if isinstance(entered, FactorNeeded):
                return SignInPayload(challenge=entered.secret, factors=list(entered.kinds))
            await let_in(context, entered)
            return SignInPayload(viewer=ViewerNode(viewer=context.signed_in))

        return await attempt(lambda errors: SignInPayload(errors=errors), work)

    @strawberry.mutation(description="Take the second step with a code.")
    async def sign_in_finish(self, info: Info, input: SignInFinishInput) -> SignInFinishPayload:  # noqa: A002
        """Take it."""

        async def work() -> SignInFinishPayload:
            context = info.context
            opened = await context.services.accounts.sign_in.with_code(
                input.challenge, input.kind, input.code, visitor(context)
            )
            await let_in(context, opened)
            return SignInFinishPayload(viewer=ViewerNode(viewer=context.signed_in))

        return await attempt(lambda errors: SignInFinishPayload(errors=errors), work)

    @strawberry.mutation(description="Begin to sign in with a passkey.")
    async def passkey_sign_in_begin(self, info: Info, input: PasskeySignInBeginInput) -> PasskeySignInBeginPayload:  # noqa: A002
        """Begin."""

        async def work() -> PasskeySignInBeginPayload:
            context = info.context
            ceremony = await context.services.accounts.sign_in.begin_passkey(visitor(context), input.challenge)
            return PasskeySignInBeginPayload(ceremony=PasskeyCeremony.of(ceremony))

        return await attempt(lambda errors: PasskeySignInBeginPayload(errors=errors), work)

    @strawberry.mutation(description="Sign in with what a passkey signed.")
    async def passkey_sign_in_finish(self, info: Info, input: PasskeySignInFinishInput) -> PasskeySignInFinishPayload:  # noqa: A002
        """Finish."""

        async def work() -> PasskeySignInFinishPayload:
            context = info.context
            opened = await context.services.accounts.sign_in.with_passkey(
                input.ceremony, input.credential, visitor(context), second_step=input.challenge
            )
            await let_in(context, opened)
            return PasskeySignInFinishPayload(viewer=ViewerNode(viewer=context.signed_in))

        return await attempt(lambda errors: PasskeySignInFinishPayload(errors=errors), work)

    @strawberry.mutation(description="End the session that asks; one that is over already is as good.")
    async def sign_out(self, info: Info) -> SignOutPayload:
        """End it."""
        if info.context.viewer is not None:
            in_person(info.context)
        return await done(SignOutPayload, lambda: _end(info.context))

    @strawberry.mutation(description="End all sessions of whoever asks, this one as well.")
    async def sign_out_everywhere(self, info: Info) -> SignOutEverywherePayload:
        """End them."""
        context = info.context

        async def work() -> None:
            await context.services.accounts.sessions.end_all(context.signed_in.user)
            context.session_secret = ""

        return await done(SignOutEverywherePayload, work)

    @strawberry.mutation(description="End one session of whoever asks.")
    async def session_revoke(self, info: Info, input: SessionRevokeInput) -> SessionRevokePayload:  # noqa: A002
        """End it."""
        context = info.context

        async def work() -> None:
            number = number_of(input.id, types.SESSION)
            await context.services.accounts.sessions.end(context.signed_in.user, number)
            if number == context.signed_in.session:
                context.session_secret = ""

        return await done(SessionRevokePayload, work)


async def _end(context: Context) -> None:
    """End the session that asks; one that has ended already is as good, and the cookie goes either way.

    Raises:
        TooManyAttempts: nobody's are ended too often from there: each is written down.
    """
    viewer = context.viewer
    if viewer is None or viewer.session is None:
        await context.services.throttle.entry(context.address)
    else:
        with suppress(NotFound):
            await context.services.accounts.sessions.end(viewer.user, viewer.session)
    context.session_secret = ""


ACCESS = {
    **over("SignInPayload", REACHED, "viewer", "challenge", "factors", "errors"),
    **over("SignInFinishPayload", REACHED, "viewer", "errors"),
    **over("PasskeySignInBeginPayload", REACHED, "ceremony", "errors"),
    **over("PasskeySignInFinishPayload", REACHED, "viewer", "errors"),
    **over("SignOutPayload", REACHED, "done", "errors"),
    **over("SignOutEverywherePayload", REACHED, "done", "errors"),
    **over("SessionRevokePayload", REACHED, "done", "errors"),
    **over("Mutation", POSTED, "signIn", "signInFinish", "passkeySignInFinish"),
    **over("Mutation", ANYONE, "passkeySignInBegin", "signOut"),
    **over("Mutation", SESSION, "signOutEverywhere", "sessionRevoke"),
}
