"""What a key may ask about itself: the read-only routes that clients of OpenAI, one-api and new-api know.

Amounts are JSON numbers here, and nowhere else: these clients expect them. They are written out of the exact decimal
text, with at most nine decimals.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final

import msgspec
from aiohttp import web

from clinx.accounts.authenticate import Authenticator
from clinx.billing import statement
from clinx.config.snapshot import Server
from clinx.dialects.credentials import find_credential
from clinx.dialects.registry import FALLBACK
from clinx.domain.identity import Principal
from clinx.domain.money import Amount
from clinx.domain.request_log import RequestLog
from clinx.errors import GatewayError, InvalidRequest, MethodNotAllowed
from clinx.storage import request_logs
from clinx.storage.database import Database
from clinx.web.address import client_address
from clinx.web.cors import cors_headers, is_preflight, preflight

MOST_LOGS: Final = 1000
"""Request logs that one answer holds, at most."""
LOGS: Final = 100
"""The same when the caller does not say."""

_NANO_PER_QUOTA: Final = 2000
"""The quota of one-api and new-api is 500,000 to one unit of currency."""
_METHODS: Final = frozenset({"GET", "HEAD"})
_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-store"}
_CONSUMED, _FAILED = 2, 5
"""Types of logs, as new-api numbers them."""


class _Shape(Enum):
    """How a failure is written."""

    OPENAI = "openai"
    ENVELOPE = "envelope"


_Answer = Callable[[web.BaseRequest, Principal], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class KeyRoutes:
    """Answers the holder of an API key about that key: its limits, its spend, its calls. Changes nothing."""

    database: Database
    log_database: Database
    """Where request logs are."""
    authenticator: Authenticator
    server: Callable[[], Server]
    """What the tree that is served now says of the edge."""
    new_id: Callable[[], str]

    def routes(self) -> Mapping[str, Callable[[web.BaseRequest], Awaitable[web.Response]]]:
        """Return the handlers by path; each answers every method."""
        answers: dict[str, tuple[_Answer, _Shape]] = {
            "/dashboard/billing/subscription": (self.subscription, _Shape.OPENAI),
            "/dashboard/billing/usage": (self.usage, _Shape.OPENAI),
            "/api/log/token": (self.logs, _Shape.ENVELOPE),
            "/api/usage/token": (self.token_usage, _Shape.ENVELOPE),
        }
        spelled = {
            **answers,
            **{f"/v1{path}": answer for path, answer in answers.items() if path.startswith("/dashboard/")},
            "/api/usage/token/": answers["/api/usage/token"],
        }
        return {path: self._route(answer, shape) for path, (answer, shape) in spelled.items()}

    def _route(self, answer: _Answer, shape: _Shape) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
        async def handle(request: web.BaseRequest) -> web.Response:
            server = self.server()
            cors = cors_headers(request, server)
            if is_preflight(request):
                return preflight(request, cors)
            request_id = self.new_id()
            headers = {"x-request-id": request_id, "clinx-request-id": request_id, "Server": "clinx", **cors}
            try:
                principal = await self._admit(request, server)
                body = msgspec.json.encode(await answer(request, principal))
            except GatewayError as error:
                return _refusal(error, shape, request_id, headers)
            return web.Response(headers={**_HEADERS, **headers}, body=body)

        return handle

    async def _admit(self, request: web.BaseRequest, server: Server) -> Principal:
        """Return whose key it is. The database is asked: a revoked key learns nothing more.

        Raises:
            MethodNotAllowed, Unauthenticated, PermissionDenied, StorageUnavailable.
        """
        if request.method not in _METHODS:
            raise MethodNotAllowed(f"{request.method} is not allowed here.", allowed=_METHODS)
        secret = find_credential(request.headers, request.query)
        address = client_address(request, server.trusted_proxies)
        return await self.authenticator.authenticate(secret, address, fresh=True)

    async def subscription(self, _: web.BaseRequest, principal: Principal) -> object:
        """Return what the key may spend in all, in OpenAI's shape."""
        allowance = await statement.allowance(self.database, principal.token)
        limit = _number(allowance.granted, places=9)
        return {
            "object": "billing_subscription",
            "has_payment_method": True,
            "soft_limit_usd": limit,
            "hard_limit_usd": limit,
            "system_hard_limit_usd": limit,
            "access_until": _seconds(principal.token.expires_at),
        }

    async def usage(self, request: web.BaseRequest, principal: Principal) -> object:
        """Return what the key spent, in hundredths: in all, or on the days that are asked for."""
        since, until = _day(request, "start_date"), _day(request, "end_date")
        if since is None and until is None:
            spent = (await statement.allowance(self.database, principal.token)).spent
        else:
            rows = await statement.spend(
                self.database, principal.user, since or date.min, until or date.max, token=principal.token
            )
            spent = Amount(sum(row.charge.nano for row in rows))
        return {"object": "list", "total_usage": _number(spent, places=7)}

    async def token_usage(self, _: web.BaseRequest, principal: Principal) -> object:
        """Return the key's limits in new-api's shape."""
        token = principal.token
        allowance = await statement.allowance(self.database, token)
        data = {
            "object": "token_usage",
            "name": token.name,
            "total_granted": _quota(allowance.granted),
            "total_used": _quota(allowance.spent),
            "total_available": _quota(allowance.left),
            "unlimited_quota": not allowance.budgeted,
            "model_limits": dict.fromkeys(sorted(token.models), True),
            "model_limits_enabled": bool(token.models),
            "expires_at": _seconds(token.expires_at),
        }
        return {"code": True, "message": "ok", "data": data}

    async def logs(self, request: web.BaseRequest, principal: Principal) -> object:
        """Return the key's latest calls in new-api's shape, the newest first."""
        found = await request_logs.latest(
            self.log_database, user_id=principal.user.id, token_id=principal.token.id, limit=_limit(request)
        )
        data = [_log(number, log, principal) for number, log in enumerate(found, 1)]
        return {"success": True, "message": "", "data": data}


