from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from pyotp.totp import TOTP
from yarl import URL

from clinx.accounts import users
from clinx.accounts.keys import Keys
from clinx.accounts.oauth.flow import ExternalSignIn
from clinx.accounts.oauth.github import GitHub
from clinx.accounts.oauth.providers import Providers
from clinx.accounts.oauth.telegram import sign
from clinx.accounts.passkeys import Passkeys
from clinx.accounts.passwords import Passwords
from clinx.accounts.sealing import Sealer
from clinx.accounts.second_factors import SecondFactors
from clinx.accounts.sessions import Sessions, Visitor
from clinx.accounts.sign_in import Proofs, SignIn
from clinx.accounts.throttle import PER_NETWORK, Throttle
from clinx.billing import invitations
from clinx.domain.console import Console, Registration, TelegramBot
from clinx.domain.console import SignIn as Offered
from clinx.domain.identity import Status, User
from clinx.domain.invitation import Rewards
from clinx.domain.money import Amount
from clinx.domain.session import Session
from clinx.state.memory import MemoryCounters
from clinx.storage import identities
from clinx.storage import users as stored
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.upstream.fetch import Fetcher
from clinx.web.console_edge import ConsoleEdge
from clinx.web.signing_in import SigningIn
from support.database import (
    Clock,
    _migrated_database,
    _migrated_file,
    clock,
    database,
    database_url,
    make_user,
)
from support.edge import Tree, browser, moved, served
from support.fake_issuers import APP, FakeIssuers
from support.oidc_issuer import OidcIssuer

__all__ = ["_migrated_database", "_migrated_file", "clock", "database", "database_url"]

BOT = TelegramBot("example_bot", "123456:TESTTOKEN")
CONSOLE = "https://console.example"
OWN_PAGE = {"Referer": f"{CONSOLE}/settings"}
TRIP = "clinx-trip"


@dataclass
class House:
    """The routes over a real database and real issuers, and a browser."""

    tree: Tree
    database: Database
    sessions: Sessions
    factors: SecondFactors
    issuer: OidcIssuer
    fake: FakeIssuers
    window: aiohttp.ClientSession
    url: str

    async def go(self, path: str, **asked: Mapping[str, str]) -> str:
        return await moved(self.window, f"{self.url}{path}", **asked)

    async def leave(self, query: str = "", name: str = "corp", headers: Mapping[str, str] | None = None) -> str:
        """Begin; return where the issuer sends the browser back to."""
        return await self.issuer.travel(await self.go(f"/api/oauth/{name}/start{query}", headers=headers or {}))

    async def round(self, query: str = "", name: str = "corp", headers: Mapping[str, str] | None = None) -> str:
        """Begin and come back; return where in the console that ends."""
        return await moved(self.window, await self.leave(query, name, headers))

    def cookies(self) -> dict[str, str]:
        return {name: morsel.value for name, morsel in self.window.cookie_jar.filter_cookies(URL(self.url)).items()}

    async def session(self) -> tuple[Session, User] | None:
        """Who is signed in in the browser."""
        return await self.sessions.find(self.cookies().get("clinx"))

    async def user(self) -> str | None:
        found = await self.session()
        return None if found is None else found[1].name

    async def sign_in(self, user: User) -> None:
        opened = await self.sessions.open(user, "password", Visitor(), lifetime=self.tree.console.sign_in.session)
        self.window.cookie_jar.update_cookies({"clinx": opened.secret}, URL(self.url))


@pytest.fixture
async def house(database: Database, clock: Clock, tmp_path: Path) -> AsyncIterator[House]:
    fetch = Fetcher(lambda: [ipaddress.ip_network("127.0.0.0/8")])
    async with OidcIssuer(clock.now) as issuer, FakeIssuers() as fake, browser() as window:
        offered = Offered(github=APP, telegram=BOT, wechat=fake.wechat_server(), oidc={"corp": issuer.configured()})
        tree = Tree.of(
            tmp_path, Console(name="Example AI", url=CONSOLE, registration=Registration(open=True), sign_in=offered)
        )
        github = partial(GitHub, site=fake.url, api=fake.url)
        providers = Providers(fetch, now=clock.now, monotonic=clock.monotonic, github=github)
        throttle = Throttle(MemoryCounters(clock.now), now=clock.now)
        sessions = Sessions(database, now=clock.now)
        factors = SecondFactors(database, Sealer(Keys.derive(b"k" * 32).sealing), now=clock.now)
        passkeys = Passkeys(database, now=clock.now)
        proofs = Proofs(Passwords(database), factors, passkeys, sessions, throttle)
        signing_in = SigningIn(
            database,
            ExternalSignIn(database, fetch, providers, lambda: tree.console, throttle, clock.now),
            sessions,
            SignIn(database, proofs, console=lambda: tree.console, now=clock.now),
            ConsoleEdge(tree.now),
            tree.now,
            clock.now,
        )
        async with served(signing_in.find) as url:
            tree.console = replace(tree.console, address=url)
            yield House(tree, database, sessions, factors, issuer, fake, window, url)


