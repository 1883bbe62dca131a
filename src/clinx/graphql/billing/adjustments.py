"""Adjustments of balances that wait for a second person, as operators see them."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final, Self

import strawberry

from clinx.domain.adjustment import Adjustment, AdjustmentState
from clinx.domain.money import Amount
from clinx.graphql.context import Context, Info
from clinx.graphql.ids import Node, number_of, to_id
from clinx.graphql.paging import COUNTED, Connection, Cursors, checked, page
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.users.types import UserNode, user_of
from clinx.graphql.users.whose import KIND as USER
from clinx.graphql.users.whose import row_of
from clinx.storage import adjustments
from clinx.storage.adjustments import AdjustmentFilter

KIND: Final = "BalanceAdjustment"

strawberry.enum(AdjustmentState, name="BalanceAdjustmentState", description="The life of a proposal.")


@strawberry.type(name=KIND, description="An amount that one person proposed to give, and that another has to approve.")
class AdjustmentNode(Node):
    """A proposal."""

    of: strawberry.Private[Adjustment]
    by: Amount = strawberry.field(description="What is given when it is approved.")
    reason: str
    state: AdjustmentState
    created_at: datetime
    expires_at: datetime = strawberry.field(description="Until when it may be approved.")
    decided_at: datetime | None = strawberry.field(description="When it was approved or rejected.")

    @strawberry.field(description="Whose balance it is about.")
    async def user(self, info: Info) -> UserNode | None:
        """Return the user."""
        return await user_of(info.context, self.of.proposed.user_id)

    @strawberry.field(description="Who proposed it, and does not approve it.")
    async def proposed_by(self, info: Info) -> UserNode | None:
        """Return the user."""
        return await user_of(info.context, self.of.proposed.proposer_id)

    @strawberry.field(description="Who approved or rejected it.")
    async def decided_by(self, info: Info) -> UserNode | None:
        """Return the user."""
        return None if self.of.decided_by is None else await user_of(info.context, self.of.decided_by)

    @classmethod
    def at(cls, adjustment: Adjustment, at: datetime) -> Self:
        """Return a proposal as it is at an instant."""
        proposed = adjustment.proposed
        return cls(
            id=to_id(KIND, adjustment.id),
            of=adjustment,
            by=proposed.amount,
            reason=proposed.reason,
            state=adjustment.state_at(at),
            created_at=proposed.at,
            expires_at=proposed.expires_at,
            decided_at=adjustment.decided_at,
        )


@strawberry.input(name="BalanceAdjustmentFilter", description="Which proposals are wanted.")
class AdjustmentWanted:
    """All that is given must hold."""

    state: AdjustmentState | None = None
    user: strawberry.ID | None = strawberry.field(default=None, description="Whose balance it is about.")


@strawberry.type
class AdjustmentQuery:
    """Queries about proposals."""

    @strawberry.field(description="Adjustments that waited or wait for a second person, the latest first.")
    async def balance_adjustments(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: AdjustmentWanted | None = None,  # noqa: A002
    ) -> Connection[AdjustmentNode]:
        """Return a page of them."""
        database, at = info.context.services.database, info.context.now
        cursors, limit = Cursors(info.context.services.keys.cursors, "balanceAdjustments"), checked(first)
        wanted, place = _filter(filter or AdjustmentWanted()), cursors.read(after, int)
        below = None if place is None else place[0]
        found = await adjustments.page(database, wanted, at=at, below=below, limit=limit + 1)
        return page(
            found,
            limit,
            lambda each: AdjustmentNode.at(each, at),
            cursors,
            lambda each: (each.id,),
            after=after,
            count=partial(adjustments.count, database, wanted, at=at, most=COUNTED + 1),
        )


def _filter(asked: AdjustmentWanted) -> AdjustmentFilter:
    return AdjustmentFilter(
        state=asked.state,
        user_id=None if asked.user is None else number_of(asked.user, USER),
    )


async def find_adjustment(context: Context, key: str) -> AdjustmentNode | None:
    """Return a proposal, if whoever asks may see it."""
    number = row_of(key)
    if number is None or not context.may(Permission.USER_ADJUST_BALANCE):
        return None
    found = await adjustments.get(context.services.database, number)
    return None if found is None else AdjustmentNode.at(found, context.now)


_SEES: Final = needs(Permission.USER_ADJUST_BALANCE)
ACCESS = {
    **over(
        KIND,
        _SEES,
        *("id", "by", "reason", "state", "createdAt", "expiresAt", "decidedAt", "user", "proposedBy", "decidedBy"),
    ),
    **over("Query", _SEES, "balanceAdjustments"),
}
