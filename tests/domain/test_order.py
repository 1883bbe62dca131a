from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product

import msgspec
import pytest

from clinx.domain.money import Amount
from clinx.domain.order import (
    NEXT,
    Order,
    OrderState,
    Outcome,
    Payment,
    PaymentProvider,
    before,
    is_order_id,
    judge,
    order_id,
)

AT = datetime(2030, 1, 1, tzinfo=UTC)
ORDER = Order(
    id=order_id(7),
    user_id=1,
    provider=PaymentProvider.STRIPE,
    method="checkout",
    amount=Amount.parse("10"),
    price=1000,
    currency="USD",
    state=OrderState.PENDING,
    reference="cs_1",
    created_at=AT,
    expires_at=AT + timedelta(hours=1),
)
PAYMENT = Payment(PaymentProvider.STRIPE, ORDER.id, Fraction(10), "USD", "cs_1", "evt_1")


@dataclass(frozen=True)
class Case:
    outcome: Outcome
    order: dict[str, object]
    payment: dict[str, object]


@pytest.mark.parametrize(
    "case",
    [
        Case(Outcome.CREDITED, {}, {}),
        Case(Outcome.CREDITED, {"reference": None}, {}),
        Case(Outcome.CREDITED, {}, {"currency": None}),
        Case(Outcome.CREDITED, {"state": OrderState.EXPIRED}, {}),
        Case(Outcome.REPEATED, {"state": OrderState.PAID}, {}),
        Case(Outcome.ORDER_CANCELLED, {"state": OrderState.CANCELLED}, {}),
        Case(Outcome.WRONG_PROVIDER, {}, {"provider": PaymentProvider.EPAY}),
        Case(Outcome.WRONG_CURRENCY, {}, {"currency": "EUR"}),
        Case(Outcome.WRONG_AMOUNT, {}, {"paid": Fraction("9.99")}),
        Case(Outcome.WRONG_AMOUNT, {}, {"paid": Fraction("10.01")}),
        Case(Outcome.WRONG_AMOUNT, {"state": OrderState.PAID}, {"paid": Fraction(1)}),
        Case(Outcome.WRONG_REFERENCE, {}, {"reference": "cs_2"}),
        Case(Outcome.WRONG_REFERENCE, {"state": OrderState.PAID}, {"reference": None}),
    ],
    ids=str,
)
def test_a_payment_is_judged_by_all_it_says(case: Case):
    order, payment = msgspec.structs.replace(ORDER, **case.order), msgspec.structs.replace(PAYMENT, **case.payment)

    assert judge(order, payment) is case.outcome


def test_a_payment_for_nothing_is_not_credited():
    assert judge(None, PAYMENT) is Outcome.UNKNOWN_ORDER


def test_an_order_ends_once_but_may_be_paid_after_its_time():
    moves = {(a, b) for a, b in product(OrderState, OrderState) if b in NEXT[a]}

    assert moves == {
        (OrderState.PENDING, OrderState.PAID),
        (OrderState.PENDING, OrderState.EXPIRED),
        (OrderState.PENDING, OrderState.CANCELLED),
        (OrderState.EXPIRED, OrderState.PAID),
    }
    assert before(OrderState.PAID) == {OrderState.PENDING, OrderState.EXPIRED}


def test_an_id_is_short_alphanumeric_and_holds_every_bit():
    ids = {order_id(1 << bit) for bit in range(128)} | {order_id(0), order_id(2**128 - 1)}

    assert len(ids) == 130
    assert all(is_order_id(each) and each.isalnum() and len(each) == 29 for each in ids)
    assert order_id(1) == "ord00000000000000000000000001"


@pytest.mark.parametrize("text", ["", "ord", "ord0000000000000000000000000i", "x" + order_id(1), order_id(1) + "\n"])
def test_other_texts_are_no_ids(text: str):
    assert not is_order_id(text)


def test_what_needs_a_look_is_told_from_what_does_not():
    assert {each for each in Outcome if not each.is_refusal} == {
        Outcome.CREDITED,
        Outcome.REPEATED,
        Outcome.EXPIRED,
        Outcome.IGNORED,
    }


def test_an_order_knows_its_event_and_shows_its_price():
    assert ORDER.event == f"topup:stripe:{ORDER.id}"
    assert ORDER.shown_price == "10.00"
