"""A browser sent to an issuer, and what binds the answer to that browser."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

_BYTES: Final = 32
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST_NAME: Final = 64
_LONGEST_EMAIL: Final = 254


@dataclass(frozen=True, slots=True)
class Trip:
    """What the two ends of a trip must agree about. The database keeps none of its secrets."""

    state: str = field(repr=False)
    """Finds the trip again, once."""
    browser: str = field(repr=False)
    """What only the browser that began has, in a cookie; the nonce and the verifier are made of it."""
    callback: str
    """The address that the issuer sends the browser back to."""

    @property
    def nonce(self) -> str:
        """What the ID token must repeat."""
        return self._derived(b"nonce")

    @property
    def verifier(self) -> str:
        """PKCE's: shown to the issuer together with the code."""
        return self._derived(b"verifier")

    @property
    def challenge(self) -> str:
        """PKCE's, of the method S256: shown to the issuer when the trip begins."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())

    def _derived(self, purpose: bytes) -> str:
        return _text(hmac.digest(self.browser.encode(), purpose, "sha256"))


@dataclass(frozen=True, slots=True)
class Found:
    """Who came back, by the word of an issuer."""

    provider: str
    """``github``, ``linuxdo``, ``telegram``, ``wechat``, or ``oidc`` for every issuer."""
    subject: str
    """An id that is never given to anybody else there; that of an OIDC issuer begins with the issuer's address."""
    email: str | None = None
    """In lower case."""
    email_verified: bool = False
    name: str = ""
    """What the person is called there: a wish for a name here, and shown beside the identity."""


class Provider(Protocol):
    """A way of signing in that sends the browser away and back."""

    async def leave(self, trip: Trip) -> str:
        """Return the address to send the browser to.

        Raises:
            AccountError: the issuer cannot be used now.
        """
        ...

    async def arrive(self, answer: Mapping[str, str], trip: Trip) -> Found:
        """Return who the issuer says has come back with this query.

        Raises:
            AccountError: nobody, or nobody that the issuer vouches for.
        """
        ...


def new_browser() -> str:
    """Return a secret for a browser to keep while it is away: 256 bits."""
    return secrets.token_urlsafe(_BYTES)


def is_browser(text: str) -> bool:
    """Whether a cookie may be such a secret."""
    return _SECRET.fullmatch(text) is not None


def email_of(value: Any) -> str | None:
    """Return an address that an issuer tells, in lower case, if it looks like one."""
    if not isinstance(value, str) or len(value) > _LONGEST_EMAIL or not value.isascii() or not value.isprintable():
        return None
    local, at, domain = value.strip().rpartition("@")
    return f"{local}@{domain}".lower() if at and local and "." in domain and " " not in value.strip() else None


def name_of(*values: Any) -> str:
    """Return the first that is a name, without what cannot be printed."""
    for value in values:
        if isinstance(value, str) and (name := "".join(sign for sign in value if sign.isprintable()).strip()):
            return name[:_LONGEST_NAME]
    return ""


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
