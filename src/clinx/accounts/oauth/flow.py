"""Trips begun and ended: who is sent away, who may come back with what, once, and in the browser that left.

Theory of operation. `begin` makes two secrets: the *state*, which travels through the issuer, and the browser's, which
stays in a cookie. A challenge is stored under a digest of both and the provider's name, so an answer finds it only in
that browser and at that provider; claiming it is one conditional statement, so it is found once. The nonce and PKCE's
verifier are made of the browser's secret: a dump of the database helps nobody to finish a trip.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final

from clinx.accounts.failures import NotOffered
from clinx.accounts.oauth import settle, telegram, wechat
from clinx.accounts.oauth.fetch import Fetch
from clinx.accounts.oauth.providers import Providers
from clinx.accounts.oauth.refusals import Denied, IssuerRefused, NotSignedIn, ReturnRefused, StateUnknown
from clinx.accounts.oauth.settle import Arrival
from clinx.accounts.oauth.trip import Found, Trip, is_browser, new_browser
from clinx.accounts.throttle import Throttle
from clinx.domain.console import Console
from clinx.domain.identity import User
from clinx.storage import challenges
from clinx.storage.challenges import NewChallenge
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused

LIFETIME: Final = timedelta(minutes=10)
"""How long somebody may be away."""
CALLBACK: Final = "/api/oauth/"
"""Where issuers send browsers back to: followed by the provider's name."""

_NOT_OFFERED: Final = "this way of signing in is not offered"
_KIND: Final = "oauth"
_SEEN: Final = "oauth_seen"
_STATE_BYTES: Final = 32
_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,1999}")
"""A path of the same site: no second slash and no backslash after the first, nothing that is dropped on the way."""
_INVITATION: Final = re.compile(r"[0-9A-Za-z-]{1,32}")


class Purpose(StrEnum):
    """Why somebody is sent to an issuer."""

    SIGN_IN = "sign_in"
    BIND = "bind"
    """To add the identity to an account they are signed in to."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to come of a trip."""

    purpose: Purpose = Purpose.SIGN_IN
    return_path: str = "/"
    """Where in the console the person goes on."""
    invitation: str = ""
    """The code of whoever invited them."""

    def __post_init__(self) -> None:
        """Refuse what leads out of the console.

        Raises:
            AccountError: the path is none.
        """
        if not _PATH.fullmatch(self.return_path):
            raise ReturnRefused


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is at the door."""

    user: User | None = None
    """Whoever is signed in there."""
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Departure:
    """A trip that was begun."""

    trip: Trip
    address: str
    """Where to send the browser; for Telegram, where its widget sends it afterwards."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A trip that has ended: it cannot end again."""

    wish: Wish
    trip: Trip
    user_id: int | None
    """Who was signed in when it began to bind."""


