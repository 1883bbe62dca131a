"""GitHub: a code, a token, a profile whose numeric id is the identity, and the primary address if it is verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from yarl import URL

from clinx.accounts.oauth import fetch as door
from clinx.accounts.oauth.fetch import JSON, Fetch
from clinx.accounts.oauth.refusals import IssuerRefused
from clinx.accounts.oauth.trip import Found, Trip, email_of, name_of
from clinx.domain.console import OAuthApp

PROVIDER: Final = "github"


class _Profile(msgspec.Struct, frozen=True):
    id: int
    login: str


class _Email(msgspec.Struct, frozen=True):
    email: str
    primary: bool = False
    verified: bool = False


@dataclass(frozen=True, slots=True)
class GitHub:
    """Sign-in at GitHub; see `clinx.accounts.oauth.trip.Provider`."""

    app: OAuthApp
    fetch: Fetch
    site: str = "https://github.com"
    api: str = "https://api.github.com"

    async def leave(self, trip: Trip) -> str:
        """See `Provider`."""
        asked = {
            "client_id": self.app.client_id,
            "redirect_uri": trip.callback,
            "scope": "read:user user:email",
            "state": trip.state,
            "code_challenge": trip.challenge,
            "code_challenge_method": "S256",
        }
        return str(URL(f"{self.site}/login/oauth/authorize").update_query(asked))

    async def arrive(self, answer: Mapping[str, str], trip: Trip) -> Found:
        """See `Provider`."""
        form = {
            "client_id": self.app.client_id,
            "client_secret": self.app.client_secret,
            "code": answer.get("code", ""),
            "redirect_uri": trip.callback,
            "code_verifier": trip.verifier,
        }
        granted = await door.post(self.fetch, f"{self.site}/login/oauth/access_token", form)
        headers = {**JSON, "Authorization": bearer(granted.get("access_token"))}
        profile = await door.get(self.fetch, f"{self.api}/user", shape=_Profile, headers=headers)
        emails = await door.get(self.fetch, f"{self.api}/user/emails", shape=list[_Email], headers=headers)
        email = next((email_of(each.email) for each in emails if each.primary and each.verified), None)
        # The login is for show: it can be given up, and taken by somebody else.
        return Found(PROVIDER, str(profile.id), email, email is not None, name_of(profile.login))


def bearer(token: object) -> str:
    """Return the header value that shows a token.

    Raises:
        AccountError: it is none. (GitHub says so with status 200.)
    """
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise IssuerRefused
    return f"Bearer {token}"
