"""Signing in by the word of others: where browsers leave for issuers, and where they come back.

    GET  /api/oauth/NAME/start?return=/path[&bind=1][&aff=CODE]    to the issuer, with a cookie
    GET  /api/oauth/NAME                                           back from it, into the console
    GET  /api/oauth/wechat?code=…[&return=…][&bind=1][&aff=…]      with the code that WeChat's server knows
    POST /api/oauth/telegram                                       with what Telegram's widget on a page said

Every answer is a redirect into the console: to the path that was asked for, with ``error=code`` when nobody came in,
or with a fragment ``#second_factor=…`` when a second factor is to follow. A fragment never reaches a server or its log.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from yarl import URL

from clinx.accounts.failures import AccountError, NotOffered
from clinx.accounts.oauth import telegram, wechat
from clinx.accounts.oauth.flow import CALLBACK, LIFETIME, ExternalSignIn, Guest, Purpose, Wish
from clinx.accounts.oauth.refusals import IssuerRefused, OriginRefused
from clinx.accounts.oauth.settle import Arrival
from clinx.accounts.sessions import Sessions, Visitor
from clinx.accounts.sign_in import FactorNeeded, SignIn
from clinx.billing import invitations
from clinx.billing.failures import MoneyRefused
from clinx.config.snapshot import Snapshot
from clinx.domain.identity import User
from clinx.errors import GatewayError
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.web import cookies, widget
from clinx.web.body import read_body
from clinx.web.console_edge import ConsoleEdge
from clinx.web.own_pages import is_of_the_console

START: Final = "/start"
_MAX_FORM: Final = 16 << 10
_MOST_FIELDS: Final = 20
_NAME: Final = re.compile(r"[a-z0-9-]{1,32}")
_PRIVATE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Server": "clinx"}

Handler = Callable[[web.BaseRequest], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class SigningIn:
    """The routes above, on the terms of the snapshot that is served when they are called."""

    database: Database
    flow: ExternalSignIn
    sessions: Sessions
    sign_in: SignIn
    edge: ConsoleEdge
    snapshot: Callable[[], Snapshot]
    now: Callable[[], datetime]

    def find(self, method: str, path: str) -> Handler | None:
        """Return the handler of a method and a path as it was written; None when they are not for here."""
        rest = path.removeprefix(CALLBACK)
        name = rest.removesuffix(START)
        if not path.startswith(CALLBACK) or not _NAME.fullmatch(name):
            return None
        if method == "GET" and rest != name:
            return partial(self.start, name)
        if method == "GET":
            return self.by_code if name == wechat.PROVIDER else partial(self.back, name)
        return self.by_widget if method == "POST" and name == telegram.PROVIDER else None

    async def start(self, name: str, request: web.BaseRequest) -> web.Response:
        """Send a browser to an issuer, with a cookie that it must bring back."""
        path = "/"
        try:
            wish = _wish(request.query)
            path = wish.return_path
            departure = await self.flow.begin(name, wish, await self._guest(request, wish))
        except (AccountError, GatewayError) as error:
            return self._failed(name, path, error)
        response = self._widget(departure.address) if name == telegram.PROVIDER else _moved(departure.address)
        cookie = cookies.trip_cookie(self.edge.is_secure(request))
        cookies.write(response, cookie, departure.trip.browser, LIFETIME)
        return response

    async def back(self, name: str, request: web.BaseRequest) -> web.Response:
        """Take a browser back from an issuer: the one that was sent, once."""
        path = "/"
        cookie = cookies.trip_cookie(self.edge.is_secure(request))
        try:
            answer = _firsts(request.query)
            claimed = await self.flow.claim(name, answer, cookies.read(request, cookie))
            path = claimed.wish.return_path
            guest = Guest(await self._signed_in(request), self.edge.address(request))
            arrival = await self.flow.arrive(name, answer, claimed, guest)
            response = await self._let_in(name, request, arrival, claimed.wish)
        except (AccountError, GatewayError) as error:
            response = self._failed(name, path, error)
        cookies.drop(response, cookie)
        return response

    async def by_code(self, request: web.BaseRequest) -> web.Response:
        """Take a code that WeChat's verification server knows, from a page of the console."""

        async def arrive(wish: Wish) -> Arrival:
            code = request.query.get("code", "")
            return await self.flow.by_code(code, wish, await self._guest(request, wish))

        return await self._at_once(wechat.PROVIDER, request, request.query, arrive)

    async def by_widget(self, request: web.BaseRequest) -> web.Response:
        """Take a form with what Telegram's widget told a page of the console."""
        try:
            body = await read_body(request, limit=_MAX_FORM, seconds=self.snapshot().server.body_timeout)
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        except GatewayError as error:
            return self._failed(telegram.PROVIDER, "/", error)
        except ValueError:  # Too many fields, or no form at all.
            return self._failed(telegram.PROVIDER, "/", IssuerRefused())

        async def arrive(wish: Wish) -> Arrival:
            return await self.flow.by_widget(form, wish, await self._guest(request, wish))

        return await self._at_once(telegram.PROVIDER, request, form, arrive)

    async def _at_once(
        self,
        name: str,
        request: web.BaseRequest,
        asked: Mapping[str, str],
        arrive: Callable[[Wish], Awaitable[Arrival]],
    ) -> web.Response:
        """Let somebody in for whom nobody was sent away: only a page of the console may ask for that."""
        path = "/"
        try:
            if not is_of_the_console(request, self.snapshot().console):
                raise OriginRefused
            wish = _wish(asked)
            path = wish.return_path
            return await self._let_in(name, request, await arrive(wish), wish)
        except (AccountError, GatewayError) as error:
            return self._failed(name, path, error)

    async def _let_in(self, name: str, request: web.BaseRequest, arrival: Arrival, wish: Wish) -> web.Response:
        if arrival.is_bound:
            return self._into_console(wish.return_path, bound=name)
        if arrival.is_new and wish.invitation:
            await self._accept(arrival.user, wish.invitation)
        visitor = Visitor(self.edge.address(request), request.headers.get("User-Agent", ""))
        entered = await self.sign_in.admit(arrival.user, name, visitor)
        if isinstance(entered, FactorNeeded):
            fragment = f"second_factor={entered.secret}&kinds={','.join(entered.kinds)}"
            return self._into_console(wish.return_path, fragment=fragment)
        await self.sessions.end_of(self.edge.session_of(request))
        response = self._into_console(wish.return_path)
        lasts = int(self.snapshot().console.sign_in.session.total_seconds())
        self.edge.set_session(response, entered.secret, secure=self.edge.is_secure(request), seconds=lasts)
        return response

    async def _accept(self, user: User, code: str) -> None:
        """Accept an invitation; one that is good for nothing keeps nobody out, and can be accepted later."""
        with suppress(MoneyRefused, StorageUnavailable):
            await invitations.accept(self.database, user, code, self.snapshot().invitations, at=self.now())

    async def _guest(self, request: web.BaseRequest, wish: Wish) -> Guest:
        """Return who asks.

        What is bound is a way in from then on: only a page of the console may ask for that, and only for somebody who
        has proved lately who they are.

        Raises:
            AccountError: another page asks, or the proof is too old.
        """
        address = self.edge.address(request)
        if wish.purpose is not Purpose.BIND:
            return Guest(address=address)
        if not is_of_the_console(request, self.snapshot().console):
            raise OriginRefused
        found = await self.sessions.find(self.edge.session_of(request))
        if found is None:
            return Guest(address=address)
        session, user = found
        self.sessions.check_step_up(session, self.snapshot().console.sign_in.step_up)
        return Guest(user, address)

    async def _signed_in(self, request: web.BaseRequest) -> User | None:
        found = await self.sessions.find(self.edge.session_of(request))
        return None if found is None else found[1]

    def _widget(self, address: str) -> web.Response:
        console = self.snapshot().console
        bot = console.sign_in.telegram
        if bot is None:  # The tree changed since the trip began.
            return self._failed(telegram.PROVIDER, "/", NotOffered("this way of signing in is not offered"))
        return widget.page(name=console.name, language=console.language.value, bot=bot.name, address=address)

    def _failed(self, name: str, path: str, error: AccountError | GatewayError) -> web.Response:
        return self._into_console(path, error=error.code, provider=name)

    def _into_console(self, path: str, *, fragment: str = "", **query: str) -> web.Response:
        """Redirect to a path of the console: it was checked to be one, and the host is the tree's."""
        console = self.snapshot().console
        address = URL(f"{console.url or console.address or ''}{path}").update_query(query)
        return _moved(str(address.with_fragment(fragment) if fragment else address))


def _moved(address: str) -> web.Response:
    return web.Response(status=303, headers={**_PRIVATE, "Location": address})


def _wish(asked: Mapping[str, str]) -> Wish:
    """Return what is to come of it.

    Raises:
        AccountError: the place to return to is none.
    """
    purpose = Purpose.BIND if asked.get("bind", "0") not in {"", "0", "false"} else Purpose.SIGN_IN
    return Wish(purpose, asked.get("return") or "/", asked.get("aff", ""))


def _firsts(query: Mapping[str, str]) -> Mapping[str, str]:
    """Return each parameter once, as it first stands in the address."""
    return {name: query[name] for name in query}
