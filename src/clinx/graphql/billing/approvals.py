"""The second person: approves what another one proposed to give, or rejects it."""

from __future__ import annotations

from typing import Final

import strawberry

from clinx.billing import second_person
from clinx.domain.adjustment import Adjustment, AdjustmentState
from clinx.domain.identity import Role, Status, User
from clinx.graphql import step_up
from clinx.graphql.audit import Change
from clinx.graphql.billing.adjustments import KIND, AdjustmentNode
from clinx.graphql.billing.asked import subject
from clinx.graphql.billing.balance import BalanceNode, balance_now
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Problem, UserError, attempt, not_found
from clinx.graphql.ids import number_of
from clinx.graphql.permissions import Permission, needs, over, permissions_of
from clinx.graphql.users.whose import REACHED, in_person, is_above
from clinx.storage import adjustments, users

_MAY: Final = Permission.USER_ADJUST_BALANCE


@strawberry.input(description="Which proposal.")
class BalanceAdjustmentInput:
    """Which proposal."""

    id: strawberry.ID


@strawberry.type(description="A proposal that was booked.")
class BalanceAdjustmentApprovePayload:
    """A proposal that was booked."""

    adjustment: AdjustmentNode | None = None
    balance: BalanceNode | None = strawberry.field(default=None, description="What the user has now.")
    repeated: bool = strawberry.field(default=False, description="Whether one had approved it before.")
    errors: list[UserError] = strawberry.field(default_factory=list)
    change: strawberry.Private[Change | None] = None


@strawberry.type(description="A proposal that came to nothing.")
class BalanceAdjustmentRejectPayload:
    """A proposal that came to nothing."""

    adjustment: AdjustmentNode | None = None
    repeated: bool = strawberry.field(default=False, description="Whether one had rejected it before.")
    errors: list[UserError] = strawberry.field(default_factory=list)
    change: strawberry.Private[Change | None] = None


@strawberry.type
class ApprovalMutation:
    """Decisions about proposals."""

    @strawberry.mutation(
        description="Give what another person proposed; needs a fresh proof of who one is, and no access key does it."
    )
    async def balance_adjustment_approve(
        self,
        info: Info,
        input: BalanceAdjustmentInput,  # noqa: A002
    ) -> BalanceAdjustmentApprovePayload:
        """Give it."""

        async def work() -> BalanceAdjustmentApprovePayload:
            context = info.context
            in_person(context)
            step_up.require(context)
            found = await _found(context, input.id)
            await _check_people(context, found)
            viewer = context.signed_in
            is_new = await second_person.approve(
                context.services.database, found.id, viewer.user, viewer.actor, at=context.now
            )
            balance = await balance_now(context, found.proposed.user_id)
            return BalanceAdjustmentApprovePayload(
                adjustment=await _shown(context, found.id),
                balance=balance,
                repeated=not is_new,
                change=_change(found, AdjustmentState.APPROVED) if is_new else None,
            )

        return await attempt(lambda errors: BalanceAdjustmentApprovePayload(errors=errors), work)

    @strawberry.mutation(description="Let a proposal come to nothing; whoever made it may, too.")
    async def balance_adjustment_reject(
        self,
        info: Info,
        input: BalanceAdjustmentInput,  # noqa: A002
    ) -> BalanceAdjustmentRejectPayload:
        """Let it."""

        async def work() -> BalanceAdjustmentRejectPayload:
            context = info.context
            found = await _found(context, input.id)
            database, user = context.services.database, context.signed_in.user
            is_new = await second_person.reject(database, found.id, user, at=context.now)
            return BalanceAdjustmentRejectPayload(
                adjustment=await _shown(context, found.id),
                repeated=not is_new,
                change=_change(found, AdjustmentState.REJECTED) if is_new else None,
            )

        return await attempt(lambda errors: BalanceAdjustmentRejectPayload(errors=errors), work)


async def _found(context: Context, id_: strawberry.ID) -> Adjustment:
    found = await adjustments.get(context.services.database, number_of(id_, KIND))
    if found is None:
        raise not_found("adjustment")
    return found


async def _shown(context: Context, number: int) -> AdjustmentNode | None:
    now = await adjustments.get(context.services.database, number)
    return None if now is None else AdjustmentNode.at(now, context.now)


async def _check_people(context: Context, found: Adjustment) -> None:
    """Let the second person pass who might have given it themselves, while the first one might still propose it.

    Raises:
        Problem: ``not_yourself``, ``not_found`` or ``role_too_low``: it is not the approver's to give;
            ``proposer_not_allowed``: the proposer was disabled, or is no operator any more.
        StorageUnavailable: the database cannot be read now.
    """
    person = await subject(context, found.proposed.user_id)
    proposer = await users.get(context.services.database, found.proposed.proposer_id)
    if proposer is None or proposer.status is not Status.ACTIVE or not _may_still(proposer, person):
        said = "Whoever proposed it may not do so any more: reject it."
        raise Problem("proposer_not_allowed", said, "id")


def _may_still(proposer: User, subject: User) -> bool:
    """Whether somebody may correct a balance today: they may have lost a role since they proposed it."""
    if _MAY not in permissions_of(proposer.role):
        return False
    return proposer.role is Role.ROOT or (proposer.id != subject.id and is_above(proposer, subject))


def _change(found: Adjustment, state: AdjustmentState) -> Change:
    proposed = found.proposed
    about = {"user": proposed.user_id, "by": str(proposed.amount), "proposer": proposed.actor}
    return Change({**about, "state": found.state.value}, {**about, "state": state.value})


ACCESS = {
    **over("BalanceAdjustmentApprovePayload", REACHED, "adjustment", "balance", "repeated", "errors"),
    **over("BalanceAdjustmentRejectPayload", REACHED, "adjustment", "repeated", "errors"),
    **over(
        "Mutation",
        needs(_MAY),
        *("balanceAdjustmentApprove", "balanceAdjustmentReject"),
    ),
}