def _log(number: int, log: RequestLog, principal: Principal) -> Mapping[str, object]:
    """Write one call. What served it is the operator's business: no channel, no upstream, no attempts."""
    charged = log.outcome == "ok" or bool(log.charge)
    return {
        "id": number,
        "request_id": log.id,
        "created_at": int(log.at.timestamp()),
        "type": _CONSUMED if charged else _FAILED,
        "content": "; ".join(log.quote) if log.outcome == "ok" else log.outcome,
        "user_id": principal.user.id,
        "username": principal.user.name,
        "token_id": principal.token.id,
        "token_name": principal.token.name,
        "model_name": log.model or "",
        "quota": _quota(log.charge),
        "prompt_tokens": log.usage.input_tokens,
        "completion_tokens": log.usage.output_tokens,
        "use_time": int(log.seconds),
        "is_stream": log.stream,
        "channel": 0,
        "channel_name": "",
        "group": log.group or "",
        "other": "",
    }


def _refusal(error: GatewayError, shape: _Shape, request_id: str, headers: Mapping[str, str]) -> web.Response:
    shown = FALLBACK.render_error(error, request_id)
    body = shown.body
    if shape is _Shape.ENVELOPE:
        text = " ".join(part for part in (error.message, error.hint, f"(request id: {request_id})") if part)
        body = msgspec.json.encode({"success": False, "message": text})
    return web.Response(status=shown.status, headers={**_HEADERS, **shown.headers, **headers}, body=body)


def _number(amount: Amount, *, places: int) -> msgspec.Raw:
    """Write nano-units as a JSON number whose last of ``places`` decimals is one of them."""
    text = f"{Decimal(amount.nano).scaleb(-places):f}"
    return msgspec.Raw(text.rstrip("0").rstrip(".") if "." in text else text)


def _quota(amount: Amount) -> int:
    """Return the units that one-api and new-api count in; halves go up."""
    return (2 * amount.nano + _NANO_PER_QUOTA) // (2 * _NANO_PER_QUOTA)


def _seconds(instant: datetime | None) -> int:
    """Return seconds since 1970; 0 is never."""
    return 0 if instant is None else int(instant.timestamp())


def _day(request: web.BaseRequest, name: str) -> date | None:
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise InvalidRequest(f"{name!r} must be a day such as 2025-01-31.", param=name) from None


def _limit(request: web.BaseRequest) -> int:
    text = request.query.get("limit", "") or str(LOGS)
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_LOGS)) and 1 <= int(text) <= MOST_LOGS):
        raise InvalidRequest(f"'limit' must be a number from 1 to {MOST_LOGS}.", param="limit")
    return int(text)
