"""Where payment providers call back. No credential but their signature; nothing is answered before it is committed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from clinx.config.snapshot import Snapshot
from clinx.domain.order import Outcome, PaymentProvider
from clinx.errors import CallerError
from clinx.payments import epay, outbound
from clinx.payments.desk import Desk
from clinx.storage.failures import StorageUnavailable
from clinx.web.address import client_address
from clinx.web.body import read_body

MAX_BODY: Final = 1 << 20
STRIPE_PATH: Final = "/api/stripe/webhook"
_MOST_FIELDS: Final = 100
_HEADERS: Final = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}

_EPAY_ACCEPTED: Final = frozenset({Outcome.CREDITED, Outcome.REPEATED, Outcome.EXPIRED, Outcome.IGNORED})
_STRIPE_REFUSED: Final = frozenset({Outcome.FORGED, Outcome.MALFORMED})
"""What Stripe is told to look at. All else that is genuine is accepted: repeating it would change nothing."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The providers' routes, on the terms of the snapshot that is served when they are called."""

    desk: Desk
    snapshot: Callable[[], Snapshot]

    def routes(self) -> Mapping[tuple[str, str], Callable[[web.BaseRequest], Awaitable[web.Response]]]:
        """Return the handlers by (method, path)."""
        return {
            ("GET", epay.NOTIFY_PATH): self.epay,
            ("POST", epay.NOTIFY_PATH): self.epay,
            ("POST", STRIPE_PATH): self.stripe,
        }

    async def epay(self, request: web.BaseRequest) -> web.Response:
        """Take a notification in the query, or in a form; ``success`` is what stops the site from repeating it."""
        snapshot = self.snapshot()
        if snapshot.payments is None or (account := snapshot.payments.epay) is None:
            return _answer(404, "not found")
        try:
            pairs = await self._pairs(request, snapshot)
            notice = epay.read_notice(account, pairs)
            outcome = await self.desk.take(PaymentProvider.EPAY, notice, address=_address(request, snapshot))
        except (CallerError, StorageUnavailable):
            return _answer(200, "fail")
        return _answer(200, "success" if outcome in _EPAY_ACCEPTED else "fail")

    async def stripe(self, request: web.BaseRequest) -> web.Response:
        """Take a signed event."""
        snapshot = self.snapshot()
        if snapshot.payments is None or (account := snapshot.payments.stripe) is None:
            return _answer(404, "not found")
        await outbound.load_stripe()
        from clinx.payments import stripe  # noqa: PLC0415  (slow to import, for the few who need it)

        try:
            body = await read_body(request, limit=MAX_BODY, seconds=snapshot.server.body_timeout)
            notice = stripe.read_notice(account, body, request.headers.get("Stripe-Signature", ""))
            outcome = await self.desk.take(PaymentProvider.STRIPE, notice, address=_address(request, snapshot))
        except CallerError as error:
            return _answer(error.http_status, error.code)
        except StorageUnavailable as error:
            return _answer(error.http_status, error.code)
        return _answer(400 if outcome in _STRIPE_REFUSED else 200, outcome.value)

    async def _pairs(self, request: web.BaseRequest, snapshot: Snapshot) -> list[tuple[str, str]]:
        if request.method == "GET":
            return list(request.rel_url.query.items())
        body = await read_body(request, limit=MAX_BODY, seconds=snapshot.server.body_timeout)
        try:
            return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:  # Too many fields, or no form at all: nothing that could be signed.
            return []


def _address(request: web.BaseRequest, snapshot: Snapshot) -> str | None:
    return client_address(request, snapshot.server.trusted_proxies)


def _answer(status: int, text: str) -> web.Response:
    return web.Response(status=status, headers=_HEADERS, body=text.encode())
