"""An OpenID Connect issuer on a loopback socket. It checks what it is sent like a good issuer, and lies when told to.

async with OidcIssuer(clock.now) as issuer:
    back = await issuer.visit(address)        # what the browser is sent back with, as a mapping
    issuer.claims = {"nonce": "another"}      # from now on; None leaves one out
    issuer.rotate()                           # signs with a new key from now on
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from joserfc import jwk, jwt
from yarl import URL

from clinx.domain.console import OidcIssuer as Configured

CLIENT_ID = "clinx of tests"
CLIENT_SECRET = "s3cret:with/signs"
PERSON: Mapping[str, Any] = {"sub": "person-1", "preferred_username": "ann", "email": "Ann@Example.org"}

KEYS: Mapping[str, tuple[str, Any]] = {
    "RS256": ("RSA", 2048),
    "PS256": ("RSA", 2048),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}


class OidcIssuer:
    """Answers are mutable; what arrived is kept."""

    def __init__(self, now: Callable[[], datetime], *, alg: str = "RS256") -> None:
        self._now = now
        self.alg = alg
        self.url = ""
        self.keys: list[Any] = []
        self._made = 0
        self.rotate()
        self.person: dict[str, Any] = {**PERSON, "email_verified": True}
        self.claims: dict[str, Any] = {}
        """Instead of what the ID token would say."""
        self.header: dict[str, Any] = {}
        """The same for its header."""
        self.forge: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
        """Makes the ID token of a header and claims, instead of a signature."""
        self.document: dict[str, Any] = {}
        """Instead of what the discovery document would say."""
        self.userinfo: dict[str, Any] = {}
        self.sender: str | None = None
        """The ``iss`` of the answer to the browser."""
        self.asked: Counter[str] = Counter()
        self.forms: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/keys", self._keys)
        app.router.add_get("/me", self._me)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def configured(self, name: str = "corp", **changed: Any) -> Configured:
        """What a tree says of it."""
        return Configured(name, "Corporate", changed.get("issuer", self.url), CLIENT_ID, CLIENT_SECRET)

    def rotate(self) -> None:
        """Sign with a new key; the old ones are not shown any more."""
        kind, size = KEYS[self.alg]
        self._made += 1
        named: Any = {"kid": f"key-{self._made}", "use": "sig"}
        self.keys = [jwk.JWKRegistry.generate_key(kind, size, named)]

    async def visit(self, address: str) -> dict[str, str]:
        """Go where the gateway sends the browser; return the query it comes back with."""
        location = URL(await self.travel(address))
        return dict(location.query)

    async def travel(self, address: str) -> str:
        """The same; return the whole address."""
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(URL(address, encoded=True), allow_redirects=False) as response,
        ):
            assert response.status == 302, await response.text()
            return response.headers["Location"]

    async def _discovery(self, _: web.Request) -> web.Response:
        self.asked["discovery"] += 1
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?tenant=1",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/me",
            **self.document,
        }
        return web.json_response({name: value for name, value in document.items() if value is not None})

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        assert query["tenant"] == "1"
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = dict(query)
        back = {"code": code, "state": query["state"]}
        if self.sender is not None:
            back["iss"] = self.sender
        raise web.HTTPFound(URL(query["redirect_uri"]).update_query(back))

    async def _token(self, request: web.Request) -> web.Response:
        self.asked["token"] += 1
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        begun = self._codes.pop(form["code"], None)
        if begun is None or not self._is_client(request, form) or not _is_pkce(begun, form):
            return web.json_response({"error": "invalid_grant"}, status=400)
        assert form["redirect_uri"] == begun["redirect_uri"]
        assert form["grant_type"] == "authorization_code"
        return web.json_response({"access_token": "access-1", "token_type": "Bearer", "id_token": self.id_token(begun)})

    def id_token(self, begun: Mapping[str, str]) -> str:
        at = int(self._now().timestamp())
        said = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "exp": at + 300,
            "iat": at,
            "nonce": begun["nonce"],
            **{name: value for name, value in self.person.items() if name == "sub"},
            **self.claims,
        }
        header = {"alg": self.alg, "kid": self.keys[0].kid, **self.header}
        header = {name: value for name, value in header.items() if value is not None}
        claims = {name: value for name, value in said.items() if value is not None}
        if self.forge is not None:
            return self.forge(header, claims)
        with warnings.catch_warnings():  # The library would rather call EdDSA by its younger name.
            warnings.simplefilter("ignore")
            return jwt.encode(header, claims, self.keys[0], algorithms=list(KEYS))

    async def _keys(self, _: web.Request) -> web.Response:
        self.asked["keys"] += 1
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def _me(self, request: web.Request) -> web.Response:
        self.asked["userinfo"] += 1
        assert request.headers["Authorization"] == "Bearer access-1"
        return web.json_response({**self.person, **self.userinfo})

    def _is_client(self, request: web.Request, form: Mapping[str, str]) -> bool:
        header = request.headers.get("Authorization", "")
        if not header:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        shown = base64.b64decode(header.removeprefix("Basic ")).decode()
        name, _, secret = shown.partition(":")
        return "client_secret" not in form and (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The token of somebody who has no key."""
    return f"{_part({**header, 'alg': 'none'})}.{_part(claims)}."


def signed_with_public_key(issuer: OidcIssuer) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    """The token of somebody who takes the public key for a shared secret."""

    def forge(header: dict[str, Any], claims: dict[str, Any]) -> str:
        signed = f"{_part({**header, 'alg': 'HS256'})}.{_part(claims)}"
        digest = hmac.digest(issuer.keys[0].as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    return forge


def _is_pkce(begun: Mapping[str, str], form: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == begun["code_challenge"]


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