def error(location: str) -> str:
    """The code in an answer that leads to the console's first page."""
    address = URL(location)
    assert str(address.with_query(None)) == f"{CONSOLE}/"
    return address.query["error"]


@pytest.mark.parametrize("name", ["corp", "github"])
async def test_who_comes_back_is_signed_in_where_they_wanted_to_go(house: House, name: str):
    assert await house.round("?return=/keys%3Ftab%3D1%23top", name) == f"{CONSOLE}/keys?tab=1#top"

    found = await house.session()
    assert found is not None
    session, user = found
    assert (user.name, session.method, session.address) == ("ann", name, "127.0.0.1")
    assert set(house.cookies()) == {"clinx"}


async def test_every_sign_in_is_a_new_session(house: House):
    await house.round()
    first = house.cookies()["clinx"]
    await house.round()

    assert house.cookies()["clinx"] != first
    assert len(await users.everyone(house.database)) == 1


async def test_a_sign_in_ends_the_session_that_the_browser_had(house: House, clock: Clock):
    bob = await users.create(house.database, "bob", at=clock.now())
    elsewhere = await house.sessions.open(bob, "password", Visitor(), lifetime=timedelta(days=1))
    await house.sign_in(bob)
    left = house.cookies()["clinx"]

    await house.round()

    assert await house.user() == "ann"
    assert await house.sessions.find(left) is None
    assert [session.id for session in await house.sessions.of_user(bob)] == [elsewhere.session.id]


async def test_who_does_not_come_in_keeps_the_session_they_had(house: House, clock: Clock):
    await house.sign_in(await users.create(house.database, "bob", at=clock.now()))
    house.tree.console = replace(house.tree.console, registration=Registration(open=False))

    assert error(await house.round()) == "registration_closed"
    assert await house.user() == "bob"


async def test_the_cookie_of_the_trip_is_for_this_host_and_no_script(house: House):
    async with house.window.get(f"{house.url}/api/oauth/corp/start", allow_redirects=False) as response:
        assert response.headers.getall("Set-Cookie") == [
            f"{TRIP}={house.cookies()[TRIP]}; HttpOnly; Max-Age=600; Path=/; SameSite=Lax"
        ]

    house.tree.console = replace(house.tree.console, address="https://gw.example")
    async with house.window.get(f"{house.url}/api/oauth/corp/start", allow_redirects=False) as response:
        (cookie,) = response.headers.getall("Set-Cookie")
        assert cookie.startswith("__Host-clinx-trip=")
        assert cookie.endswith("; HttpOnly; Max-Age=600; Path=/; SameSite=Lax; Secure")
        back = URL(response.headers["Location"]).query["redirect_uri"]
        assert back == "https://gw.example/api/oauth/corp"


async def test_an_answer_is_good_once(house: House):
    back = await house.leave()
    trip = house.cookies()[TRIP]
    assert await moved(house.window, back) == f"{CONSOLE}/"

    house.window.cookie_jar.update_cookies({TRIP: trip}, URL(house.url))
    assert error(await moved(house.window, back)) == "state_unknown"


async def test_an_answer_is_good_in_the_browser_that_began(house: House):
    back = await house.leave()

    async with browser() as other:
        assert error(await moved(other, back)) == "state_unknown"
        await moved(other, f"{house.url}/api/oauth/corp/start")
        assert error(await moved(other, back)) == "state_unknown"
        assert "clinx" not in {cookie.key for cookie in other.cookie_jar}

    assert await moved(house.window, back) == f"{CONSOLE}/"
    assert await house.user() == "ann"


@pytest.mark.parametrize("query", ["", "?code=x", "?state=" + "a" * 43 + "&code=x", "?error=access_denied"])
async def test_an_answer_that_nobody_asked_for_is_nothing(house: House, query: str):
    assert error(await house.go(f"/api/oauth/corp{query}")) == "state_unknown"
    assert await house.user() is None


async def test_who_says_no_comes_back_to_where_they_were(house: House):
    back = URL(await house.leave("?return=/sign-in?next=1"))

    location = await moved(house.window, str(back.with_query(error="access_denied", state=back.query["state"])))

    assert location == f"{CONSOLE}/sign-in?next=1&error=denied&provider=corp"
    assert house.cookies() == {}


