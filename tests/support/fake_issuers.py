"""GitHub, LinuxDO and a WeChat verification server on one loopback socket.

async with FakeIssuers() as fake:
    GitHub(app, fetch, site=fake.url, api=fake.url)
    fake.github = {"id": 7, "login": "ann"}
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Self

from aiohttp import web
from yarl import URL

from clinx.domain.console import OAuthApp, WeChatServer

APP = OAuthApp("app-1", "app-s3cret")
WECHAT_TOKEN = "wechat-s3cret"


class FakeIssuers:
    """All three. Answers are mutable; what arrived is kept."""

    def __init__(self) -> None:
        self.url = ""
        self.github: dict[str, Any] = {"id": 583231, "login": "ann", "name": "Ann A."}
        self.emails: list[dict[str, Any]] = [
            {"email": "old@example.org", "primary": False, "verified": True},
            {"email": "Ann@Example.org", "primary": True, "verified": True},
        ]
        self.linuxdo: dict[str, Any] = {"id": 42, "username": "ann", "active": True}
        self.wechat: dict[str, str] = {"123456": "oWx-ann"}
        """Ids by code."""
        self.status = 200
        """Anything else is answered to everybody."""
        self.body: bytes | None = None
        """Instead of what would be answered."""
        self.forms: list[dict[str, str]] = []
        self._codes: dict[str, Mapping[str, str]] = {}

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._mood])
        app.router.add_get("/login/oauth/authorize", self._authorize)
        app.router.add_post("/login/oauth/access_token", self._github_token)
        app.router.add_get("/user", self._user)
        app.router.add_get("/user/emails", self._emails)
        app.router.add_get("/oauth2/authorize", self._authorize)
        app.router.add_post("/oauth2/token", self._linuxdo_token)
        app.router.add_get("/api/user", self._linuxdo_user)
        app.router.add_get("/api/wechat/user", self._wechat_user)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def wechat_server(self) -> WeChatServer:
        return WeChatServer(self.url, WECHAT_TOKEN, "https://wechat.example/qr.png")

    @web.middleware
    async def _mood(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.status != 200 or self.body is not None:
            return web.Response(status=self.status, body=self.body or b"{}")
        return await handler(request)

    async def _authorize(self, request: web.Request) -> web.Response:
        assert request.query["client_id"] == APP.client_id
        code = f"code-{len(self._codes)}"
        self._codes[code] = dict(request.query)
        raise web.HTTPFound(URL(request.query["redirect_uri"]).update_query(code=code, state=request.query["state"]))

    async def _github_token(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        begun = self._codes.pop(form["code"], None)
        is_client = (form["client_id"], form["client_secret"]) == (APP.client_id, APP.client_secret)
        if begun is None or not is_client or not _is_pkce(begun, form):
            # GitHub says no with status 200.
            return web.json_response({"error": "bad_verification_code", "error_description": "expired"})
        return web.json_response({"access_token": "gho-1", "token_type": "bearer"})

    async def _user(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer gho-1"
        return web.json_response(self.github)

    async def _emails(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer gho-1"
        return web.json_response(self.emails)

    async def _linuxdo_token(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        shown = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        begun = self._codes.pop(form["code"], None)
        if begun is None or shown != f"{APP.client_id}:{APP.client_secret}":
            return web.json_response({"error": "invalid_grant"}, status=400)
        assert form["redirect_uri"] == begun["redirect_uri"]
        return web.json_response({"access_token": "ldo-1"})

    async def _linuxdo_user(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer ldo-1"
        return web.json_response(self.linuxdo)

    async def _wechat_user(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == WECHAT_TOKEN
        known = self.wechat.get(request.query["code"])
        if known is None:
            return web.json_response({"success": False, "message": "验证码错误或已过期"})
        return web.json_response({"success": True, "message": "", "data": known})

    async def _form(self, request: web.Request) -> dict[str, str]:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        return form


def _is_pkce(begun: Mapping[str, str], form: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == begun["code_challenge"]
