"""Calls as they end, and balances as they move."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import strawberry

from clinx.graphql.billing.balance import BalanceNode
from clinx.graphql.context import Info
from clinx.graphql.errors import Refusal
from clinx.graphql.following.tail import MOST_WAITING, TooSlow
from clinx.graphql.permissions import Permission, over
from clinx.graphql.request_logs.types import RequestLogNode
from clinx.graphql.request_logs.wanted import Matching, RequestLogTailFilter
from clinx.graphql.revisions.asking import refusing
from clinx.graphql.users.whose import REACHED, either, whose


@strawberry.type(description="Calls that have just ended.")
class RequestLogNews:
    """Some logs."""

    logs: list[RequestLogNode] = strawberry.field(
        description=f"In the order in which they began; at most {MOST_WAITING}."
    )
    missed: int = strawberry.field(description="How many more there were before these, which were too many to send.")


@strawberry.type
class LiveSubscription:
    """Subscriptions about calls and balances."""

    @strawberry.subscription(description="Calls as they end, in any process: within about a second.")
    async def request_log_tail(
        self,
        info: Info,
        filter: RequestLogTailFilter | None = None,  # noqa: A002
    ) -> AsyncGenerator[RequestLogNews]:
        """Follow them."""
        context = info.context
        with refusing():
            matches = Matching(context, filter or RequestLogTailFilter())
        try:
            async with context.services.live.tail.follow(matches) as follower:
                while True:
                    logs, missed = await follower.take()
                    context.loaders.clear()
                    yield RequestLogNews(logs=list(map(RequestLogNode.of, logs)), missed=missed)
        except TooSlow:
            raise Refusal("What came was not taken.", "too_slow") from None

    @strawberry.subscription(description="What a user has: at once, and whenever it moved, within about a second.")
    async def balance_changed(self, info: Info, user: strawberry.ID | None = None) -> AsyncGenerator[BalanceNode]:
        """Follow it."""
        with refusing():
            user_id = whose(info.context, user, Permission.LEDGER_READ)
        with info.context.services.live.purses.follow(user_id) as purse:
            while True:
                yield BalanceNode.of(await purse.changed())


ACCESS = {
    **over("RequestLogNews", REACHED, "logs", "missed"),
    **over("Subscription", either(Permission.REQUEST_LOG_READ), "requestLogTail"),
    **over("Subscription", either(Permission.LEDGER_READ), "balanceChanged"),
}
