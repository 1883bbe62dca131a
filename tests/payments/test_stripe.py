from fractions import Fraction
from typing import Any

import aiohttp
import msgspec
import pytest

from clinx.domain.order import Order, Outcome, Payment, PaymentProvider
from clinx.payments.notice import Irrelevant, Lapsed, Refused
from clinx.payments.provider import PayPage, ProviderUnavailable
from clinx.payments.stripe import Stripe, read_notice
from support.fake_payments import (
    SECRET_KEY,
    WEBHOOK_SECRET,
    FakePayments,
    event,
    payments,
    session,
    signature,
    stripe_account,
)
from support.orders import STRIPE_ORDER as ORDER

SOLD = payments()
ACCOUNT = stripe_account()
COMPLETED = "checkout.session.completed"
PAID_LATER = "checkout.session.async_payment_succeeded"


def read(body: bytes, header: str | None = None) -> object:
    return read_notice(ACCOUNT, body, signature(body) if header is None else header)


def paid(total: Fraction, currency: str) -> Payment:
    return Payment(PaymentProvider.STRIPE, ORDER.id, total, currency, "cs_test_1", "evt_1")


@pytest.mark.parametrize("kind", [COMPLETED, PAID_LATER])
def test_a_paid_session_is_a_payment(kind: str):
    assert read(event(kind, session(ORDER.id, 1000))) == paid(Fraction(10), "USD")


@pytest.mark.parametrize(
    ("currency", "total", "units"), [("jpy", 1000, "1000"), ("kwd", 1000, "1"), ("ugx", 1000, "10")]
)
def test_amounts_are_in_the_currency_s_own_smallest_unit(currency: str, total: int, units: str):
    body = event(COMPLETED, session(ORDER.id, total, currency=currency))

    assert read(body) == paid(Fraction(units), currency.upper())


@pytest.mark.parametrize("kind", ["checkout.session.expired", "checkout.session.async_payment_failed"])
def test_a_session_that_is_over_ends_the_order(kind: str):
    assert read(event(kind, session(ORDER.id, 1000, payment_status="unpaid"))) == Lapsed(ORDER.id)


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        (COMPLETED, {"payment_status": "unpaid"}),
        (COMPLETED, {"payment_status": "no_payment_required"}),
        (COMPLETED, {"payment_status": None}),
        ("invoice.paid", {}),
    ],
)
def test_what_pays_nothing_is_no_payment(kind: str, changed: dict[str, Any]):
    assert read(event(kind, session(ORDER.id, 1000, **changed))) == Irrelevant()


GOOD = event(COMPLETED, session(ORDER.id, 1000))


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (GOOD, ""),
        (GOOD, "nonsense"),
        (GOOD, "t=1,v1="),
        (GOOD, "t=x,v1=é"),
        (GOOD, signature(GOOD).replace("v1=", "v0=")),
        (GOOD, "t=9999999999,v1=é"),
        (GOOD, signature(GOOD, secret="whsec_of_another")),
        (GOOD, signature(GOOD, age=301)),
        (GOOD + b" ", signature(GOOD)),
        (b"\xff\xfe", signature(GOOD)),
        (b"", signature(GOOD)),
    ],
    ids=range(11),
)
def test_what_is_not_signed_is_forged(body: bytes, header: str):
    notice = read(body, header)

    assert isinstance(notice, Refused)
    assert (notice.outcome, notice.order_id) == (Outcome.FORGED, None)
    assert WEBHOOK_SECRET not in repr(notice)


def test_an_event_may_take_minutes():
    assert isinstance(read(GOOD, signature(GOOD, age=290)), Payment)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"id": "evt_1", "type": "checkout.session.completed"}',
        event(COMPLETED, session(ORDER.id, 1000, amount_total="1000")),
        event(COMPLETED, session(ORDER.id, 1000, amount_total=None)),
        event(COMPLETED, session(ORDER.id, 1000, currency=None)),
        event(COMPLETED, session(ORDER.id, 1000, amount_total=10.5)),
    ],
)
def test_a_signed_body_that_says_nothing_is_malformed(body: bytes):
    notice = read(body)

    assert isinstance(notice, Refused)
    assert notice.outcome is Outcome.MALFORMED


