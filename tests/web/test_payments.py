import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from clinx.billing import orders as booked
from clinx.billing.orders import Wish
from clinx.domain.identity import User
from clinx.domain.money import Amount
from clinx.domain.order import Order, OrderState, PaymentProvider, order_id
from clinx.payments.desk import Desk
from clinx.storage import orders
from clinx.web.payments import MAX_BODY, STRIPE_PATH, Callbacks
from support.away import Away
from support.database import Clock
from support.fake_payments import KEY, SECRET_KEY, WEBHOOK_SECRET, event, notification, session, signature
from support.gateway import Running, running_gateway

EPAY_PATH = "/api/user/epay/notify"
COMPLETED = "checkout.session.completed"
SECTION = """\
payments:
  return_url: https://console.example/billing
  callback_url: https://gw.example
  epay: {url: "https://pay.example", merchant: "1001", key: "${env:EPAY_KEY}", rate: "7.3", methods: [alipay]}
  stripe: {secret_key: "${env:STRIPE_SECRET_KEY}", webhook_secret: "${env:STRIPE_WEBHOOK_SECRET}"}
"""
TREE = """\
version: 1
models:
  small: {price: free}
channels:
  - {name: shared, provider: echo, models: [small]}
"""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EPAY_KEY", KEY)
    monkeypatch.setenv("STRIPE_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)


@pytest.fixture
async def selling(tmp_path: Path) -> AsyncGenerator[Running]:
    async with running_gateway(tmp_path, {"gateway.yaml": TREE + SECTION}) as running:
        yield running


async def place(running: Running, user: User, provider: PaymentProvider, number: int = 1) -> Order:
    payments = running.gateway.current.snapshot.payments
    assert payments is not None
    method = "alipay" if provider is PaymentProvider.EPAY else "checkout"
    wish = Wish(provider, method, Amount.parse("10"))
    at = Clock().now()
    return await booked.create(running.gateway.database, user, wish, payments, id_=order_id(number), at=at)


async def answered(running: Running, method: str, path: str, **sent: Any) -> tuple[int, str]:
    async with running.session.request(method, running.url + path, **sent) as response:
        return response.status, await response.text()


async def total(running: Running, user: User) -> Amount:
    return (await running.balance(user)).total


async def epay(running: Running, params: Any) -> tuple[int, str]:
    return await answered(running, "GET", EPAY_PATH, params=params)


async def stripe(running: Running, body: bytes, header: str | None = None) -> tuple[int, str]:
    headers = {"Stripe-Signature": signature(body) if header is None else header}
    return await answered(running, "POST", STRIPE_PATH, data=body, headers=headers)


async def test_an_epay_notification_credits_and_a_repetition_is_a_success_too(selling: Running):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.EPAY)
    params = notification(order.id, "73.00")

    assert await epay(selling, params) == (200, "success")
    assert await epay(selling, params) == (200, "success")

    assert await total(selling, user) == Amount.parse("10")
    assert await selling.sum_of_entries() == Amount(0)
    (first, _) = await orders.events(selling.gateway.database, order.id)
    assert first.address == "127.0.0.1"
    assert await selling.request_logs() == []


async def test_a_form_is_as_good_as_a_query(selling: Running):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.EPAY)
    params = notification(order.id, "73.00", name="充值 10 & more")

    assert await answered(selling, "POST", EPAY_PATH, data=params) == (200, "success")
    assert await total(selling, user) == Amount.parse("10")


async def test_a_hundred_notifications_at_once_credit_once(selling: Running):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.EPAY)
    said = [notification(order.id, "73.00", extra=str(number)) for number in range(100)]

    answers = await asyncio.gather(*(epay(selling, params) for params in said))

    assert answers == [(200, "success")] * 100
    assert await total(selling, user) == Amount.parse("10")
    assert await selling.sum_of_entries("clearing:epay") == Amount.parse("-10")


@pytest.mark.parametrize(
    "changed",
    [{"key": "another"}, {"money": "72.99"}, {"pid": "1002"}, {"out_trade_no": order_id(99)}, {"sign_type": "RSA"}],
    ids=str,
)
async def test_a_notification_that_does_not_fit_fails_and_changes_nothing(selling: Running, changed: dict[str, str]):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.EPAY)
    params = {"order_id": order.id, "money": "73.00", **changed}
    params["order_id"] = params.pop("out_trade_no", params["order_id"])

    assert await epay(selling, notification(**params)) == (200, "fail")

    assert await total(selling, user) == Amount(0)
    assert await orders.get(selling.gateway.database, order.id) == order


async def test_a_parameter_that_is_repeated_fails(selling: Running):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.EPAY)
    pairs = [*notification(order.id, "73.00").items(), ("money", "73.00")]

    assert await epay(selling, pairs) == (200, "fail")
    assert await total(selling, user) == Amount(0)


@pytest.mark.parametrize("body", [b"", b"\xff", b"&".join(b"a=%d" % n for n in range(200)), b"x" * (MAX_BODY + 1)])
async def test_a_body_that_is_no_form_fails(selling: Running, body: bytes):
    assert await answered(selling, "POST", EPAY_PATH, data=BytesIO(body)) == (200, "fail")


