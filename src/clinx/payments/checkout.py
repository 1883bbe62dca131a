"""From a wish to a page to pay on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from clinx.billing import orders
from clinx.billing.orders import Wish
from clinx.domain.identity import Network, User
from clinx.domain.order import Order
from clinx.domain.payments import Payments
from clinx.payments import outbound
from clinx.payments.provider import PayPage
from clinx.storage.database import Database


@dataclass(frozen=True, slots=True)
class Checkout:
    """Sells credit on the terms of one snapshot."""

    database: Database
    payments: Payments
    egress_allow: Collection[Network]

    async def begin(self, user: User, wish: Wish, *, id_: str, at: datetime) -> tuple[Order, PayPage]:
        """Make an order and return the page it is paid on.

        Raises:
            OrderRefused: the provider, the method or the amount is not on offer; nothing was made.
            ProviderUnavailable: the order is there, its page is not: `page` may find it later, or it expires.
            StorageUnavailable: the database cannot be written now.
        """
        order = await orders.create(self.database, user, wish, self.payments, id_=id_, at=at)
        return order, await self.page(order)

    async def page(self, order: Order) -> PayPage:
        """Return the page of an order: the same each time.

        Raises:
            ProviderUnavailable: the provider cannot be asked, or is not configured any more.
            StorageUnavailable: the database cannot be written now.
        """
        async with outbound.session(self.egress_allow) as session:
            provider = await outbound.provider(order.provider, self.payments, session)
            page = await provider.open(order, self.payments)
        if page.reference is not None:
            await orders.bind(self.database, order, page.reference)
        return page