@pytest.mark.parametrize(
    "changed",
    [
        {"metadata": None},
        {"metadata": {}},
        {"client_reference_id": None},
        {"client_reference_id": "another"},
        {"metadata": None, "client_reference_id": None},
    ],
)
def test_a_session_that_does_not_name_one_order_is_unknown(changed: dict[str, Any]):
    notice = read(event(COMPLETED, session(ORDER.id, 1000, **changed)))

    assert isinstance(notice, Refused)
    assert (notice.outcome, notice.event) == (Outcome.UNKNOWN_ORDER, "evt_1")


async def opened(site: FakePayments, order: Order = ORDER) -> PayPage:
    async with aiohttp.ClientSession() as http:
        return await Stripe(stripe_account(site.url), http).open(order, SOLD)


async def asked(site: FakePayments, reference: str | None = "cs_test_1") -> object:
    order = msgspec.structs.replace(ORDER, reference=reference)
    async with aiohttp.ClientSession() as http:
        return await Stripe(stripe_account(site.url), http).ask(order)


async def test_a_session_is_made_with_the_order_s_price_and_id(site: FakePayments):
    page = await opened(site)

    assert page == PayPage(f"{site.url}/pay/1", {}, "cs_test_1")
    assert site.keys == [f"Bearer {SECRET_KEY}"]
    assert site.forms == [
        {
            "mode": "payment",
            "client_reference_id": ORDER.id,
            "metadata[order]": ORDER.id,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": "usd",
            "line_items[0][price_data][unit_amount]": "1000",
            "line_items[0][price_data][product_data][name]": "Credit 10",
            "expires_at": str(int(ORDER.expires_at.timestamp())),
            "success_url": "https://console.example/billing",
            "cancel_url": "https://console.example/billing",
        }
    ]


async def test_asking_for_the_page_again_makes_no_second_session(site: FakePayments):
    assert await opened(site) == await opened(site)
    assert len(site.sessions) == 1


async def test_a_refusal_is_told_without_the_key(site: FakePayments):
    site.status = 402

    with pytest.raises(ProviderUnavailable) as caught:
        await opened(site)

    assert str(caught.value) == "stripe: not today"
    assert caught.value.__cause__ is None


async def test_a_session_without_a_page_is_no_use(site: FakePayments):
    await opened(site)
    site.sessions[0]["url"] = None

    with pytest.raises(ProviderUnavailable, match="no page"):
        await opened(site)


async def test_a_session_says_what_became_of_the_order(site: FakePayments):
    await opened(site)
    assert await asked(site) is None

    site.sessions[0].update(status="complete")
    assert await asked(site) is None, "it is paid later, or never"

    site.sessions[0].update(payment_status="paid")
    said = Payment(PaymentProvider.STRIPE, ORDER.id, Fraction(10), "USD", "cs_test_1", f"asked:{ORDER.id}")
    assert await asked(site) == said

    site.sessions[0].update(payment_status="unpaid", status="expired")
    assert await asked(site) == Lapsed(ORDER.id)


async def test_an_order_without_a_session_cannot_be_asked_about(site: FakePayments):
    assert await asked(site, None) is None
    assert site.keys == []


async def test_a_session_that_is_unknown_or_says_no_amount_has_said_nothing(site: FakePayments):
    with pytest.raises(ProviderUnavailable, match="no such session"):
        await asked(site)
    await opened(site)
    site.sessions[0].update(payment_status="paid", amount_total=None)
    with pytest.raises(ProviderUnavailable, match="nothing of its amount"):
        await asked(site)


async def test_a_network_that_is_down_is_reported(site: FakePayments):
    async with aiohttp.ClientSession() as http:
        away = Stripe(stripe_account("http://127.0.0.1:1"), http)
        with pytest.raises(ProviderUnavailable, match="stripe: "):
            await away.ask(msgspec.structs.replace(ORDER, reference="cs_test_1"))
