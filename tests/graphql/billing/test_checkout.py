from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.billing import orders as sales
from clinx.billing.failures import KeyReused
from clinx.billing.orders import AmountOutOfRange, Wish
from clinx.domain.money import Amount
from clinx.domain.order import OrderState, PaymentProvider, is_order_id
from clinx.graphql.billing.checkout import MOST_OPEN, begin
from clinx.graphql.errors import Problem
from clinx.storage import orders
from clinx.storage.orders import OrderFilter
from support.database import Clock
from support.fake_payments import FakePayments

EPAY = Wish(PaymentProvider.EPAY, "alipay", Amount.parse("10"))
STRIPE = Wish(PaymentProvider.STRIPE, "checkout", Amount.parse("10"))


async def count(console) -> int:
    return await orders.count(console.database, OrderFilter(), most=100)


async def test_one_key_makes_one_order_however_often_it_is_asked(console):
    context = console.context(await console.user("ann"))

    order, page = await begin(context, EPAY, "key-1")

    assert is_order_id(order.id)
    assert await begin(context, EPAY, "key-1") == (order, page)
    assert await count(console) == 1
    other, _ = await begin(context, EPAY, "key-2")
    assert other.id != order.id


async def test_one_key_makes_one_order_when_it_is_asked_at_once(console):
    context = console.context(await console.user("ann"))

    found = await asyncio.gather(*(begin(context, EPAY, "key-1") for _ in range(5)))

    assert len({order.id for order, _ in found}) == 1
    assert await count(console) == 1


async def test_keys_are_ones_own(console):
    ann, bob = await console.user("ann"), await console.user("bob")

    of_ann, _ = await begin(console.context(ann), EPAY, "key-1")
    of_bob, _ = await begin(console.context(bob), EPAY, "key-1")

    assert of_ann.id != of_bob.id
    assert (of_ann.user_id, of_bob.user_id) == (ann.id, bob.id)


@pytest.mark.parametrize(
    "other",
    [replace(EPAY, amount=Amount.parse("5")), replace(EPAY, method="wxpay"), STRIPE],
    ids=["amount", "method", "provider"],
)
async def test_a_key_that_was_used_for_another_wish_makes_nothing(console, other: Wish):
    context = console.context(await console.user("ann"))
    await begin(context, EPAY, "key-1")

    with pytest.raises(KeyReused):
        await begin(context, other, "key-1")

    assert await count(console) == 1


async def test_a_stripe_session_is_made_once_for_a_key(console, site: FakePayments):
    context = console.context(await console.user("ann"))

    order, page = await begin(context, STRIPE, "key-1")
    again, same = await begin(context, STRIPE, "key-1")

    assert (order.id, page) == (again.id, same)
    assert len(site.sessions) == 1


async def test_a_provider_that_is_away_leaves_an_order_that_the_key_finds(console, site: FakePayments, caplog):
    context = console.context(await console.user("ann"))
    site.status = 402

    with pytest.raises(Problem) as caught:
        await begin(context, STRIPE, "key-1")

    assert (caught.value.code, caught.value.parameters) == ("provider_unavailable", {"provider": "stripe"})
    assert [record.message for record in caplog.records if record.name == "clinx.graphql"] == ["payment.page_failed"]
    site.status = 200
    order, page = await begin(context, STRIPE, "key-1")
    assert page is not None
    assert (page.url, page.reference) == (f"{site.url}/pay/1", "cs_test_1")
    assert await count(console) == 1
    assert order.state is OrderState.PENDING


async def test_what_cannot_be_paid_any_more_has_no_page(console, clock: Clock):
    context = console.context(await console.user("ann"))
    order, _ = await begin(context, EPAY, "key-1")

    clock.advance(timedelta(hours=23).total_seconds())
    assert await begin(context, EPAY, "key-1") == (order, None)

    await sales.cancel(console.database, order.id, at=clock.now())
    cancelled, page = await begin(context, EPAY, "key-1")
    assert (cancelled.state, page) == (OrderState.CANCELLED, None)


async def test_what_is_not_on_offer_is_no_order(console):
    context = console.context(await console.user("ann"))

    with pytest.raises(AmountOutOfRange):
        await begin(context, replace(EPAY, amount=Amount.parse("0.5")), "key-1")

    assert await count(console) == 0


async def test_nothing_is_bought_where_nothing_is_sold(console):
    console.snapshot = replace(console.snapshot, payments=None)
    context = console.context(await console.user("ann"))

    with pytest.raises(Problem) as caught:
        await begin(context, EPAY, "key-1")

    assert caught.value.code == "nothing_sold"


async def test_only_so_many_orders_wait_to_be_paid(console, clock: Clock):
    ann, bob = await console.user("ann"), await console.user("bob")
    for number in range(MOST_OPEN):
        await begin(console.context(ann), EPAY, f"key-{number}")

    with pytest.raises(Problem) as caught:
        await begin(console.context(ann), EPAY, "one more")

    assert (caught.value.code, caught.value.parameters) == ("too_many_orders", {"most": MOST_OPEN})
    assert await count(console) == MOST_OPEN
    assert (await begin(console.context(ann), EPAY, "key-0"))[1] is not None, "what is there is found"
    await begin(console.context(bob), EPAY, "key-0")
    clock.advance(3601)
    await begin(console.context(ann), EPAY, "one more")
    assert await count(console) == MOST_OPEN + 2
