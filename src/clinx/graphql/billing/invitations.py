"""Invitations: one's own code, what came of it, and accepting another's."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlencode

import strawberry

from clinx.billing import invitations
from clinx.billing.invitations import LEAST, Standing
from clinx.billing.transfer import Cause
from clinx.domain.invitation import Rewards
from clinx.domain.money import Amount
from clinx.graphql.billing.asked import key_of
from clinx.graphql.billing.balance import BalanceNode, balance_now
from clinx.graphql.billing.tries import tried
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import UserError, attempt
from clinx.graphql.permissions import SIGNED_IN, over
from clinx.graphql.users.whose import REACHED


@strawberry.type(name="Invitation", description="One's own invitation code, and what came of it.")
class InvitationNode:
    """An invitation."""

    code: str
    link: str | None = strawberry.field(description="A page of the frontend; null where the tree names no frontend.")
    invited: int = strawberry.field(description="How many accepted it.")
    earned: Amount = strawberry.field(description="All rewards for them.")
    transferable: Amount = strawberry.field(description="What is left of the rewards: `invitationTransfer` moves it.")
    least: Amount = strawberry.field(description="The least that is transferred at once.")
    was_invited: bool = strawberry.field(description="Whether one has accepted an invitation oneself.")
    reward: Amount = strawberry.field(description="What whoever accepts it brings its owner, as things stand.")
    reward_for_invited: Amount = strawberry.field(description="What whoever accepts it gets, as things stand.")

    @classmethod
    def of(cls, standing: Standing, rewards: Rewards, frontend: str | None) -> Self:
        """Return an invitation as the console shows it."""
        query = urlencode({"invitation": standing.code})
        return cls(
            code=standing.code,
            link=None if frontend is None else f"{frontend}/register?{query}",
            invited=standing.invited,
            earned=standing.earned,
            transferable=standing.waiting,
            least=LEAST,
            was_invited=standing.inviter_id is not None,
            reward=rewards.inviter,
            reward_for_invited=rewards.invitee,
        )


async def invitation_of_viewer(context: Context) -> InvitationNode:
    """Return the invitation of whoever asks; its code is made when it is first asked for.

    Raises:
        StorageUnavailable: the database cannot be used now.
    """
    snapshot = context.snapshot
    standing = await invitations.show(context.services.database, context.signed_in.user)
    return InvitationNode.of(standing, snapshot.invitations, snapshot.console.url)


@strawberry.input(description="Somebody's code.")
class InvitationAcceptInput:
    """Somebody's code."""

    code: str


@strawberry.type(description="What an invitation gave.")
class InvitationAcceptPayload:
    """What an invitation gave."""

    amount: Amount | None = strawberry.field(default=None, description="What the balance gained.")
    balance: BalanceNode | None = strawberry.field(default=None, description="What one has now.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="How much.")
class InvitationTransferInput:
    """How much."""

    amount: Amount
    idempotency_key: str = strawberry.field(description="One transfer for each.")


@strawberry.type(description="What was moved.")
class InvitationTransferPayload:
    """What was moved."""

    invitation: InvitationNode | None = None
    balance: BalanceNode | None = strawberry.field(default=None, description="What one has now.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class InvitationMutation:
    """Accepting invitations, and taking what they brought."""

    @strawberry.mutation(description="Accept an invitation: once, within one's first 30 days.")
    async def invitation_accept(self, info: Info, input: InvitationAcceptInput) -> InvitationAcceptPayload:  # noqa: A002
        """Accept it."""

        async def work() -> InvitationAcceptPayload:
            context, rewards = info.context, info.context.snapshot.invitations
            user = context.signed_in.user
            async with tried(context):
                await invitations.accept(context.services.database, user, input.code, rewards, at=context.now)
            return InvitationAcceptPayload(amount=rewards.invitee, balance=await balance_now(context, user.id))

        return await attempt(lambda errors: InvitationAcceptPayload(errors=errors), work)

    @strawberry.mutation(description="Move rewards for invitations to one's balance.")
    async def invitation_transfer(self, info: Info, input: InvitationTransferInput) -> InvitationTransferPayload:  # noqa: A002
        """Move them."""

        async def work() -> InvitationTransferPayload:
            context, viewer = info.context, info.context.signed_in
            why = Cause(viewer.actor, "invitationTransfer", key_of(context, input.idempotency_key))
            await invitations.withdraw(context.services.database, viewer.user, input.amount, why, at=context.now)
            return InvitationTransferPayload(
                invitation=await invitation_of_viewer(context), balance=await balance_now(context, viewer.user.id)
            )

        return await attempt(lambda errors: InvitationTransferPayload(errors=errors), work)


ACCESS = {
    **over(
        "Invitation",
        REACHED,
        *("code", "link", "invited", "earned", "transferable", "least", "wasInvited", "reward", "rewardForInvited"),
    ),
    **over("InvitationAcceptPayload", REACHED, "amount", "balance", "errors"),
    **over("InvitationTransferPayload", REACHED, "invitation", "balance", "errors"),
    **over("Mutation", SIGNED_IN, "invitationAccept", "invitationTransfer"),
}
