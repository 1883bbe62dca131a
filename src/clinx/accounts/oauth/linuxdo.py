"""LinuxDO: a code, a token for Basic credentials, a profile whose numeric id is the identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from yarl import URL

from clinx.accounts.oauth import fetch as door
from clinx.accounts.oauth.fetch import JSON, Fetch
from clinx.accounts.oauth.github import bearer
from clinx.accounts.oauth.oidc import basic
from clinx.accounts.oauth.refusals import Denied
from clinx.accounts.oauth.trip import Found, Trip, name_of
from clinx.domain.console import OAuthApp

PROVIDER: Final = "linuxdo"


class _Profile(msgspec.Struct, frozen=True):
    id: int
    username: str = ""
    name: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class LinuxDo:
    """Sign-in at LinuxDO; see `clinx.accounts.oauth.trip.Provider`."""

    app: OAuthApp
    fetch: Fetch
    site: str = "https://connect.linux.do"

    async def leave(self, trip: Trip) -> str:
        """See `Provider`."""
        asked = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": trip.callback,
            "state": trip.state,
        }
        return str(URL(f"{self.site}/oauth2/authorize").update_query(asked))

    async def arrive(self, answer: Mapping[str, str], trip: Trip) -> Found:
        """See `Provider`."""
        form = {
            "grant_type": "authorization_code",
            "code": answer.get("code", ""),
            "redirect_uri": trip.callback,
        }
        credentials = {"Authorization": basic(self.app.client_id, self.app.client_secret)}
        granted = await door.post(self.fetch, f"{self.site}/oauth2/token", form, headers=credentials)
        headers = {**JSON, "Authorization": bearer(granted.get("access_token"))}
        profile = await door.get(self.fetch, f"{self.site}/api/user", shape=_Profile, headers=headers)
        if not profile.active:
            raise Denied
        # It vouches for no e-mail address.
        return Found(PROVIDER, str(profile.id), name=name_of(profile.username, profile.name))
