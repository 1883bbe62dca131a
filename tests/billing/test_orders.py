import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

import msgspec
import pytest

from clinx.billing import orders
from clinx.billing.orders import AmountOutOfRange, MethodUnknown, OrderRefused, ProviderUnknown, Wish
from clinx.domain.identity import User
from clinx.domain.ledger import Balance, EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.domain.order import Order, OrderState, Outcome, Payment, PaymentEvent, PaymentProvider, order_id
from clinx.storage import orders as stored
from clinx.storage import statements
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from support.database import START, make_user
from support.fake_payments import payments

EPAY, STRIPE = PaymentProvider.EPAY, PaymentProvider.STRIPE
LATER = START + timedelta(minutes=5)


async def make_order(database: Database, user: User, number: int = 1, *, method: str = "alipay") -> Order:
    provider = EPAY if method == "alipay" else STRIPE
    wish = Wish(provider, method, Amount.parse("10"))
    return await orders.create(database, user, wish, payments(), id_=order_id(number), at=START)


def payment(order: Order, **changed: object) -> Payment:
    paid = Payment(order.provider, order.id, Fraction(order.price, 100), None, "T1", "e1")
    return msgspec.structs.replace(paid, **changed)


async def claim(database: Database, at: datetime, *, limit: int = 10) -> list[Order]:
    return await orders.claim(database, at=at, after=timedelta(minutes=2), until=timedelta(days=3), limit=limit)


async def sums(database: Database) -> dict[str, Amount]:
    """What all entries come to, by account."""
    rows = await database.fetch("SELECT account, CAST(SUM(amount) AS bigint) FROM entry GROUP BY account")
    return {account: Amount(nano) for account, nano in rows}


async def test_an_order_keeps_the_price_of_the_moment(database: Database):
    user = await make_user(database, group="vip")

    made = await make_order(database, user)

    assert made == Order(
        id=order_id(1),
        user_id=user.id,
        provider=EPAY,
        method="alipay",
        amount=Amount.parse("10"),
        price=6570,
        currency="CNY",
        state=OrderState.PENDING,
        reference=None,
        created_at=START,
        expires_at=START + timedelta(hours=23),
    )
    assert await stored.get(database, made.id) == made
    assert await sums(database) == {}


@pytest.mark.parametrize(
    ("wish", "refusal", "code"),
    [
        (Wish(EPAY, "checkout", Amount.parse("10")), MethodUnknown, "method_unknown"),
        (Wish(STRIPE, "alipay", Amount.parse("10")), MethodUnknown, "method_unknown"),
        (Wish(EPAY, "alipay", Amount.parse("0.999999999")), AmountOutOfRange, "amount_out_of_range"),
        (Wish(EPAY, "alipay", Amount.parse("1000.000000001")), AmountOutOfRange, "amount_out_of_range"),
        (Wish(EPAY, "alipay", Amount.parse("-10")), AmountOutOfRange, "amount_out_of_range"),
    ],
)
async def test_what_is_not_on_offer_is_refused(database: Database, wish: Wish, refusal: type[OrderRefused], code: str):
    user = await make_user(database)

    with pytest.raises(refusal) as caught:
        await orders.create(database, user, wish, payments(), id_=order_id(1), at=START)

    assert caught.value.code == code
    assert await stored.latest(database) == []


async def test_a_provider_that_is_not_configured_takes_no_orders(database: Database):
    user = await make_user(database)
    wish = Wish(EPAY, "alipay", Amount.parse("10"))

    with pytest.raises(ProviderUnknown):
        orders.draft(user, wish, replace(payments(), epay=None), id_=order_id(1), at=START)


