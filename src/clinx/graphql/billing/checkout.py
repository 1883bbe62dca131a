"""From a wish with a key of its own to an order and the page it is paid on: the same ones, however often it is asked.

The order's id follows from who asks and their key, by a secret of this gateway: nobody can guess it, and the table of
orders itself refuses the second order of one key.
"""

from __future__ import annotations

import hmac
import logging
from datetime import timedelta
from typing import Final

from clinx.billing import orders as sales
from clinx.billing.failures import KeyReused
from clinx.billing.orders import Wish
from clinx.domain.order import Order, OrderState, order_id
from clinx.domain.payments import Payments
from clinx.graphql.billing.asked import key_of
from clinx.graphql.context import Context
from clinx.graphql.errors import Problem
from clinx.payments.checkout import Checkout
from clinx.payments.provider import PayPage, ProviderUnavailable
from clinx.storage import orders
from clinx.storage.failures import StorageRefused
from clinx.storage.orders import OrderFilter

log = logging.getLogger("clinx.graphql")

MOST_OPEN: Final = 20
"""Orders of one user that wait to be paid, of those made within `LATELY`."""
LATELY: Final = timedelta(hours=1)
_ID_BYTES: Final = 16


async def begin(context: Context, wish: Wish, key: str) -> tuple[Order, PayPage | None]:
    """Make an order, or find the one that was made under the key; return it and, while it can be paid, its page.

    Raises:
        Problem: ``nothing_sold``, ``key_invalid``, ``too_many_orders``, or ``provider_unavailable``: the order is
            there, and the same key finds it.
        KeyReused: the key was used for another wish.
        OrderRefused: the provider, the method or the amount is not on offer.
        StorageUnavailable: the database cannot be used now.
    """
    payments = sold(context)
    order = await _order(context, wish, payments, _id(context, key_of(context, key)))
    if (order.provider, order.method, order.amount) != (wish.provider, wish.method, wish.amount):
        raise KeyReused("the key was used before for another order; nothing changed")
    return order, await _page(context, order, payments) if is_payable(context, order) else None


def is_payable(context: Context, order: Order) -> bool:
    """Say whether an order waits to be paid."""
    return order.state is OrderState.PENDING and order.expires_at > context.now


async def page_of(context: Context, order: Order) -> PayPage | None:
    """Return the page of an order of before, the same one as when it was made; None when it cannot be paid any more.

    Raises:
        Problem: ``provider_unavailable``.
        StorageUnavailable: the database cannot be used now.
    """
    payments = context.snapshot.payments
    if payments is None or not is_payable(context, order):
        return None
    return await _page(context, order, payments)


def sold(context: Context) -> Payments:
    """Return what is sold.

    Raises:
        Problem: ``nothing_sold``.
    """
    if context.snapshot.payments is None:
        raise Problem("nothing_sold", "Balances are not topped up here by payments.")
    return context.snapshot.payments


async def _order(context: Context, wish: Wish, payments: Payments, id_: str) -> Order:
    database, user = context.services.database, context.signed_in.user
    if (made := await orders.get(database, id_)) is not None:
        return made
    lately = OrderFilter(user_id=user.id, state=OrderState.PENDING, since=context.now - LATELY)
    if await orders.count(database, lately, most=MOST_OPEN) >= MOST_OPEN:
        raise Problem("too_many_orders", "Pay one of the orders that wait, or come back later.", most=MOST_OPEN)
    try:
        return await sales.create(database, user, wish, payments, id_=id_, at=context.now)
    except StorageRefused:
        if (made := await orders.get(database, id_)) is None:
            raise
        return made  # Somebody asked for the same at the same time.


async def _page(context: Context, order: Order, payments: Payments) -> PayPage:
    checkout = Checkout(context.services.database, payments, context.snapshot.server.egress_allow)
    try:
        return await checkout.page(order)
    except ProviderUnavailable as error:
        log.warning("payment.page_failed", extra={"order": order.id, "reason": str(error)})
        raise unavailable(order) from None


def unavailable(order: Order) -> Problem:
    """Return the failure for a provider that cannot be asked now."""
    return Problem("provider_unavailable", "The payment provider cannot be asked now.", provider=order.provider.value)


def _id(context: Context, key: str) -> str:
    digest = hmac.digest(context.services.keys.links, b"order\0" + key.encode(), "sha256")
    return order_id(int.from_bytes(digest[:_ID_BYTES], "big"))