@pytest.mark.parametrize("path", ["//evil.example", "/%5Cevil.example", "https://evil.example", "evil", "/%0d%0aX:1"])
async def test_nobody_is_sent_anywhere_else(house: House, path: str):
    assert error(await house.go(f"/api/oauth/corp/start?return={path}")) == "return_refused"
    assert house.cookies() == {}


async def test_what_is_not_offered_leads_back(house: House):
    for name in ("linuxdo", "nobody", "oidc"):
        assert error(await house.go(f"/api/oauth/{name}/start")) == "not_offered"


async def test_a_stranger_stays_outside_where_registration_is_closed(house: House):
    house.tree.console = replace(house.tree.console, registration=Registration(open=False))

    assert error(await house.round()) == "registration_closed"
    assert (await house.user(), await users.everyone(house.database)) == (None, [])


async def test_an_address_that_somebody_has_does_not_open_their_account(house: House, clock: Clock):
    bob = await make_user(house.database, "bob")
    await house.database.atomically(stored.set_email(bob.id, "ann@example.org", clock.now()))

    assert error(await house.round()) == "email_taken"
    assert await house.user() is None

    await house.sign_in(bob)
    assert await house.round("?bind=1", headers=OWN_PAGE) == f"{CONSOLE}/?bound=corp"
    house.window.cookie_jar.clear()
    await house.round()
    assert await house.user() == "bob"


async def test_a_disabled_user_stays_outside(house: House, clock: Clock):
    await house.round()
    ann = await users.find(house.database, "ann")
    await users.change(house.database, ann, status=Status.DISABLED, at=clock.now())

    assert error(await house.round()) == "account_disabled"
    assert await house.user() is None


async def test_who_has_a_second_factor_is_asked_for_it(house: House, clock: Clock):
    await house.round()
    ann = await users.find(house.database, "ann")
    setup = await house.factors.begin_totp(ann, "Example AI")
    await house.factors.confirm_totp(ann, setup.factor.id, TOTP(setup.secret).at(clock.now()))
    house.window.cookie_jar.clear()

    location = urlsplit(await house.round("?return=/keys"))

    assert location._replace(fragment="").geturl() == f"{CONSOLE}/keys"
    told = parse_qs(location.fragment)
    assert told["kinds"] == ["totp"]
    assert len(told["second_factor"][0]) == 43
    assert house.cookies() == {}


async def test_binding_needs_somebody_who_is_signed_in_from_beginning_to_end(house: House):
    ann, bob = await make_user(house.database, "ann"), await make_user(house.database, "bob")
    assert error(await house.go("/api/oauth/corp/start?bind=1", headers=OWN_PAGE)) == "not_signed_in"

    await house.sign_in(ann)
    back = await house.leave("?bind=1", headers=OWN_PAGE)
    await house.sign_in(bob)
    assert error(await moved(house.window, back)) == "not_signed_in"

    for user in (ann, bob):
        assert await identities.of_user(house.database, user.id) == []


async def test_binding_needs_a_fresh_proof_of_who_one_is(house: House, clock: Clock):
    await house.sign_in(await make_user(house.database))
    clock.advance(house.tree.console.sign_in.step_up.total_seconds())

    assert error(await house.go("/api/oauth/corp/start?bind=1", headers=OWN_PAGE)) == "step_up_required"
    assert error(await house.go("/api/oauth/wechat?code=123456&bind=1", headers=OWN_PAGE)) == "step_up_required"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Referer": "https://evil.example/"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}],
    ids=str,
)
async def test_no_other_site_s_page_binds_anything(house: House, headers: Mapping[str, str]):
    await house.sign_in(await make_user(house.database))

    assert error(await house.go("/api/oauth/corp/start?bind=1", headers=headers)) == "origin_refused"
    assert error(await house.go("/api/oauth/wechat?code=123456", headers=headers)) == "origin_refused"
    assert error(await house.go("/api/oauth/telegram", headers=headers, form={"id": "42"})) == "origin_refused"


async def test_an_invitation_travels_along(house: House, clock: Clock):
    bob = await make_user(house.database, "bob")
    code = (await invitations.show(house.database, bob)).code
    rewards = Rewards(Amount.parse("2"), Amount.parse("1"))
    house.tree.snapshot = replace(house.tree.snapshot, invitations=rewards)

    await house.round(f"?aff={code}")

    ann = await users.find(house.database, "ann")
    assert (await invitations.show(house.database, ann)).inviter_id == bob.id
    assert (await invitations.show(house.database, bob)).invited == 1


async def test_an_invitation_of_nobody_keeps_nobody_out(house: House):
    assert await house.round("?aff=ZZZZ-ZZZZ") == f"{CONSOLE}/"
    assert await house.user() == "ann"