async def test_a_trade_that_is_not_over_is_heard_without_a_credit(selling: Running):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.EPAY)

    assert await epay(selling, notification(order.id, "73.00", trade_status="TRADE_CLOSED")) == (200, "success")
    assert await total(selling, user) == Amount(0)


async def test_a_stripe_event_credits_and_a_repetition_is_accepted(selling: Running):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.STRIPE)
    body = event(COMPLETED, session(order.id, 1000))
    later = event("checkout.session.async_payment_succeeded", session(order.id, 1000), id_="evt_2")

    assert await stripe(selling, body) == (200, "credited")
    assert await stripe(selling, body) == (200, "repeated")
    assert await stripe(selling, later) == (200, "repeated")

    assert await total(selling, user) == Amount.parse("10")
    assert await selling.sum_of_entries("clearing:stripe") == Amount.parse("-10")


async def test_an_event_that_ends_a_session_expires_the_order(selling: Running):
    order = await place(selling, await selling.user(), PaymentProvider.STRIPE)
    body = event("checkout.session.expired", session(order.id, 1000, payment_status="unpaid"))

    assert await stripe(selling, body) == (200, "expired")

    found = await orders.get(selling.gateway.database, order.id)
    assert found is not None
    assert found.state is OrderState.EXPIRED


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"amount_total": 999}, "wrong_amount"),
        ({"currency": "eur"}, "wrong_currency"),
        ({"metadata": {"order": order_id(99)}, "client_reference_id": order_id(99)}, "unknown_order"),
        ({"client_reference_id": order_id(99)}, "unknown_order"),
        ({"id": "cs_of_another"}, "wrong_reference"),
    ],
)
async def test_a_genuine_event_that_does_not_fit_is_accepted_and_credits_nothing(
    selling: Running, changed: dict[str, Any], outcome: str
):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.STRIPE)
    await booked.bind(selling.gateway.database, order, "cs_test_1")

    assert await stripe(selling, event(COMPLETED, session(order.id, 1000, **changed))) == (200, outcome)

    assert await total(selling, user) == Amount(0)
    rows = await selling.gateway.database.fetch("SELECT outcome FROM payment_event")
    assert rows == [(outcome,)]


async def test_the_event_of_one_provider_does_not_pay_the_order_of_the_other(selling: Running):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.EPAY)

    assert await stripe(selling, event(COMPLETED, session(order.id, 7300, currency="cny"))) == (200, "wrong_provider")
    assert await total(selling, user) == Amount(0)


async def test_a_forged_event_is_refused(selling: Running):
    user = await selling.user(credit="0")
    order = await place(selling, user, PaymentProvider.STRIPE)
    body = event(COMPLETED, session(order.id, 1000))

    assert await stripe(selling, body, signature(body, secret="whsec_of_another")) == (400, "forged")
    assert await stripe(selling, body, "") == (400, "forged")
    assert await stripe(selling, body, signature(body, age=301)) == (400, "forged")
    large = BytesIO(b"x" * (MAX_BODY + 1))
    assert await answered(selling, "POST", STRIPE_PATH, data=large) == (413, "payload_too_large")
    assert await total(selling, user) == Amount(0)


async def test_the_routes_answer_no_other_method(selling: Running):
    for method, path in (("HEAD", EPAY_PATH), ("PUT", EPAY_PATH), ("GET", STRIPE_PATH)):
        status, _ = await answered(selling, method, path)
        assert status == 404


async def test_what_is_not_configured_is_not_there(tmp_path: Path):
    async with running_gateway(tmp_path, {"gateway.yaml": TREE}) as running:
        assert await epay(running, notification(order_id(1), "73.00")) == (404, "not found")
        assert await stripe(running, b"{}") == (404, "not found")


async def test_a_section_that_is_added_is_served_at_once(tmp_path: Path):
    async with running_gateway(tmp_path, {"gateway.yaml": TREE}) as running:
        running.write("gateway.yaml", TREE + SECTION)
        assert (await running.post("/-/reload", {}))[0] == 200

        assert await epay(running, notification(order_id(1), "73.00")) == (200, "fail")
        assert await stripe(running, b"{}", "") == (400, "forged")


@asynccontextmanager
async def without_a_database(running: Running) -> AsyncGenerator[str]:
    """The same routes on a database that is away."""
    clock = Clock()
    desk = Desk(Away(), None, now=clock.now, monotonic=clock.monotonic)  # pyright: ignore[reportArgumentType]  (a stand-in)
    routes = Callbacks(desk, lambda: running.gateway.current.snapshot).routes()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await routes[request.method, request.path](request)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_while_the_database_is_away_they_are_asked_to_say_it_again(selling: Running):
    body = event(COMPLETED, session(order_id(1), 1000))
    async with without_a_database(selling) as url, aiohttp.ClientSession() as client:
        async with client.get(url + EPAY_PATH, params=notification(order_id(1), "73.00")) as said:
            assert (said.status, await said.text()) == (200, "fail")
        async with client.post(url + STRIPE_PATH, data=body, headers={"Stripe-Signature": signature(body)}) as said:
            assert (said.status, await said.text()) == (503, "billing_unavailable")
