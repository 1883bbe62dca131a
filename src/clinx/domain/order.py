"""Top-up orders: what a user wants to buy, what it costs, and what came of it.

The life of an order is a table (`NEXT`). An order is paid at most once. It can be paid after its time is over, too:
the money was taken. One that was cancelled cannot: a payment for it waits for a human.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from msgspec import Struct

from clinx.domain.currency import Currency
from clinx.domain.money import Amount

_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 26
_ID: Final = re.compile(rf"ord[{_LETTERS}]{{{_LENGTH}}}")


class PaymentProvider(StrEnum):
    """Who takes the money."""

    EPAY = "epay"
    STRIPE = "stripe"


class OrderState(StrEnum):
    """The life of an order."""

    PENDING = "pending"
    PAID = "paid"
    """And credited, in the same transaction."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"


NEXT: Final[Mapping[OrderState, frozenset[OrderState]]] = {
    OrderState.PENDING: frozenset({OrderState.PAID, OrderState.EXPIRED, OrderState.CANCELLED}),
    OrderState.EXPIRED: frozenset({OrderState.PAID}),
    OrderState.PAID: frozenset(),
    OrderState.CANCELLED: frozenset(),
}
"""What may follow a state."""


def before(state: OrderState) -> frozenset[OrderState]:
    """Return the states that an order may pass into this one from."""
    return frozenset(each for each, following in NEXT.items() if state in following)


class Order(Struct, frozen=True):
    """A top-up that is to be paid, or was."""

    id: str
    """Unguessable, short and alphanumeric: it is the trade number that providers are given."""
    user_id: int
    provider: PaymentProvider
    method: str
    amount: Amount
    """What the balance gains."""
    price: int
    """What is to be paid, in the smallest unit of the currency."""
    currency: str
    state: OrderState
    reference: str | None
    """The provider's own id of it."""
    created_at: datetime
    expires_at: datetime
    settled_at: datetime | None = None
    asked_at: datetime | None = None
    """When the provider was last asked about it."""

    @property
    def event(self) -> str:
        """The ledger's name for the credit, of which there is one."""
        return f"topup:{self.provider}:{self.id}"

    @property
    def shown_price(self) -> str:
        """The price in whole units, with two decimals."""
        return Currency.of(self.currency).write(self.price)


class Payment(Struct, frozen=True):
    """What a provider says was paid, after its signature or its certificate was checked."""

    provider: PaymentProvider
    order_id: str
    paid: Fraction
    """In whole units of the currency."""
    currency: str | None
    """None: the provider knows one currency only, the order's."""
    reference: str | None
    event: str
    """The provider's id of what it said, or a digest of it."""


class Outcome(StrEnum):
    """What came of something that a provider, or somebody in its name, said."""

    CREDITED = "credited"
    REPEATED = "repeated"
    """It was credited before."""
    EXPIRED = "expired"
    """Nobody will pay the order any more."""
    IGNORED = "ignored"
    """Nothing that concerns a balance."""
    FORGED = "forged"
    """The signature is wrong, missing or too old."""
    MALFORMED = "malformed"
    WRONG_MERCHANT = "wrong_merchant"
    UNKNOWN_ORDER = "unknown_order"
    WRONG_PROVIDER = "wrong_provider"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_REFERENCE = "wrong_reference"
    """The order belongs to another payment of this provider, or the payment to another order."""
    ORDER_CANCELLED = "order_cancelled"
    """The money was taken for an order that had been cancelled: a human decides."""

    @property
    def is_refusal(self) -> bool:
        """Whether somebody should look at it."""
        return self not in _FINE


_FINE: Final = frozenset({Outcome.CREDITED, Outcome.REPEATED, Outcome.EXPIRED, Outcome.IGNORED})


class PaymentEvent(Struct, frozen=True):
    """Something that was said, as it is kept."""

    provider: PaymentProvider
    event: str
    order: str | None
    outcome: Outcome
    address: str | None
    at: datetime
    detail: str | None = None


def judge(order: Order | None, payment: Payment) -> Outcome:
    """Say what comes of a payment for an order as it stands; None is an order that does not exist."""
    if order is None:
        return Outcome.UNKNOWN_ORDER
    if (wrong := _misfit(order, payment)) is not None:
        return wrong
    if OrderState.PAID in NEXT[order.state]:
        return Outcome.CREDITED
    return Outcome.REPEATED if order.state is OrderState.PAID else Outcome.ORDER_CANCELLED


def _misfit(order: Order, payment: Payment) -> Outcome | None:
    if payment.provider is not order.provider:
        return Outcome.WRONG_PROVIDER
    if payment.currency is not None and payment.currency != order.currency:
        return Outcome.WRONG_CURRENCY
    if payment.paid != Currency.of(order.currency).units(order.price):
        return Outcome.WRONG_AMOUNT
    if order.reference is not None and payment.reference != order.reference:
        return Outcome.WRONG_REFERENCE
    return None


def order_id(bits: int) -> str:
    """Write 128 random bits as an order's id: 29 letters and digits."""
    letters = [_LETTERS[bits >> (5 * place) & 31] for place in reversed(range(_LENGTH))]
    return "ord" + "".join(letters)


def is_order_id(text: str) -> bool:
    """Whether a text has the form of an order's id."""
    return _ID.fullmatch(text) is not None
