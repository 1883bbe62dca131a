"""Stripe: Checkout sessions through the official library, and its signed events.

Import this module by `clinx.payments.outbound.load_stripe`: the library takes a fifth of a second.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Final

import aiohttp
import msgspec
import stripe
from stripe.params.checkout import SessionCreateParams

from clinx.domain.currency import Currency
from clinx.domain.order import Order, Outcome, Payment, PaymentProvider
from clinx.domain.payments import Payments, StripeAccount
from clinx.payments.notice import Irrelevant, Lapsed, Notice, Refused
from clinx.payments.provider import PayPage, ProviderUnavailable

logging.getLogger("stripe").setLevel(logging.WARNING)
"""The library writes a line or two about every request."""

TOLERANCE: Final = 300
"""Seconds that a signed event may be old."""

_COMPLETED: Final = "checkout.session.completed"
_PAID_LATER: Final = "checkout.session.async_payment_succeeded"
_OVER: Final = frozenset({"checkout.session.expired", "checkout.session.async_payment_failed"})
_SECONDS: Final = 20.0


class Session(msgspec.Struct, frozen=True):
    """What an event says of a Checkout session."""

    id: str
    client_reference_id: str | None = None
    metadata: dict[str, str] | None = None
    amount_total: int | None = None
    currency: str | None = None
    payment_status: str | None = None


class _Data(msgspec.Struct, frozen=True):
    object: msgspec.Raw


class Event(msgspec.Struct, frozen=True):
    """An event, its object unread: there are hundreds of kinds."""

    id: str
    type: str
    data: _Data


def read_notice(account: StripeAccount, body: bytes, signature: str) -> Notice:
    """Read an event: the body as it came, and the header ``Stripe-Signature``."""
    digest = hashlib.sha256(body).hexdigest()
    if not _is_signed(account, body, signature):
        return Refused(Outcome.FORGED, digest, None, "the signature does not fit, or is too old")
    try:
        event = msgspec.json.decode(body, type=Event)
        if event.type not in {_COMPLETED, _PAID_LATER, *_OVER}:
            return Irrelevant()
        session = msgspec.json.decode(event.data.object, type=Session)
    except msgspec.DecodeError as error:
        return Refused(Outcome.MALFORMED, digest, None, str(error))
    return _notice(event, session)


def _is_signed(account: StripeAccount, body: bytes, signature: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, signature, account.webhook_secret, TOLERANCE)  # pyright: ignore[reportUnknownMemberType]  (the tolerance has no type there)
    except (stripe.SignatureVerificationError, UnicodeError, TypeError):
        # The last two: what is not even text, in the body or in the header.
        return False
    return True


def _notice(event: Event, session: Session) -> Notice:
    named = (session.metadata or {}).get("order")
    if named is None or named != session.client_reference_id:
        why = "the session names no order of ours"
        return Refused(Outcome.UNKNOWN_ORDER, event.id, named or session.client_reference_id, why)
    if event.type in _OVER:
        return Lapsed(named)
    if event.type == _COMPLETED and session.payment_status != "paid":
        return Irrelevant()  # Paid later, or never: another event will say.
    return _payment(event.id, named, session)


def _payment(event: str, order_id: str, session: Session) -> Payment | Refused:
    if session.amount_total is None or session.currency is None:
        return Refused(Outcome.MALFORMED, event, order_id, "no amount or no currency")
    currency = Currency.of(session.currency.upper())
    paid = currency.units(session.amount_total)
    return Payment(PaymentProvider.STRIPE, order_id, paid, currency.code, session.id, event)


class Stripe:
    """One account; see `clinx.payments.provider.Provider`."""

    def __init__(self, account: StripeAccount, session: aiohttp.ClientSession) -> None:
        """Take the account, and the session to ask through."""
        self._account = account
        self._session = session

    async def open(self, order: Order, payments: Payments) -> PayPage:
        """See `Provider`. Made under the order's id, so that asking again returns the same page."""
        client = self._client()
        try:
            made = await client.v1.checkout.sessions.create_async(
                _wanted(order, payments), {"idempotency_key": order.id}
            )
        except stripe.StripeError as error:
            raise _unavailable(error) from None
        if not made.url:
            raise ProviderUnavailable("stripe: the session has no page")
        return PayPage(made.url, reference=made.id)

    async def ask(self, order: Order) -> Payment | Lapsed | None:
        """See `Provider`."""
        if order.reference is None:
            return None  # The process died before it was told: only the callback can name the session.
        client = self._client()
        try:
            found = await client.v1.checkout.sessions.retrieve_async(order.reference)
        except stripe.StripeError as error:
            raise _unavailable(error) from None
        if found.payment_status == "paid":
            session = Session(id=found.id, amount_total=found.amount_total, currency=found.currency)
            said = _payment(f"asked:{order.id}", order.id, session)
            if isinstance(said, Payment):
                return said
            raise ProviderUnavailable("stripe: the session says nothing of its amount")
        return Lapsed(order.id) if found.status == "expired" else None

    def _client(self) -> stripe.StripeClient:
        carrier = stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=_SECONDS), session=self._session)
        return stripe.StripeClient(
            self._account.secret_key,
            http_client=carrier,
            base_addresses={"api": self._account.url},
            max_network_retries=0,
        )


def _wanted(order: Order, payments: Payments) -> SessionCreateParams:
    return {
        "mode": "payment",
        "client_reference_id": order.id,
        "metadata": {"order": order.id},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.currency.lower(),
                    "unit_amount": order.price,
                    "product_data": {"name": f"Credit {order.amount}"},
                },
            }
        ],
        "expires_at": int(order.expires_at.timestamp()),
        "success_url": payments.return_url,
        "cancel_url": payments.return_url,
    }


def _unavailable(error: stripe.StripeError) -> ProviderUnavailable:
    said = error.user_message or type(error).__name__
    return ProviderUnavailable(f"stripe: {said}"[:300])
