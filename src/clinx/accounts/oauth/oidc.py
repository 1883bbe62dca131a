"""Any OpenID Connect issuer: discovery, the code flow with PKCE and a nonce, an ID token, and what userinfo adds."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from yarl import URL

from clinx.accounts.oauth import fetch as door
from clinx.accounts.oauth.fetch import JSON, Fetch
from clinx.accounts.oauth.id_token import Expected, IdTokens
from clinx.accounts.oauth.issuers import Document, Issuers
from clinx.accounts.oauth.refusals import IssuerRefused, IssuerUnavailable
from clinx.accounts.oauth.trip import Found, Trip, email_of, name_of
from clinx.domain.console import OidcIssuer

PROVIDER: Final = "oidc"
_LONGEST_SUBJECT: Final = 255


@dataclass(frozen=True, slots=True)
class Oidc:
    """Sign-in at one issuer; see `clinx.accounts.oauth.trip.Provider`."""

    issuer: OidcIssuer
    fetch: Fetch
    issuers: Issuers
    tokens: IdTokens

    async def leave(self, trip: Trip) -> str:
        """See `Provider`."""
        document = await self.issuers.document(self.issuer.issuer)
        asked = {
            "response_type": "code",
            "client_id": self.issuer.client_id,
            "redirect_uri": trip.callback,
            "scope": " ".join(self.issuer.scopes),
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": trip.challenge,
            "code_challenge_method": "S256",
        }
        return str(URL(document.authorization_endpoint).update_query(asked))

    async def arrive(self, answer: Mapping[str, str], trip: Trip) -> Found:
        """See `Provider`."""
        document = await self.issuers.document(self.issuer.issuer)
        self._check_sender(answer, document)
        if not (code := answer.get("code")):
            raise IssuerRefused
        form, headers = self._redeem(code, trip, document)
        granted = await door.post(self.fetch, document.token_endpoint, form, headers=headers)
        token = granted.get("id_token")
        if not isinstance(token, str):
            raise IssuerRefused
        expected = Expected(document.issuer, self.issuer.client_id, trip.nonce)
        claims = await self.tokens.claims(token, expected)
        if not claims["sub"].isprintable():
            raise IssuerRefused
        return _found(document.issuer, claims, await self._more(document, granted, claims))

    def _check_sender(self, answer: Mapping[str, str], document: Document) -> None:
        """Refuse an answer that another issuer sent here (RFC 9207)."""
        sender = answer.get("iss")
        missing = sender is None and document.authorization_response_iss_parameter_supported
        if missing or (sender is not None and sender != document.issuer):
            raise IssuerRefused

    def _redeem(self, code: str, trip: Trip, document: Document) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the form and the headers that turn a code into tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": trip.callback,
            "code_verifier": trip.verifier,
        }
        methods = document.token_endpoint_auth_methods_supported
        if "client_secret_basic" in methods:
            return form, {"Authorization": basic(self.issuer.client_id, self.issuer.client_secret)}
        if "client_secret_post" in methods:
            return {**form, "client_id": self.issuer.client_id, "client_secret": self.issuer.client_secret}, {}
        raise IssuerUnavailable

    async def _more(
        self, document: Document, granted: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what userinfo tells beyond the token, about the same subject or not at all."""
        access = granted.get("access_token")
        if document.userinfo_endpoint is None or not isinstance(access, str) or not _is_header(access):
            return {}
        headers = {**JSON, "Authorization": f"Bearer {access}"}
        told = await door.get(self.fetch, document.userinfo_endpoint, shape=dict[str, Any], headers=headers)
        if told.get("sub") != claims["sub"]:
            raise IssuerRefused
        return {name: value for name, value in told.items() if value is not None}


def basic(client_id: str, client_secret: str) -> str:
    """Return the header value that shows an application's secret: both parts are written as in forms (RFC 6749)."""
    text = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def subject_of(issuer: str, sub: str) -> str:
    """Return what an identity of an issuer is kept by: ids are unique at their issuer only."""
    whole = f"{issuer} {sub}"
    return whole if len(whole) <= _LONGEST_SUBJECT else f"sha256 {hashlib.sha256(whole.encode()).hexdigest()}"


def _found(issuer: str, claims: Mapping[str, Any], more: Mapping[str, Any]) -> Found:
    # An address and whether it is verified belong together: they are never taken from two places.
    vouched = more if more.get("email") else claims
    email = email_of(vouched.get("email"))
    named = {**claims, **more}
    return Found(
        provider=PROVIDER,
        subject=subject_of(issuer, claims["sub"]),
        email=email,
        # Some issuers write booleans as text.
        email_verified=email is not None and vouched.get("email_verified") in (True, "true"),
        name=name_of(named.get("preferred_username"), named.get("name"), named.get("nickname"), email),
    )


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable()
