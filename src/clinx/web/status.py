"""``/api/status``: what one-api and new-api tell everybody about themselves, as far as it is true of this gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

import msgspec
from aiohttp import web

import clinx
from clinx.accounts.oauth.providers import offers
from clinx.config.snapshot import Snapshot
from clinx.domain.console import Console, EmailRule
from clinx.domain.money import Amount
from clinx.domain.payments import Payments

PATH: Final = "/api/status"

_QUOTA_PER_UNIT: Final = 500_000
_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-store", "Server": "clinx"}


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Answers anybody. Nothing of it is a secret, and no client's secret is of it."""

    snapshot: Callable[[], Snapshot]
    started_at: datetime

    def routes(self) -> Mapping[tuple[str, str], Callable[[web.BaseRequest], Awaitable[web.Response]]]:
        """Return the handlers by (method, path)."""
        return {("GET", PATH): self.show}

    async def show(self, _: web.BaseRequest) -> web.Response:
        """Answer in the envelope of one-api."""
        snapshot = self.snapshot()
        data = {
            "version": clinx.__version__,
            "start_time": int(self.started_at.timestamp()),
            **_general(snapshot.console),
            **_sign_in(snapshot.console),
            **_currency(snapshot.currency),
            **_money(snapshot.payments),
        }
        body = msgspec.json.encode({"success": True, "message": "", "data": data})
        return web.Response(headers=_HEADERS, body=body)


def _general(console: Console) -> Mapping[str, object]:
    return {
        "system_name": console.name,
        "logo": "",
        "footer_html": "",
        "docs_link": "",
        "server_address": console.address or "",
        "chats": [{link.name: link.url} for link in console.chat_links],
        "demo_site_enabled": False,
        "self_use_mode_enabled": False,
        # The first start makes the account of the operator: there is nothing to set up.
        "setup": True,
    }


def _sign_in(console: Console) -> Mapping[str, object]:
    offered = console.sign_in
    issuer = next(iter(offered.oidc.values()), None)
    return {
        "email_verification": console.registration.email is EmailRule.REQUIRED,
        "github_oauth": offered.github is not None,
        "github_client_id": "" if offered.github is None else offered.github.client_id,
        "linuxdo_oauth": offered.linuxdo is not None,
        "linuxdo_client_id": "" if offered.linuxdo is None else offered.linuxdo.client_id,
        "telegram_oauth": offered.telegram is not None,
        "telegram_bot_name": "" if offered.telegram is None else offered.telegram.name,
        "wechat_login": offered.wechat is not None,
        "wechat_qrcode": "" if offered.wechat is None else offered.wechat.qrcode,
        "oidc_enabled": issuer is not None,
        "oidc_client_id": "" if issuer is None else issuer.client_id,
        "turnstile_check": False,
        "turnstile_site_key": "",
        # Ours: every way there is, with its place.
        "sign_in": [
            {"name": offer.name, "label": offer.label, "start": f"/api/oauth/{offer.name}/start"}
            for offer in offers(console)
        ],
    }


def _currency(code: str) -> Mapping[str, object]:
    """Say what amounts are in: clients know dollars by name, and of anything else are told how it is written.

    Their rates are from what they take for dollars, which here is the ledger's currency whatever that is: one.
    """
    return {
        "currency": code,  # Ours.
        "display_in_currency": True,
        "quota_display_type": "USD" if code == "USD" else "CUSTOM",
        "usd_exchange_rate": 1,
        "custom_currency_symbol": "$" if code == "USD" else f"{code} ",
        "custom_currency_exchange_rate": 1,
    }


def _money(payments: Payments | None) -> Mapping[str, object]:
    shown: dict[str, object] = {
        "quota_per_unit": _QUOTA_PER_UNIT,
        "enable_online_topup": payments is not None and payments.epay is not None,
        "top_up_link": "",
    }
    if payments is not None:
        shown["min_topup"] = _number(payments.minimum)
        if payments.epay is not None:
            shown["price"] = _rate(payments.epay.terms.rate)
    return shown


def _number(amount: Amount) -> msgspec.Raw:
    return msgspec.Raw(str(amount))


def _rate(rate: Fraction) -> msgspec.Raw:
    """Write a rate as clients expect it, a JSON number; of an endless one the first decimals."""
    places = 9
    whole, rest = divmod(round(rate * 10**places), 10**places)
    return msgspec.Raw(f"{whole}.{rest:0{places}}".rstrip("0").rstrip("."))