@dataclass(frozen=True, slots=True)
class ExternalSignIn:
    """Sign-in by the word of others, as the tree that is served now offers it."""

    database: Database
    fetch: Fetch
    providers: Providers
    console: Callable[[], Console]
    throttle: Throttle
    now: Callable[[], datetime]

    async def begin(self, name: str, wish: Wish, guest: Guest) -> Departure:
        """Begin a trip to a provider.

        Raises:
            AccountError: it is not offered, the issuer is away, nobody is signed in whom something could be bound to,
                or too many were begun.
            StorageUnavailable: the database cannot be written now.
        """
        if wish.purpose is Purpose.BIND and guest.user is None:
            raise NotSignedIn
        await self.throttle.challenge(guest.address)
        console = self.console()
        trip = Trip(secrets.token_urlsafe(_STATE_BYTES), new_browser(), callback(console, name))
        if name == telegram.PROVIDER and console.sign_in.telegram is not None:
            address = f"{trip.callback}?state={trip.state}"
        else:
            address = await self.providers.provider(name, console).leave(trip)
        now = self.now()
        data = {"purpose": wish.purpose.value, "return": wish.return_path, "invitation": _invitation(wish)}
        bound_to = guest.user.id if guest.user is not None and wish.purpose is Purpose.BIND else None
        challenge = NewChallenge(_KIND, bound_to, name, data, now, now + LIFETIME)
        await self.database.atomically(challenges.insert(challenge, _digest(name, trip.state, trip.browser)))
        return Departure(trip, address)

    async def claim(self, name: str, answer: Mapping[str, str], browser: str | None) -> Claimed:
        """End the trip that an answer belongs to, if it was begun in this browser, whatever the answer is.

        Raises:
            AccountError: there is none.
            StorageUnavailable: the database cannot be written now.
        """
        state = answer.get("state", "")
        if browser is None or not is_browser(browser) or not is_browser(state):
            raise StateUnknown
        claim = challenges.claim(_KIND, _digest(name, state, browser), self.now())
        challenge = await self.database.atomically(claim)
        if challenge is None:
            raise StateUnknown
        data = challenge.data
        wish = Wish(Purpose(data["purpose"]), data["return"], data["invitation"])
        return Claimed(wish, Trip(state, browser, callback(self.console(), name)), challenge.user_id)

    async def arrive(self, name: str, answer: Mapping[str, str], claimed: Claimed, guest: Guest) -> Arrival:
        """Return whose trip it was: somebody known, newly bound, or new.

        Raises:
            AccountError: it was nobody's, or they may not come in.
            StorageUnavailable: the database cannot be used now.
        """
        if "error" in answer:
            raise Denied if answer["error"] == "access_denied" else IssuerRefused
        if claimed.wish.purpose is Purpose.BIND and (guest.user is None or guest.user.id != claimed.user_id):
            raise NotSignedIn
        if name == telegram.PROVIDER:
            return await self._settle(await self._of_widget(answer), claimed.wish, guest)
        found = await self.providers.provider(name, self.console()).arrive(answer, claimed.trip)
        return await self._settle(found, claimed.wish, guest)

    async def by_code(self, code: str, wish: Wish, guest: Guest) -> Arrival:
        """Return who sent a code to WeChat's official account.

        No trip is made for this: the caller must see to it that a page of the console asks.

        Raises:
            AccountError: nobody did, it is not offered, too much was tried, or they may not come in.
            StorageUnavailable: the database cannot be used now.
        """
        server = self.console().sign_in.wechat
        if server is None:
            raise NotOffered(_NOT_OFFERED)
        ticket = await self.throttle.challenge(guest.address)
        found = await wechat.find(server, code, self.fetch)
        await self.throttle.give_back(ticket)
        return await self._settle(found, wish, guest)

    async def by_widget(self, said: Mapping[str, str], wish: Wish, guest: Guest) -> Arrival:
        """Return of whom Telegram's widget on a page of the console speaks; as `by_code`."""
        ticket = await self.throttle.challenge(guest.address)
        found = await self._of_widget(said)
        await self.throttle.give_back(ticket)
        return await self._settle(found, wish, guest)

    async def _settle(self, found: Found, wish: Wish, guest: Guest) -> Arrival:
        if wish.purpose is Purpose.SIGN_IN:
            stranger = partial(self.throttle.registration, guest.address)
            console = self.console()
            return await settle.admit(
                self.database, found, console.registration, stranger, self.now(), reserved=console.reserved_names
            )
        if guest.user is None:
            raise NotSignedIn
        return await settle.bind(self.database, found, guest.user, self.now())

    async def _of_widget(self, said: Mapping[str, str]) -> Found:
        bot = self.console().sign_in.telegram
        if bot is None:
            raise NotOffered(_NOT_OFFERED)
        now = self.now()
        found = telegram.read(bot, said, now)
        # The hash is as good as a password until it is too old: whoever reads it in a log must be too late.
        seen = NewChallenge(_SEEN, None, telegram.PROVIDER, {}, now, now + 3 * telegram.FRESH)
        try:
            await self.database.atomically(challenges.insert(seen, _digest(_SEEN, said["hash"])))
        except StorageRefused as error:
            raise StateUnknown from error
        return found


def callback(console: Console, name: str) -> str:
    """Return the address that a provider sends browsers back to.

    Raises:
        AccountError: the tree does not say how browsers reach this gateway.
    """
    if console.address is None:
        raise NotOffered(_NOT_OFFERED)
    return f"{console.address}{CALLBACK}{name}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _invitation(wish: Wish) -> str:
    return wish.invitation if _INVITATION.fullmatch(wish.invitation) else ""
