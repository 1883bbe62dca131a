"""An EPay site and Stripe on one loopback socket, and what both sign.

async with FakePayments() as site:
    site.paid(order.id, "73.00")                # what EPay's api.php says from now on
    site.sessions[0].update(payment_status="paid", status="complete")
    pairs = notification(order.id, "73.00")
    body, signature = event("checkout.session.completed", session(order.id, 1000))
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl

import stripe
from aiohttp import web

from clinx.domain.currency import Currency
from clinx.domain.money import Amount
from clinx.domain.payments import EPayAccount, Payments, StripeAccount, Terms
from clinx.payments.epay import sign

KEY = "secretkey"
MERCHANT = "1001"
SECRET_KEY = "sk_test_of_nobody"
WEBHOOK_SECRET = "whsec_of_nobody"


class FakePayments:
    """Both providers. Answers are mutable; what arrived is kept."""

    def __init__(self) -> None:
        self.url = ""
        self.trades: dict[str, dict[str, Any]] = {}
        """By our order id: the JSON of api.php."""
        self.sessions: list[dict[str, Any]] = []
        self.made_under: dict[str, dict[str, Any]] = {}
        """Sessions by idempotency key."""
        self.asked: list[dict[str, str]] = []
        self.forms: list[dict[str, str]] = []
        self.keys: list[str] = []
        """Credentials that Stripe was shown."""
        self.status = 200
        """Anything else is answered to everybody."""
        self.body: bytes | None = None
        """Instead of an order, from api.php."""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/api.php", self._trade)
        app.router.add_post("/v1/checkout/sessions", self._make)
        app.router.add_get("/v1/checkout/sessions/{id}", self._session)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def paid(self, order_id: str, money: str, trade: str = "T1") -> None:
        self.trades[order_id] = {
            "code": 1,
            "status": 1,
            "out_trade_no": order_id,
            "trade_no": trade,
            "pid": int(MERCHANT),
            "money": money,
        }

    async def _trade(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        if self.body is not None:
            return web.Response(status=self.status, body=self.body)
        found = self.trades.get(request.query["out_trade_no"], {"code": -1, "msg": "no such order"})
        return web.json_response(found, status=self.status)

    async def _make(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Authorization"])
        form = dict(parse_qsl(await request.text()))
        self.forms.append(form)
        if self.status != 200:
            return web.json_response({"error": {"message": "not today"}}, status=self.status)
        key = request.headers["Idempotency-Key"]
        if key not in self.made_under:
            made = {
                "id": f"cs_test_{len(self.sessions) + 1}",
                "object": "checkout.session",
                "url": f"{self.url}/pay/{len(self.sessions) + 1}",
                "amount_total": int(form["line_items[0][price_data][unit_amount]"]),
                "currency": form["line_items[0][price_data][currency]"],
                "payment_status": "unpaid",
                "status": "open",
            }
            self.made_under[key] = made
            self.sessions.append(made)
        return web.json_response(self.made_under[key])

    async def _session(self, request: web.Request) -> web.Response:
        for each in self.sessions:
            if each["id"] == request.match_info["id"] and self.status == 200:
                return web.json_response(each)
        return web.json_response({"error": {"message": "no such session"}}, status=404)


def epay_account(url: str = "https://pay.example") -> EPayAccount:
    return EPayAccount(Terms(Currency.of("CNY"), Fraction("7.3"), ("alipay", "wxpay")), url, MERCHANT, KEY)


def stripe_account(url: str = "https://pay.example") -> StripeAccount:
    return StripeAccount(Terms(Currency.of("USD"), Fraction(1)), url, SECRET_KEY, WEBHOOK_SECRET)


def payments(url: str = "https://pay.example") -> Payments:
    """The payments of a tree with both providers at one address."""
    return Payments(
        amounts=(Amount.parse("5"), Amount.parse("10")),
        minimum=Amount.parse("1"),
        maximum=Amount.parse("1000"),
        discounts={"vip": Fraction("0.9")},
        return_url="https://console.example/billing",
        callback_url="https://gw.example",
        epay=epay_account(url),
        stripe=stripe_account(url),
    )


def notification(order_id: str, money: str, *, key: str = KEY, **changed: str) -> dict[str, str]:
    """What an EPay site sends when an order is paid, signed."""
    params = {
        "pid": MERCHANT,
        "trade_no": "T1",
        "out_trade_no": order_id,
        "type": "alipay",
        "name": "TUC10",
        "money": money,
        "trade_status": "TRADE_SUCCESS",
        "sign_type": "MD5",
        **changed,
    }
    return {**params, "sign": sign(params, key)}


def session(order_id: str, total: int, **changed: Any) -> dict[str, Any]:
    """A paid Checkout session as events hold it."""
    return {
        "id": "cs_test_1",
        "object": "checkout.session",
        "client_reference_id": order_id,
        "metadata": {"order": order_id},
        "amount_total": total,
        "currency": "usd",
        "payment_status": "paid",
        **changed,
    }


def event(kind: str, held: dict[str, Any], *, id_: str = "evt_1") -> bytes:
    """The body of an event."""
    return json.dumps({"id": id_, "object": "event", "type": kind, "data": {"object": held}}).encode()


def signature(body: bytes, *, secret: str = WEBHOOK_SECRET, age: int = 0) -> str:
    """The header that the official library would make, so many seconds ago."""
    at = int(datetime.now(UTC).timestamp()) - age
    return stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at)


@contextmanager
def serving() -> Generator[FakePayments]:
    """The same on a thread and a loop of its own, for commands that run on theirs."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    site = FakePayments()
    asyncio.run_coroutine_threadsafe(site.__aenter__(), loop).result(10)
    try:
        yield site
    finally:
        asyncio.run_coroutine_threadsafe(site.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
