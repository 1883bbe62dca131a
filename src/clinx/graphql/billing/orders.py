"""Top-up orders, as their buyers and as operators see them."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final, Self

import strawberry

from clinx.domain.money import Amount
from clinx.domain.order import Order, OrderState, Outcome, PaymentEvent, PaymentProvider, is_order_id
from clinx.graphql.billing import checkout
from clinx.graphql.billing.loaders import Sayings
from clinx.graphql.billing.pages import PaymentPage
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Forbidden, Problem, Refusal
from clinx.graphql.ids import Node, key_of, to_id
from clinx.graphql.paging import COUNTED, Connection, Cursors, checked, page
from clinx.graphql.permissions import Permission, needs, over, own
from clinx.graphql.users.types import UserNode, user_of
from clinx.graphql.users.whose import either, whose
from clinx.storage import orders
from clinx.storage.codec import instant, micros
from clinx.storage.orders import OrderFilter

KIND: Final = "Order"

strawberry.enum(PaymentProvider, name="PaymentProvider", description="Who takes the money.")
strawberry.enum(OrderState, name="OrderState", description="The life of an order.")
strawberry.enum(Outcome, name="PaymentOutcome", description="What came of something that a provider said.")


@strawberry.type(
    name="PaymentEvent", description="Something that a provider, or somebody in its name, said of an order."
)
class PaymentEventNode:
    """A notice."""

    at: datetime
    outcome: Outcome
    address: str | None = strawberry.field(description="Where it came from; null when the provider was asked.")
    detail: str | None

    @classmethod
    def of(cls, event: PaymentEvent) -> Self:
        """Return a notice as the console shows it."""
        return cls(at=event.at, outcome=event.outcome, address=event.address, detail=event.detail)


@strawberry.type(name="Order", description="Credit that is to be paid for, or was.")
class OrderNode(Node):
    """An order."""

    owner_id: strawberry.Private[int]
    order: strawberry.Private[Order]
    number: str = strawberry.field(description="The order's id at the provider's: the trade number.")
    provider: PaymentProvider
    method: str
    amount: Amount = strawberry.field(description="What the balance gains.")
    price: str = strawberry.field(description="What is to be paid, in whole units of the currency with two decimals.")
    currency: str
    state: OrderState
    reference: str | None = strawberry.field(description="The provider's own id of it.")
    created_at: datetime
    expires_at: datetime
    settled_at: datetime | None = strawberry.field(description="When it was paid, expired or was cancelled.")
    asked_at: datetime | None = strawberry.field(description="When the provider was last asked about it.")

    @strawberry.field(description="Who buys.")
    async def user(self, info: Info) -> UserNode | None:
        """Return the buyer."""
        return await user_of(info.context, self.owner_id)

    @strawberry.field(
        description="The page to pay it on, for its buyer; null when it cannot be paid any more. The provider is asked."
    )
    async def page(self, info: Info) -> PaymentPage | None:
        """Return it; nobody else is given a page to pay on."""
        context = info.context
        if context.viewer is None or context.viewer.user.id != self.owner_id:
            return None
        try:
            return PaymentPage.of(await checkout.page_of(context, self.order))
        except Problem as error:
            raise Refusal(error.message, error.code, **error.parameters) from None

    @strawberry.field(description="What was said of it, the oldest first.")
    async def events(self, info: Info) -> list[PaymentEventNode]:
        """Return it."""
        said = await info.context.loader(Sayings).load(self.number)
        return [PaymentEventNode.of(each) for each in said]

    @classmethod
    def of(cls, order: Order) -> Self:
        """Return an order as the console shows it."""
        return cls(
            id=to_id(KIND, order.id),
            owner_id=order.user_id,
            order=order,
            number=order.id,
            provider=order.provider,
            method=order.method,
            amount=order.amount,
            price=order.shown_price,
            currency=order.currency,
            state=order.state,
            reference=order.reference,
            created_at=order.created_at,
            expires_at=order.expires_at,
            settled_at=order.settled_at,
            asked_at=order.asked_at,
        )


@strawberry.input(name="OrderFilter", description="Which orders are wanted.")
class OrderWanted:
    """All that is given must hold."""

    user: strawberry.ID | None = strawberry.field(default=None, description="Without it, those of whoever asks.")
    everyone: bool = strawberry.field(default=False, description="Those of all users.")
    state: OrderState | None = None
    provider: PaymentProvider | None = None
    since: datetime | None = None
    until: datetime | None = strawberry.field(default=None, description="Not included.")


@strawberry.type
class OrderQuery:
    """Queries about orders."""

    @strawberry.field(description="Top-up orders, the latest first.")
    async def orders(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: OrderWanted | None = None,  # noqa: A002
    ) -> Connection[OrderNode]:
        """Return a page of them."""
        context, wanted = info.context, _filter(info.context, filter or OrderWanted())
        cursors, limit = Cursors(context.services.keys.cursors, "orders"), checked(first)
        place = cursors.read(after, int, str)
        found = await orders.page(
            context.services.database,
            wanted,
            after=None if place is None else (instant(place[0]), place[1]),
            limit=limit + 1,
        )
        return page(
            found,
            limit,
            OrderNode.of,
            cursors,
            lambda each: (micros(each.created_at), each.id),
            after=after,
            count=partial(orders.count, context.services.database, wanted, most=COUNTED + 1),
        )

    @strawberry.field(description="An order; null where there is none for whoever asks.")
    async def order(self, info: Info, id: strawberry.ID) -> OrderNode | None:  # noqa: A002
        """Return it."""
        return await find_order(info.context, key_of(id, KIND))


def _filter(context: Context, asked: OrderWanted) -> OrderFilter:
    if asked.everyone and not context.may(Permission.ORDER_READ):
        raise Forbidden(Permission.ORDER_READ)
    user_id = None if asked.everyone and asked.user is None else whose(context, asked.user, Permission.ORDER_READ)
    return OrderFilter(user_id, asked.state, asked.provider, asked.since, asked.until)


async def find_order(context: Context, key: str) -> OrderNode | None:
    """Return an order, if whoever asks may see it."""
    order = await orders.get(context.services.database, key) if is_order_id(key) else None
    if order is None or context.viewer is None:
        return None
    is_own = order.user_id == context.viewer.user.id
    return OrderNode.of(order) if is_own or context.may(Permission.ORDER_READ) else None


_OPERATORS: Final = needs(Permission.ORDER_READ)
ACCESS = {
    **over("PaymentEvent", _OPERATORS, "at", "outcome", "address", "detail"),
    **over("Order", _OPERATORS, "events", "askedAt"),
    **over(
        "Order",
        own(Permission.ORDER_READ),
        *("id", "number", "provider", "method", "amount", "price", "currency", "state", "reference", "createdAt"),
        *("expiresAt", "settledAt", "user", "page"),
    ),
    **over("Query", either(Permission.ORDER_READ), "orders", "order"),
}
