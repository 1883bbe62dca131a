"""Making, withdrawing and redeeming codes."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import strawberry

from clinx.billing import codes, second_person
from clinx.billing.codes import Offer, Own, Printed, Redeemed
from clinx.domain.money import Amount
from clinx.graphql import step_up
from clinx.graphql.billing.asked import key_of
from clinx.graphql.billing.balance import BalanceNode, balance_now
from clinx.graphql.billing.codes import BATCH, KIND, BatchNode, CodeNode, find_batch, find_code
from clinx.graphql.billing.tries import tried
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import UserError, attempt, not_found
from clinx.graphql.ids import key_of as id_key
from clinx.graphql.ids import number_of
from clinx.graphql.permissions import SIGNED_IN, Permission, needs, over
from clinx.graphql.scalars import Secret
from clinx.graphql.users.whose import REACHED
from clinx.storage import codes as stored


@strawberry.input(description="What each code is to be.")
class CodeBatchCreateInput:
    """What each code is to be."""

    name: str = strawberry.field(description="What people call the batch; 1 to 64 characters.")
    count: int = strawberry.field(description=f"1 to {codes.MOST}.")
    amount: Amount = strawberry.field(description="What each code is worth.")
    expires_at: datetime | None = strawberry.field(default=None, description="Null is never.")
    idempotency_key: str = strawberry.field(description="One batch for each.")


@strawberry.type(description="A new batch.")
class CodeBatchCreatePayload:
    """A new batch."""

    batch: BatchNode | None = None
    codes: list[str] | None = strawberry.field(
        default=None,
        description="The only time they are shown: null when the key made the batch before. Withdraw a lost batch.",
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Which batch.")
class CodeBatchDisableInput:
    """Which batch."""

    id: strawberry.ID


@strawberry.type(description="A batch that was withdrawn.")
class CodeBatchDisablePayload:
    """A batch that was withdrawn."""

    batch: BatchNode | None = None
    disabled: int = strawberry.field(default=0, description="How many of its codes were open, and are not any more.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Which code.")
class CodeDisableInput:
    """Which code."""

    id: strawberry.ID


@strawberry.type(description="A code that was withdrawn, if it was open.")
class CodeDisablePayload:
    """A code that was withdrawn, if it was open."""

    code: CodeNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="A code.")
class CodeRedeemInput:
    """A code."""

    code: Secret = strawberry.field(description="Capitals, hyphens and spaces do not matter.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="With it, the same asked again is answered the same; without it, `code_used`."
    )


@strawberry.type(description="What a code gave.")
class CodeRedeemPayload:
    """What a code gave."""

    amount: Amount | None = None
    balance: BalanceNode | None = strawberry.field(default=None, description="What one has now.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class CodeMutation:
    """Making, withdrawing and redeeming codes."""

    @strawberry.mutation(description="Make a batch of codes; needs a fresh proof of who one is.")
    async def code_batch_create(self, info: Info, input: CodeBatchCreateInput) -> CodeBatchCreatePayload:  # noqa: A002
        """Make it."""

        async def work() -> CodeBatchCreatePayload:
            step_up.require(info.context)
            offer = Offer(input.name, input.amount, input.count, input.expires_at)
            printed = await _create(info.context, offer, key_of(info.context, input.idempotency_key))
            batch = await find_batch(info.context, printed.batch)
            return CodeBatchCreatePayload(batch=batch, codes=list(printed.codes) or None)

        return await attempt(lambda errors: CodeBatchCreatePayload(errors=errors), work)

    @strawberry.mutation(description="Withdraw a batch, as far as its codes are not redeemed.")
    async def code_batch_disable(self, info: Info, input: CodeBatchDisableInput) -> CodeBatchDisablePayload:  # noqa: A002
        """Withdraw it."""

        async def work() -> CodeBatchDisablePayload:
            number = id_key(input.id, BATCH)
            if await stored.get_batch(info.context.services.database, number, at=info.context.now) is None:
                raise not_found("batch")
            count = await codes.disable(info.context.services.database, number)
            return CodeBatchDisablePayload(batch=await find_batch(info.context, number), disabled=count)

        return await attempt(lambda errors: CodeBatchDisablePayload(errors=errors), work)

    @strawberry.mutation(description="Withdraw a code, if it is not redeemed.")
    async def code_disable(self, info: Info, input: CodeDisableInput) -> CodeDisablePayload:  # noqa: A002
        """Withdraw it."""

        async def work() -> CodeDisablePayload:
            database, number = info.context.services.database, number_of(input.id, KIND)
            if await stored.get(database, number) is None:
                raise not_found("code")
            await codes.disable(database, str(number))
            return CodeDisablePayload(code=await find_code(info.context, str(number)))

        return await attempt(lambda errors: CodeDisablePayload(errors=errors), work)

    @strawberry.mutation(description="Redeem a code: its amount is on the balance at once.")
    async def code_redeem(self, info: Info, input: CodeRedeemInput) -> CodeRedeemPayload:  # noqa: A002
        """Redeem it."""

        async def work() -> CodeRedeemPayload:
            user = info.context.signed_in.user
            redeemed = await _redeem(info.context, input)
            return CodeRedeemPayload(amount=redeemed.amount, balance=await balance_now(info.context, user.id))

        return await attempt(lambda errors: CodeRedeemPayload(errors=errors), work)


async def _create(context: Context, offer: Offer, key: str) -> Printed:
    viewer, at = context.signed_in, context.now
    allow = partial(second_person.check_batch, context.snapshot.console.second_person, viewer.user, at=at)
    own = Own(viewer.user.id, key, allow)
    return await codes.create(context.services.database, offer, actor=viewer.actor, at=at, own=own)


async def _redeem(context: Context, asked: CodeRedeemInput) -> Redeemed:
    user, key = context.signed_in.user, asked.idempotency_key
    async with tried(context):
        return await codes.redeem(
            context.services.database,
            user,
            asked.code,
            at=context.now,
            key=None if key is None else key_of(context, key),
        )


ACCESS = {
    **over("CodeBatchCreatePayload", REACHED, "batch", "codes", "errors"),
    **over("CodeBatchDisablePayload", REACHED, "batch", "disabled", "errors"),
    **over("CodeDisablePayload", REACHED, "code", "errors"),
    **over("CodeRedeemPayload", REACHED, "amount", "balance", "errors"),
    **over("Mutation", needs(Permission.CODE_WRITE), "codeBatchCreate", "codeBatchDisable", "codeDisable"),
    **over("Mutation", SIGNED_IN, "codeRedeem"),
}
