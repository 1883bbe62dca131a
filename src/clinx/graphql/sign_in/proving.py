"""Proving again who one is, before a verb that could not be undone."""

from __future__ import annotations

from datetime import datetime

import strawberry

from clinx.domain.session import FactorKind
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Problem, UserError, attempt
from clinx.graphql.permissions import SESSION, over
from clinx.graphql.scalars import Secret
from clinx.graphql.sign_in.types import PasskeyCeremony
from clinx.graphql.sign_in.viewer import stepped_up_until
from clinx.graphql.sign_in.visit import session_of_viewer, stepped_up, visitor
from clinx.graphql.users.whose import REACHED


@strawberry.input(description="A password, or a code and what it is of; who has a second factor needs that.")
class StepUpInput:
    """A proof."""

    password: Secret | None = None
    kind: FactorKind | None = None
    code: Secret | None = None


@strawberry.type(description="How long the proof counts.")
class StepUpPayload:
    """How long."""

    until: datetime | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What the browser needs.")
class PasskeyStepUpBeginPayload:
    """What the browser needs."""

    ceremony: PasskeyCeremony | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="What the browser answered.")
class PasskeyStepUpFinishInput:
    """What the browser answered."""

    ceremony: Secret = strawberry.field(description="The ceremony's secret.")
    credential: str = strawberry.field(description="JSON, as the browser gave it.")


@strawberry.type(description="How long the proof counts.")
class PasskeyStepUpFinishPayload:
    """How long."""

    until: datetime | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ProvingMutation:
    """Proving again who one is."""

    @strawberry.mutation(description="Prove again who one is, for the verbs that need it.")
    async def step_up(self, info: Info, input: StepUpInput) -> StepUpPayload:  # noqa: A002
        """Prove it."""

        async def work() -> StepUpPayload:
            await _prove(info.context, input)
            return StepUpPayload(until=_until(info.context))

        return await attempt(lambda errors: StepUpPayload(errors=errors), work)

    @strawberry.mutation(description="Begin to prove it with a passkey.")
    async def passkey_step_up_begin(self, info: Info) -> PasskeyStepUpBeginPayload:
        """Begin."""

        async def work() -> PasskeyStepUpBeginPayload:
            context = info.context
            ceremony = await context.services.accounts.sign_in.begin_passkey_step_up(context.signed_in.user)
            return PasskeyStepUpBeginPayload(ceremony=PasskeyCeremony.of(ceremony))

        return await attempt(lambda errors: PasskeyStepUpBeginPayload(errors=errors), work)

    @strawberry.mutation(description="Prove it with what a passkey signed.")
    async def passkey_step_up_finish(self, info: Info, input: PasskeyStepUpFinishInput) -> PasskeyStepUpFinishPayload:  # noqa: A002
        """Finish."""

        async def work() -> PasskeyStepUpFinishPayload:
            context, session = info.context, await session_of_viewer(info.context)
            await context.services.accounts.sign_in.step_up_with_passkey(
                context.signed_in.user, session, ceremony=input.ceremony, answer=input.credential
            )
            return PasskeyStepUpFinishPayload(until=_until(context))

        return await attempt(lambda errors: PasskeyStepUpFinishPayload(errors=errors), work)


async def _prove(context: Context, given: StepUpInput) -> None:
    sign_in, user, where = context.services.accounts.sign_in, context.signed_in.user, visitor(context)
    match given.password, given.kind, given.code:
        case str(password), None, None:
            await sign_in.step_up_with_password(user, await session_of_viewer(context), password, where)
        case None, FactorKind() as kind, str(code):
            await sign_in.step_up_with_code(user, await session_of_viewer(context), kind, code, where)
        case _:
            raise Problem("proof_unclear", "Give a password, or a code and its kind: one of them.")


def _until(context: Context) -> datetime | None:
    stepped_up(context)
    return stepped_up_until(context, context.signed_in)


ACCESS = {
    **over("StepUpPayload", REACHED, "until", "errors"),
    **over("PasskeyStepUpBeginPayload", REACHED, "ceremony", "errors"),
    **over("PasskeyStepUpFinishPayload", REACHED, "until", "errors"),
    **over("Mutation", SESSION, "stepUp", "passkeyStepUpBegin", "passkeyStepUpFinish"),
}
