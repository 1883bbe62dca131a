from dataclasses import replace

import pytest

from clinx.billing.orders import AmountOutOfRange, Wish
from clinx.domain.money import Amount
from clinx.domain.order import PaymentProvider, order_id
from clinx.payments.checkout import Checkout
from clinx.payments.provider import ProviderUnavailable
from clinx.storage import orders
from clinx.storage.database import Database
from support.database import START, make_user
from support.fake_payments import FakePayments, payments

EPAY = Wish(PaymentProvider.EPAY, "alipay", Amount.parse("10"))
STRIPE = Wish(PaymentProvider.STRIPE, "checkout", Amount.parse("10"))


async def test_an_epay_order_is_paid_on_a_signed_page(database: Database):
    user = await make_user(database)
    checkout = Checkout(database, payments(), ())

    order, page = await checkout.begin(user, EPAY, id_=order_id(1), at=START)

    assert await orders.get(database, order_id(1)) == order
    assert (page.params["out_trade_no"], page.params["money"]) == (order_id(1), "73.00")
    assert await checkout.page(order) == page


async def test_a_stripe_order_knows_its_session(database: Database, site: FakePayments):
    user = await make_user(database)
    checkout = Checkout(database, payments(site.url), ())

    order, page = await checkout.begin(user, STRIPE, id_=order_id(1), at=START)

    found = await orders.get(database, order.id)
    assert found is not None
    assert found.reference == page.reference == "cs_test_1"
    assert await checkout.page(found) == page
    assert len(site.sessions) == 1


async def test_a_provider_that_is_away_leaves_an_order_whose_page_is_found_later(
    database: Database, site: FakePayments
):
    user = await make_user(database)
    checkout = Checkout(database, payments(site.url), ())
    site.status = 402

    with pytest.raises(ProviderUnavailable):
        await checkout.begin(user, STRIPE, id_=order_id(1), at=START)

    site.status = 200
    order = await orders.get(database, order_id(1))
    assert order is not None
    assert order.reference is None
    assert (await checkout.page(order)).url == f"{site.url}/pay/1"


async def test_a_wish_that_is_not_on_offer_makes_no_order(database: Database, site: FakePayments):
    user = await make_user(database)
    checkout, wish = Checkout(database, payments(site.url), ()), replace(STRIPE, amount=Amount.parse("0"))

    with pytest.raises(AmountOutOfRange):
        await checkout.begin(user, wish, id_=order_id(1), at=START)

    assert (await orders.latest(database), site.forms) == ([], [])