async def test_a_payment_credits_the_order_in_one_transaction(database: Database):
    user = await make_user(database)
    made = await make_order(database, user)

    assert await orders.pay(database, payment(made), at=LATER, address="192.0.2.1") is Outcome.CREDITED

    paid = msgspec.structs.replace(made, state=OrderState.PAID, reference="T1", settled_at=LATER)
    assert await stored.get(database, made.id) == paid
    assert await statements.balance(database, user.account) == Balance(Amount.parse("10"), ZERO)
    assert await statements.balance(database, "clearing:epay") == Balance(Amount.parse("-10"), ZERO)
    (entry,) = await statements.entries(database, user.account)
    assert (entry.event, entry.amount, entry.kind, entry.at) == (
        f"topup:epay:{made.id}",
        Amount.parse("10"),
        EntryKind.TOPUP,
        LATER,
    )
    assert entry.detail == '{"price":"73.00","currency":"CNY","reference":"T1"}'
    assert await stored.events(database, made.id) == [
        PaymentEvent(EPAY, "e1", made.id, Outcome.CREDITED, "192.0.2.1", LATER)
    ]
    assert await database.fetch("SELECT topic, subject FROM announcement") == [("funds", user.account)]


async def test_a_repetition_credits_nothing(database: Database):
    user = await make_user(database)
    made = await make_order(database, user)
    await orders.pay(database, payment(made), at=LATER)

    assert await orders.pay(database, payment(made), at=LATER) is Outcome.REPEATED
    assert await orders.pay(database, payment(made, event="e2"), at=LATER) is Outcome.REPEATED
    assert await orders.pay(database, payment(made, event="e2"), at=LATER) is Outcome.REPEATED

    assert await sums(database) == {user.account: Amount.parse("10"), "clearing:epay": Amount.parse("-10")}
    assert [(each.event, each.outcome) for each in await stored.events(database, made.id)] == [
        ("e1", Outcome.CREDITED),
        ("e1", Outcome.REPEATED),
        ("e2", Outcome.REPEATED),
    ]


async def test_a_hundred_callbacks_at_once_credit_once(database: Database):
    user = await make_user(database)
    made = await make_order(database, user)

    said = [orders.pay(database, payment(made, event=f"e{number}"), at=LATER) for number in range(100)]
    outcomes = await asyncio.gather(*said)

    assert sorted(outcomes) == [Outcome.CREDITED] + [Outcome.REPEATED] * 99
    assert await sums(database) == {user.account: Amount.parse("10"), "clearing:epay": Amount.parse("-10")}
    assert (await statements.balance(database, user.account)).total == Amount.parse("10")


async def test_the_first_payments_of_many_users_do_not_hinder_one_another(database: Database):
    made = [await make_order(database, await make_user(database, f"user{number}"), number) for number in range(1, 21)]

    outcomes = await asyncio.gather(
        *(orders.pay(database, payment(each, reference=each.id, event=each.id), at=LATER) for each in made)
    )

    assert outcomes == [Outcome.CREDITED] * 20
    assert (await statements.balance(database, "clearing:epay")).total == Amount.parse("-200")


async def test_a_payment_that_comes_too_late_is_credited(database: Database):
    user = await make_user(database)
    made = await make_order(database, user)
    assert await orders.expire(database, made.id, at=LATER)

    assert await orders.pay(database, payment(made), at=LATER) is Outcome.CREDITED

    assert not await orders.expire(database, made.id, at=LATER)
    assert (await statements.balance(database, user.account)).total == Amount.parse("10")


async def test_what_is_no_order_does_not_expire(database: Database):
    assert not await orders.expire(database, "order of another shop\x00", at=LATER)


async def test_a_cancelled_order_is_not_credited(database: Database):
    user = await make_user(database)
    made = await make_order(database, user)
    assert await orders.cancel(database, made.id, at=LATER)

    assert await orders.pay(database, payment(made), at=LATER) is Outcome.ORDER_CANCELLED

    assert await sums(database) == {}
    assert [each.outcome for each in await stored.events(database, made.id)] == [Outcome.ORDER_CANCELLED]


