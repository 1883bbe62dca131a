"""What OpenID Connect issuers say of themselves: their discovery documents and keys, remembered for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from clinx.accounts.oauth import fetch as door
from clinx.accounts.oauth.fetch import Fetch
from clinx.accounts.oauth.refusals import IssuerUnavailable

REMEMBERED: Final = 3600.0
"""Seconds a discovery document and its keys are believed."""
PATIENCE: Final = 60.0
"""Seconds between two looks for a key that was not there: strangers may name keys as they like."""
_MOST_KEYS: Final = 100

Jwk = Mapping[str, Any]


class Document(msgspec.Struct, frozen=True):
    """A discovery document: the little of it that is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    @property
    def addresses(self) -> Sequence[str]:
        """Where browsers and this gateway are sent."""
        known = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri, self.userinfo_endpoint)
        return [address for address in known if address is not None]


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


@dataclass(slots=True)
class _Known:
    document: Document
    until: float
    keys: Sequence[Jwk] | None = None
    keys_at: float = 0.0


class Issuers:
    """Knows issuers by their addresses."""

    def __init__(self, fetch: Fetch, monotonic: Callable[[], float]) -> None:
        """Know nothing."""
        self._fetch = fetch
        self._monotonic = monotonic
        self._known: dict[str, _Known] = {}

    async def document(self, issuer: str) -> Document:
        """Return what an issuer says of itself.

        Raises:
            AccountError: it does not answer, calls itself otherwise, or names places where secrets can be read on
                the way.
        """
        return (await self._know(issuer)).document

    async def keys(self, issuer: str, key_id: str | None) -> Sequence[Jwk]:
        """Return an issuer's public keys: they are looked up again when none has the id, but not all the time.

        Raises:
            AccountError: it does not answer.
        """
        known = await self._know(issuer)
        has_key = known.keys is not None and any(key_id is None or key.get("kid") == key_id for key in known.keys)
        if not has_key and (known.keys is None or self._monotonic() - known.keys_at >= PATIENCE):
            # Noted before it is asked: those who come meanwhile do not ask too.
            known.keys_at = self._monotonic()
            found = await door.get(self._fetch, known.document.jwks_uri, shape=_KeySet)
            known.keys = found.keys[:_MOST_KEYS]
        return known.keys or ()

    async def _know(self, issuer: str) -> _Known:
        known = self._known.get(issuer)
        if known is not None and known.until > self._monotonic():
            return known
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        document = await door.get(self._fetch, address, shape=Document)
        if document.issuer != issuer or not all(map(door.is_safe, document.addresses)):
            raise IssuerUnavailable
        known = self._known[issuer] = _Known(document, self._monotonic() + REMEMBERED)
        return known