async def test_a_code_of_wechat_signs_in(house: House):
    assert await house.go("/api/oauth/wechat?code=123456&return=/keys", headers=OWN_PAGE) == f"{CONSOLE}/keys"
    assert await house.user() == "wechat"

    location = await house.go("/api/oauth/wechat?code=000000&return=/keys", headers=OWN_PAGE)
    assert location == f"{CONSOLE}/keys?error=issuer_refused&provider=wechat"


async def test_a_code_of_wechat_binds(house: House):
    ann = await make_user(house.database)
    await house.sign_in(ann)

    assert await house.go("/api/oauth/wechat?code=123456&bind=1", headers=OWN_PAGE) == f"{CONSOLE}/?bound=wechat"
    assert [each.subject for each in await identities.of_user(house.database, ann.id)] == ["oWx-ann"]


def said(clock: Clock, **changed: str) -> dict[str, str]:
    params = {"auth_date": str(int(clock.now().timestamp())), "first_name": "Ann", "id": "42", **changed}
    text = "\n".join(f"{name}={value}" for name, value in sorted(params.items()))
    return {**params, "hash": sign(BOT.token, text)}


async def test_telegram_s_button_is_on_a_page_of_ours_and_leads_back(house: House, clock: Clock):
    async with house.window.get(f"{house.url}/api/oauth/telegram/start?return=/keys") as response:
        text = await response.text()
        assert response.status == 200
    address = text.partition('data-auth-url="')[2].partition('"')[0]
    assert address.startswith(f"{house.url}/api/oauth/telegram?state=")
    back = str(URL(address).update_query(said(clock)))

    async with browser() as other:
        assert error(await moved(other, back)) == "state_unknown"
    assert await moved(house.window, back) == f"{CONSOLE}/keys"
    assert await house.user() == "Ann"


async def test_a_button_that_is_taken_out_of_the_tree_meanwhile_is_not_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    begin = ExternalSignIn.begin

    async def reload_after(*asked: object) -> object:
        departure = await begin(*asked)  # pyright: ignore[reportArgumentType]  (as they came)
        house.tree.console = replace(house.tree.console, sign_in=Offered())
        return departure

    monkeypatch.setattr(ExternalSignIn, "begin", reload_after)

    assert error(await house.go("/api/oauth/telegram/start")) == "not_offered"


async def test_a_form_with_telegram_s_word_signs_in_once(house: House, clock: Clock):
    form = {**said(clock), "return": "/keys"}

    assert await house.go("/api/oauth/telegram", headers={"Origin": CONSOLE}, form=form) == f"{CONSOLE}/keys"
    assert await house.user() == "Ann"
    again = await house.go("/api/oauth/telegram", headers={"Origin": CONSOLE}, form=form)
    assert again == f"{CONSOLE}/keys?error=state_unknown&provider=telegram"


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"\xff", "issuer_refused"), (b"a=1&" * 30, "issuer_refused"), (b"a" * (17 << 10), "payload_too_large")],
    ids=["no text", "many", "large"],
)
async def test_what_is_no_form_is_refused(house: House, body: bytes, code: str):
    async with house.window.post(
        f"{house.url}/api/oauth/telegram", data=body, headers={"Origin": CONSOLE}, allow_redirects=False
    ) as response:
        assert error(response.headers["Location"]) == code


async def test_trips_are_not_begun_without_end(house: House):
    for _ in range(PER_NETWORK[0].most):
        await house.go("/api/oauth/github/start")

    assert error(await house.go("/api/oauth/github/start")) == "too_many_attempts"


async def test_without_a_frontend_of_its_own_the_gateway_s_address_is_where_people_end(house: House):
    house.tree.console = replace(house.tree.console, url=None)

    assert await house.round("?return=/keys") == f"{house.url}/keys"


async def test_an_outage_is_told_to_the_console(house: House, monkeypatch: pytest.MonkeyPatch):
    back = await house.leave()
    monkeypatch.setattr(house.database, "atomically", _away)

    assert error(await moved(house.window, back)) == "billing_unavailable"


async def _away(_: object) -> None:
    raise StorageUnavailable("gone")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/oauth/corp"),
        ("POST", "/api/oauth/corp/start"),
        ("PUT", "/api/oauth/telegram"),
        ("GET", "/api/oauth/"),
        ("GET", "/api/oauth/Corp"),
        ("GET", "/api/oauth/a/b"),
        ("GET", "/api/oauth/a/start/start"),
        ("GET", "/api/oauth//start"),
        ("GET", "/api/oauth/" + "a" * 33),
        ("GET", "/x/api/oauth/corp"),
    ],
)
async def test_other_paths_are_not_for_here(house: House, method: str, path: str):
    async with house.window.request(method, f"{house.url}{path}") as response:
        assert response.status == 404