async def test_a_paid_order_cannot_be_cancelled(database: Database):
    made = await make_order(database, await make_user(database))
    await orders.pay(database, payment(made), at=LATER)

    assert not await orders.cancel(database, made.id, at=LATER)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"provider": STRIPE}, Outcome.WRONG_PROVIDER),
        ({"paid": Fraction("72.99")}, Outcome.WRONG_AMOUNT),
        ({"paid": Fraction(73_00)}, Outcome.WRONG_AMOUNT),
        ({"currency": "USD"}, Outcome.WRONG_CURRENCY),
        ({"order_id": order_id(99)}, Outcome.UNKNOWN_ORDER),
        ({"order_id": "'; DROP TABLE entry; --\x00"}, Outcome.UNKNOWN_ORDER),
    ],
)
async def test_a_payment_that_does_not_fit_changes_nothing_and_is_kept(
    database: Database, changed: dict[str, object], outcome: Outcome
):
    made = await make_order(database, await make_user(database))
    said = payment(made, **changed)

    assert await orders.pay(database, said, at=LATER) is outcome

    assert await sums(database) == {}
    assert await stored.get(database, made.id) == made
    shown = f"paid {said.paid} {said.currency or ''}".rstrip()
    assert await database.fetch("SELECT outcome, detail FROM payment_event") == [(outcome.value, shown)]


async def test_one_payment_does_not_pay_two_orders(database: Database):
    user = await make_user(database)
    first, second = await make_order(database, user, 1), await make_order(database, user, 2)
    await orders.pay(database, payment(first), at=LATER)

    assert await orders.pay(database, payment(second), at=LATER) is Outcome.WRONG_REFERENCE

    assert await stored.get(database, second.id) == second
    assert (await statements.balance(database, user.account)).total == Amount.parse("10")


async def test_one_payment_for_two_orders_at_once_pays_one(database: Database):
    user = await make_user(database)
    made = [await make_order(database, user, number) for number in range(1, 9)]

    outcomes = await asyncio.gather(*(orders.pay(database, payment(each, event=each.id), at=LATER) for each in made))

    assert sorted(outcomes) == [Outcome.CREDITED] + [Outcome.WRONG_REFERENCE] * 7
    assert (await statements.balance(database, user.account)).total == Amount.parse("10")


async def test_a_second_payment_for_a_paid_order_is_noticed(database: Database):
    made = await make_order(database, await make_user(database))
    await orders.pay(database, payment(made), at=LATER)

    assert await orders.pay(database, payment(made, reference="T2", event="e2"), at=LATER) is Outcome.WRONG_REFERENCE


async def test_a_session_that_was_bound_is_the_only_one_that_pays(database: Database):
    made = await make_order(database, await make_user(database), method="checkout")
    assert await orders.bind(database, made, "cs_1")
    assert not await orders.bind(database, made, "cs_2")

    assert await orders.pay(database, payment(made, reference="cs_2"), at=LATER) is Outcome.WRONG_REFERENCE
    assert await orders.pay(database, payment(made, reference="cs_1"), at=LATER) is Outcome.CREDITED


async def test_a_session_belongs_to_one_order(database: Database):
    user = await make_user(database)
    first, second = [await make_order(database, user, number, method="checkout") for number in (1, 2)]
    await orders.bind(database, first, "cs_1")

    with pytest.raises(StorageRefused):
        await orders.bind(database, second, "cs_1")


async def test_what_is_noted_is_kept(database: Database):
    forged = PaymentEvent(EPAY, "e1", order_id(1), Outcome.FORGED, None, START, "why")
    await orders.note(database, forged)

    assert await stored.events(database, order_id(1)) == [forged]


async def test_claiming_expires_what_is_too_old(database: Database):
    made = await make_order(database, await make_user(database))
    (claimed,) = await claim(database, LATER)
    assert claimed.id == made.id
    assert await claim(database, START + timedelta(days=3)) == []

    found = await stored.get(database, made.id)
    assert found is not None
    assert found.state is OrderState.EXPIRED


async def test_two_processes_do_not_claim_the_same_order(database: Database):
    user = await make_user(database)
    made = {(await make_order(database, user, number)).id for number in range(1, 11)}

    claimed = await asyncio.gather(*(claim(database, LATER, limit=5) for _ in range(4)))

    ids = [order.id for each in claimed for order in each]
    assert len(ids) == len(set(ids))
    assert set(ids) <= made
