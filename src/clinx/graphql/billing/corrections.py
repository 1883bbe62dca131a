"""Corrections: a balance adjusted by an amount, and a charge given back."""

from __future__ import annotations

import strawberry

from clinx.billing import refunds, second_person
from clinx.billing.failures import ChargeUnknown, MoneyRefused
from clinx.billing.refunds import Refund
from clinx.billing.second_person import Outcome, Wish
from clinx.billing.transfer import Cause
from clinx.domain.identity import User
from clinx.domain.money import NANO, Amount
from clinx.graphql import step_up
from clinx.graphql.audit import Change
from clinx.graphql.billing.adjustments import AdjustmentNode
from clinx.graphql.billing.asked import cause_of, owner_of, subject
from clinx.graphql.billing.balance import BalanceNode, balance_now, balance_of
from clinx.graphql.billing.entries import KIND as ENTRY
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Problem, UserError, attempt, not_found
from clinx.graphql.ids import number_of
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.users.types import UserNode
from clinx.graphql.users.whose import KIND as USER
from clinx.graphql.users.whose import REACHED
from clinx.storage import refunds as charges
from clinx.storage import statements

MOST = Amount(100_000_000 * NANO)
"""The most that one adjustment moves, either way: keeps sums far from the ends of their columns."""


@strawberry.input(description="By how much, and why.")
class UserAdjustBalanceInput:
    """By how much, and why."""

    user: strawberry.ID
    by: Amount = strawberry.field(description="What is given or, when negative, taken; it may leave less than nothing.")
    reason: str = strawberry.field(description="Written with the entry; the user sees it.")
    idempotency_key: str = strawberry.field(description="One adjustment for each.")


@strawberry.type(description="A balance after it was adjusted.")
class UserAdjustBalancePayload:
    """A balance after it was adjusted."""

    user: UserNode | None = None
    balance: BalanceNode | None = strawberry.field(default=None, description="What the user has now.")
    repeated: bool = strawberry.field(default=False, description="Whether the key had done it before.")
    proposal: AdjustmentNode | None = strawberry.field(
        default=None, description="It is more than one person gives: nothing moves before another one approves this."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)
    change: strawberry.Private[Change | None] = None


@strawberry.input(description="Which charge: by the request or by the ledger entry; one of them.")
class ChargeRefundInput:
    """Which charge: by the request or by the ledger entry; one of them."""

    request_id: str | None = None
    entry: strawberry.ID | None = None
    amount: Amount | None = strawberry.field(default=None, description="Null is all that is left of the charge.")
    reason: str = strawberry.field(description="Written with the entry; the user sees it.")
    idempotency_key: str = strawberry.field(description="One refund for each.")


@strawberry.type(description="What was given back.")
class ChargeRefundPayload:
    """What was given back."""

    amount: Amount | None = strawberry.field(default=None, description="By this refund.")
    refunded: Amount | None = strawberry.field(default=None, description="By all refunds of the charge.")
    charge: Amount | None = strawberry.field(default=None, description="What was charged.")
    repeated: bool = strawberry.field(default=False, description="Whether the key had done it before.")
    user: UserNode | None = None
    balance: BalanceNode | None = strawberry.field(default=None, description="What the user has now.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class CorrectionMutation:
    """Corrections by operators."""

    @strawberry.mutation(description="Give or take an amount, or propose to; needs a fresh proof of who one is.")
    async def user_adjust_balance(self, info: Info, input: UserAdjustBalanceInput) -> UserAdjustBalancePayload:  # noqa: A002
        """Adjust it."""

        async def work() -> UserAdjustBalancePayload:
            step_up.require(info.context)
            user = await subject(info.context, number_of(input.user, USER))
            cause = cause_of(info.context, input.reason, input.idempotency_key)
            before = await balance_of(info.context, user.id)
            outcome = await _adjust(info.context, user, input.by, cause)
            proposal = outcome.proposal
            after = await balance_now(info.context, user.id)
            return UserAdjustBalancePayload(
                user=UserNode.of(user),
                balance=after,
                repeated=not outcome.is_new,
                proposal=None if proposal is None else AdjustmentNode.at(proposal, info.context.now),
                change=Change({"balance": str(before.total)}, {"balance": str(after.total)}),
            )

        return await attempt(lambda errors: UserAdjustBalancePayload(errors=errors), work)

    @strawberry.mutation(description="Give back a charge, or a part of it; needs a fresh proof of who one is.")
    async def charge_refund(self, info: Info, input: ChargeRefundInput) -> ChargeRefundPayload:  # noqa: A002
        """Give it back."""

        async def work() -> ChargeRefundPayload:
            step_up.require(info.context)
            event = await _event(info.context, input)
            user = await _charged(info.context, event)
            cause = cause_of(info.context, input.reason, input.idempotency_key)
            given = await _refund(info.context, event, input.amount, cause)
            return ChargeRefundPayload(
                amount=given.amount,
                refunded=given.refunded,
                charge=given.charge,
                repeated=not given.is_new,
                user=UserNode.of(user),
                balance=await balance_now(info.context, user.id),
            )

        return await attempt(lambda errors: ChargeRefundPayload(errors=errors), work)


async def _adjust(context: Context, user: User, by: Amount, cause: Cause) -> Outcome:
    if not by or not -MOST <= by <= MOST:
        raise Problem("amount_invalid", f"By an amount up to {MOST}, and not by nothing.", "by", most=str(MOST))
    wish, rule = Wish(user, by, context.signed_in.user, cause), context.snapshot.console.second_person
    return await second_person.adjust(context.services.database, wish, rule, at=context.now)


async def _event(context: Context, asked: ChargeRefundInput) -> str:
    if (asked.request_id is None) == (asked.entry is None):
        raise Problem("charge_unnamed", "Name the charge by its request or by its entry: one of them.")
    if asked.entry is None:
        return f"settle:{asked.request_id}"
    entry = await statements.entry(context.services.database, number_of(asked.entry, ENTRY))
    if entry is None:
        raise not_found("entry")
    return entry.event


async def _charged(context: Context, event: str) -> User:
    charge = await context.services.database.look(charges.find_charge(event))
    owner = None if charge is None else owner_of(charge.account)
    if owner is None:
        raise ChargeUnknown("there is no such charge")
    return await subject(context, owner)


async def _refund(context: Context, event: str, amount: Amount | None, cause: Cause) -> Refund:
    try:
        return await refunds.refund(context.services.database, event, amount, cause, at=context.now)
    except MoneyRefused:
        raise
    except ValueError:
        raise Problem("amount_invalid", "A refund is positive.", "amount") from None


ACCESS = {
    **over("UserAdjustBalancePayload", REACHED, "user", "balance", "repeated", "proposal", "errors"),
    **over("ChargeRefundPayload", REACHED, "amount", "refunded", "charge", "repeated", "user", "balance", "errors"),
    **over("Mutation", needs(Permission.USER_ADJUST_BALANCE), "userAdjustBalance"),
    **over("Mutation", needs(Permission.ORDER_WRITE), "chargeRefund"),
}
