"""Top-up orders: made, paid once, expired, cancelled. The credit and the order's new state are one transaction.

A provider may say the same thing many times, to many processes, at once: the order's row is locked, its state is
changed on condition that it may change, and the event's name in the ledger is unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from clinx.billing import transfer
from clinx.billing.failures import MoneyRefused
from clinx.billing.transfer import Transfer
from clinx.domain.identity import User, user_account
from clinx.domain.ledger import EntryKind, clearing_account
from clinx.domain.money import Amount
from clinx.domain.order import Order, OrderState, Outcome, Payment, PaymentEvent, PaymentProvider, is_order_id, judge
from clinx.domain.payments import Payments
from clinx.storage import ledger, orders
from clinx.storage.database import Database
from clinx.storage.program import Program

LIFETIME: Final = timedelta(hours=23)
"""How long a page to pay on stays open; Stripe keeps one for a day at most."""


class OrderRefused(MoneyRefused):
    """An order that cannot be made."""


class ProviderUnknown(OrderRefused):
    """Payments through this provider are not configured."""

    code = "provider_unknown"


class MethodUnknown(OrderRefused):
    """The provider is not configured to take this method."""

    code = "method_unknown"


class AmountOutOfRange(OrderRefused):
    """Less than the least that is sold, or more than the most."""

    code = "amount_out_of_range"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to buy, and how they want to pay."""

    provider: PaymentProvider
    method: str
    amount: Amount


async def create(database: Database, user: User, wish: Wish, payments: Payments, *, id_: str, at: datetime) -> Order:
    """Make a pending order; its price is frozen with it.

    Raises:
        OrderRefused: the provider, the method or the amount is not on offer.
        StorageUnavailable: the database cannot be written now.
    """
    order = draft(user, wish, payments, id_=id_, at=at)
    await database.atomically(orders.insert(order))
    return order


def draft(user: User, wish: Wish, payments: Payments, *, id_: str, at: datetime) -> Order:
    """Return the order that a wish would become.

    Raises:
        OrderRefused: the provider, the method or the amount is not on offer.
    """
    terms = payments.terms(wish.provider)
    if terms is None:
        raise ProviderUnknown(f"payments through {wish.provider} are not configured")
    if wish.method not in terms.methods:
        raise MethodUnknown(f"{wish.provider} takes no {wish.method!r}; it takes {', '.join(terms.methods)}")
    if not payments.minimum <= wish.amount <= payments.maximum:
        raise AmountOutOfRange(f"an amount is from {payments.minimum} to {payments.maximum}")
    return Order(
        id=id_,
        user_id=user.id,
        provider=wish.provider,
        method=wish.method,
        amount=wish.amount,
        price=payments.price(terms, wish.amount, user.group),
        currency=terms.currency.code,
        state=OrderState.PENDING,
        reference=None,
        created_at=at,
        expires_at=at + LIFETIME,
    )


async def bind(database: Database, order: Order, reference: str) -> bool:
    """Write the provider's own id of an order; False when the order has another one.

    Raises:
        StorageRefused: another order of the provider has it.
        StorageUnavailable: the database cannot be written now.
    """
    return await database.atomically(orders.bind(order.id, reference))


async def pay(database: Database, payment: Payment, *, at: datetime, address: str | None = None) -> Outcome:
    """Credit the order that was paid, once; keep what was said and what came of it.

    Raises:
        StorageUnavailable: the database cannot be written now; nothing is known to have changed.
    """
    return await transfer.persist(database, partial(_pay, payment, at, address))


async def expire(database: Database, order_id: str, *, at: datetime) -> bool:
    """End a pending order that nobody will pay; say whether it was pending.

    Raises:
        StorageUnavailable: the database cannot be written now.
    """
    if not is_order_id(order_id):
        return False
    return await database.atomically(orders.move(order_id, OrderState.EXPIRED, at))


async def cancel(database: Database, order_id: str, *, at: datetime) -> bool:
    """Withdraw a pending order; say whether it was pending. A payment for it is not credited from then on.

    Raises:
        StorageUnavailable: the database cannot be written now.
    """
    return await database.atomically(orders.move(order_id, OrderState.CANCELLED, at))


async def note(database: Database, event: PaymentEvent) -> None:
    """Keep what was said; the same thing with the same outcome is kept once.

    Raises:
        StorageUnavailable: the database cannot be written now.
    """
    await database.atomically(orders.note(event))


async def claim(database: Database, *, at: datetime, after: timedelta, until: timedelta, limit: int) -> list[Order]:
    """Take pending orders between two ages that it is time to ask about; no other process is given them as well.

    Those that are older are expired.

    Raises:
        StorageUnavailable: the database cannot be written now.
    """

    def program() -> Program[list[Order]]:
        yield from orders.expire_older(at - until, at)
        return (yield from orders.claim(at, after=after, until=until, limit=limit))

    return await database.atomically(program())


def _pay(payment: Payment, at: datetime, address: str | None) -> Program[Outcome]:
    # Whatever else a provider calls an order, it is none of ours, and no text for a query.
    order = (yield from orders.lock(payment.order_id)) if is_order_id(payment.order_id) else None
    outcome = judge(order, payment)
    if order is not None and outcome is Outcome.CREDITED:
        outcome = yield from _credit(order, payment, at)
    told = f"paid {payment.paid} {payment.currency or ''}".rstrip() if outcome.is_refusal else None
    yield from orders.note(PaymentEvent(payment.provider, payment.event, payment.order_id, outcome, address, at, told))
    return outcome


def _credit(order: Order, payment: Payment, at: datetime) -> Program[Outcome]:
    if payment.reference is not None:
        owner = yield from orders.owner(order.provider, payment.reference)
        if owner not in {None, order.id}:
            return Outcome.WRONG_REFERENCE
        yield from orders.bind(order.id, payment.reference)
    if not (yield from orders.move(order.id, OrderState.PAID, at)):
        return Outcome.REPEATED
    account, clearing = user_account(order.user_id), clearing_account(order.provider)
    yield from transfer.lock({account})
    yield from ledger.open_account(clearing)
    yield from transfer.execute(
        Transfer(
            event=order.event,
            source=clearing,
            target=account,
            amount=order.amount,
            kind=EntryKind.TOPUP,
            at=at,
            detail=transfer.describe(
                price=order.shown_price, currency=order.currency, reference=payment.reference or ""
            ),
        )
    )
    return Outcome.CREDITED
