"""What may be bought, and buying it."""

from __future__ import annotations

import time
from typing import Self

import strawberry

from clinx.billing.orders import AmountOutOfRange, Wish
from clinx.domain.money import Amount
from clinx.domain.order import Order, PaymentProvider, is_order_id
from clinx.domain.payments import Payments, Terms
from clinx.graphql.billing import checkout
from clinx.graphql.billing.orders import KIND, OrderNode
from clinx.graphql.billing.pages import PaymentPage
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Refusal, UserError, attempt, not_found
from clinx.graphql.ids import key_of
from clinx.graphql.permissions import SIGNED_IN, Permission, needs, over
from clinx.graphql.users.whose import REACHED
from clinx.payments.desk import Desk
from clinx.payments.reconcile import Reconciler, Report, Rules
from clinx.storage import orders


@strawberry.type(description="What an amount costs.")
class TopUpPrice:
    """A price."""

    amount: Amount = strawberry.field(description="What the balance gains.")
    price: str = strawberry.field(description="What is to be paid, in whole units of the currency with two decimals.")


@strawberry.type(description="A way to pay.")
class TopUpProvider:
    """A provider, for whoever asks."""

    payments: strawberry.Private[Payments]
    terms: strawberry.Private[Terms]
    group: strawberry.Private[str]
    provider: PaymentProvider
    methods: list[str] = strawberry.field(description="What `orderCreate` takes as a method.")
    currency: str = strawberry.field(description="What is paid in, as ISO 4217 has it.")

    @strawberry.field(description="What the amounts on offer cost.")
    def prices(self) -> list[TopUpPrice]:
        """Return them, ascending."""
        return [TopUpPrice(amount=amount, price=self._shown(amount)) for amount in self.payments.amounts]

    @strawberry.field(description="What any amount between the least and the most costs.")
    def price(self, amount: Amount) -> str:
        """Return it."""
        if not self.payments.minimum <= amount <= self.payments.maximum:
            least, most = str(self.payments.minimum), str(self.payments.maximum)
            raise Refusal("That much is not sold.", AmountOutOfRange.code, minimum=least, maximum=most)
        return self._shown(amount)

    def _shown(self, amount: Amount) -> str:
        return self.terms.currency.write(self.payments.price(self.terms, amount, self.group))


@strawberry.type(description="What may be bought, and how it may be paid.")
class TopUpOptions:
    """What is on offer."""

    amounts: list[Amount] = strawberry.field(description="What a page offers, ascending; others may be bought, too.")
    minimum: Amount
    maximum: Amount
    providers: list[TopUpProvider]

    @classmethod
    def of(cls, payments: Payments, group: str) -> Self:
        """Return what is on offer for somebody of a group."""
        offered = [(each, payments.terms(each)) for each in PaymentProvider]
        return cls(
            amounts=list(payments.amounts),
            minimum=payments.minimum,
            maximum=payments.maximum,
            providers=[
                TopUpProvider(
                    payments=payments,
                    terms=terms,
                    group=group,
                    provider=each,
                    methods=list(terms.methods),
                    currency=terms.currency.code,
                )
                for each, terms in offered
                if terms is not None
            ],
        )


@strawberry.input(description="What is to be bought.")
class OrderCreateInput:
    """What is to be bought."""

    provider: PaymentProvider
    method: str | None = strawberry.field(
        default=None, description="One of the provider's methods; without it, the first of them."
    )
    amount: Amount
    idempotency_key: str = strawberry.field(description="One order for each: repeat it when an answer was lost.")


@strawberry.type(description="What became of a wish.")
class OrderCreatePayload:
    """What became of a wish."""

    order: OrderNode | None = None
    page: PaymentPage | None = strawberry.field(default=None, description="Null when it cannot be paid any more.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Which order.")
class OrderReconcileInput:
    """Which order."""

    id: strawberry.ID


@strawberry.type(description="What the provider said.")
class OrderReconcilePayload:
    """What the provider said."""

    order: OrderNode | None = None
    credited: bool = strawberry.field(default=False, description="Whether this is what credited it.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class BuyingQuery:
    """Queries about what is sold."""

    @strawberry.field(description="What may be bought and how; null when balances are not topped up by payments.")
    def top_up_options(self, info: Info) -> TopUpOptions | None:
        """Return them."""
        payments = info.context.snapshot.payments
        return None if payments is None else TopUpOptions.of(payments, info.context.signed_in.user.group)


@strawberry.type
class BuyingMutation:
    """Buying, and asking what became of it."""

    @strawberry.mutation(description="Make an order and find the page it is paid on.")
    async def order_create(self, info: Info, input: OrderCreateInput) -> OrderCreatePayload:  # noqa: A002
        """Make it, or find what the key made before."""

        async def work() -> OrderCreatePayload:
            method = input.method if input.method is not None else _first_method(info.context, input.provider)
            wish = Wish(input.provider, method, input.amount)
            order, found = await checkout.begin(info.context, wish, input.idempotency_key)
            return OrderCreatePayload(order=OrderNode.of(order), page=PaymentPage.of(found))

        return await attempt(lambda errors: OrderCreatePayload(errors=errors), work)

    @strawberry.mutation(description="Ask the provider what became of an order: callbacks get lost.")
    async def order_reconcile(self, info: Info, input: OrderReconcileInput) -> OrderReconcilePayload:  # noqa: A002
        """Ask, and book the answer."""

        async def work() -> OrderReconcilePayload:
            database, key = info.context.services.database, key_of(input.id, KIND)
            order = await orders.get(database, key) if is_order_id(key) else None
            if order is None:
                raise not_found("order")
            report = await _ask(info.context, order)
            if report.failures:
                raise checkout.unavailable(order)
            asked = await orders.get(database, order.id)
            return OrderReconcilePayload(order=OrderNode.of(asked or order), credited=bool(report.credited))

        return await attempt(lambda errors: OrderReconcilePayload(errors=errors), work)


def _first_method(context: Context, provider: PaymentProvider) -> str:
    """Return the first method of a provider; none where it is not configured, which `checkout.begin` refuses."""
    terms = checkout.sold(context).terms(provider)
    return "" if terms is None else next(iter(terms.methods), "")


async def _ask(context: Context, order: Order) -> Report:
    services = context.services
    rules = Rules(checkout.sold(context), context.snapshot.server.egress_allow)
    desk = Desk(services.database, None, now=services.now, monotonic=time.monotonic)
    return await Reconciler(services.database, desk, lambda: rules, now=services.now).ask([order], rules)


ACCESS = {
    **over("TopUpPrice", REACHED, "amount", "price"),
    **over("TopUpProvider", REACHED, "provider", "methods", "currency", "prices", "price"),
    **over("TopUpOptions", REACHED, "amounts", "minimum", "maximum", "providers"),
    **over("OrderCreatePayload", REACHED, "order", "page", "errors"),
    **over("OrderReconcilePayload", REACHED, "order", "credited", "errors"),
    **over("Query", SIGNED_IN, "topUpOptions"),
    **over("Mutation", SIGNED_IN, "orderCreate"),
    **over("Mutation", needs(Permission.ORDER_WRITE), "orderReconcile"),
}
