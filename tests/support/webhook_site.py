"""A receiver of webhooks on a loopback socket. Its statuses are mutable; what arrived is kept.

async with WebhookSite() as site:
    site.statuses = [503]                   # to the first one; then all is well
    ...
    (received,) = site.received
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from clinx.domain.console import Webhook

SECRET = "webhook-secret-of-nobody"


@dataclass(frozen=True)
class Posted:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class WebhookSite:
    statuses: list[int] = field(default_factory=list)
    location: str | None = None
    """Where redirects lead."""
    silent: bool = False
    received: list[Posted] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> Self:
        self._gone = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        await self._runner.cleanup()

    def hook(self, path: str = "/hook", secret: str = SECRET) -> Webhook:
        return Webhook(f"{self.url}{path}", secret)

    async def _take(self, request: web.Request) -> web.Response:
        self.received.append(Posted(request.path_qs, dict(request.headers), await request.read()))
        if self.silent:
            await self._gone.wait()
        status = self.statuses.pop(0) if self.statuses else 204
        headers = {"Location": self.location} if self.location else {}
        return web.Response(status=status, headers=headers)


def is_signed(posted: Posted, secret: str = SECRET) -> bool:
    """What a receiver does to know that a notice is ours, written down once more."""
    fields = dict(part.split("=", 1) for part in posted.headers["X-Clinx-Signature"].split(","))
    dated = hmac.new(secret.encode(), fields["t"].encode() + b"." + posted.body, "sha256").hexdigest()
    plain = hmac.new(secret.encode(), posted.body, "sha256").hexdigest()
    return (fields["v1"], posted.headers["X-Webhook-Signature"]) == (dated, plain)
