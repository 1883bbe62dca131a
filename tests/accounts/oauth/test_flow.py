from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from clinx.accounts import users
from clinx.accounts.failures import AccountError
from clinx.accounts.oauth.flow import LIFETIME, Claimed, Departure, ExternalSignIn, Guest, Purpose, Wish
from clinx.accounts.oauth.github import GitHub
from clinx.accounts.oauth.linuxdo import LinuxDo
from clinx.accounts.oauth.providers import Providers
from clinx.accounts.oauth.settle import Arrival
from clinx.accounts.oauth.telegram import sign
from clinx.accounts.throttle import PER_NETWORK, REGISTRATIONS, Throttle
from clinx.domain.console import Console, Registration, SignIn, TelegramBot
from clinx.domain.identity import Status, User
from clinx.state.memory import MemoryCounters
from clinx.storage import identities
from clinx.storage.database import Database
from clinx.upstream.fetch import Fetcher
from support.database import Clock, make_user
from support.fake_issuers import APP, FakeIssuers
from support.oidc_issuer import OidcIssuer

BOT = TelegramBot("example_bot", "123456:TESTTOKEN")


@dataclass
class House:
    """A sign-in whose tree can be changed."""

    issuer: OidcIssuer
    fake: FakeIssuers
    console: Console
    flow: ExternalSignIn = field(init=False)

    async def round(self, name: str = "corp", wish: Wish | None = None, user: User | None = None) -> Arrival:
        departure = await self.flow.begin(name, wish or Wish(), Guest(user))
        return await self.come_back(name, departure, await self.issuer.visit(departure.address), user)

    async def come_back(
        self, name: str, departure: Departure, answer: dict[str, str], user: User | None = None
    ) -> Arrival:
        claimed = await self.flow.claim(name, answer, departure.trip.browser)
        return await self.flow.arrive(name, answer, claimed, Guest(user))


async def refused(outcome: Any) -> str:
    with pytest.raises(AccountError) as caught:
        await outcome
    return caught.value.code


@pytest.fixture
def house(database: Database, issuer: OidcIssuer, fake: FakeIssuers, fetch: Fetcher, clock: Clock) -> House:
    offered = SignIn(
        github=APP,
        linuxdo=APP,
        telegram=BOT,
        wechat=fake.wechat_server(),
        oidc={"corp": issuer.configured()},
    )
    made = House(
        issuer, fake, Console(address="https://gw.example", registration=Registration(open=True), sign_in=offered)
    )
    providers = Providers(
        fetch,
        now=clock.now,
        monotonic=clock.monotonic,
        github=partial(GitHub, site=fake.url, api=fake.url),
        linuxdo=partial(LinuxDo, site=fake.url),
    )
    throttle = Throttle(MemoryCounters(clock.now), now=clock.now)
    made.flow = ExternalSignIn(database, fetch, providers, lambda: made.console, throttle, clock.now)
    return made


@pytest.mark.parametrize(
    ("name", "provider", "subject"),
    [("corp", "oidc", "{issuer} person-1"), ("github", "github", "583231"), ("linuxdo", "linuxdo", "42")],
    ids=["oidc", "github", "linuxdo"],
)
async def test_who_comes_back_is_a_user_and_the_next_time_the_same(
    house: House, database: Database, name: str, provider: str, subject: str
):
    first = await house.round(name)
    again = await house.round(name)

    assert (first.is_new, again.is_new, first.user.name) == (True, False, "ann")
    assert first.user == again.user
    (identity,) = await identities.of_user(database, first.user.id)
    assert (identity.provider, identity.subject) == (provider, subject.format(issuer=house.issuer.url))


async def test_what_was_wished_for_comes_back_with_the_trip(house: House):
    wish = Wish(Purpose.SIGN_IN, "/keys?tab=1#top", "ABCD-1234")
    departure = await house.flow.begin("corp", wish, Guest())
    answer = await house.issuer.visit(departure.address)

    claimed = await house.flow.claim("corp", answer, departure.trip.browser)

    assert claimed == Claimed(wish, departure.trip, None)
    assert departure.trip.callback == "https://gw.example/api/oauth/corp"


async def test_what_is_no_invitation_is_dropped(house: House):
    departure = await house.flow.begin("corp", Wish(invitation="<b>" * 50), Guest())
    answer = await house.issuer.visit(departure.address)

    assert (await house.flow.claim("corp", answer, departure.trip.browser)).wish.invitation == ""


async def test_a_trip_ends_once(house: House):
    departure = await house.flow.begin("corp", Wish(), Guest())
    answer = await house.issuer.visit(departure.address)

    claims = [house.flow.claim("corp", answer, departure.trip.browser) for _ in range(6)]
    ended = await asyncio.gather(*claims, return_exceptions=True)

    assert sorted(type(each).__name__ for each in ended) == ["Claimed"] + ["StateUnknown"] * 5


async def test_a_trip_ends_in_the_browser_that_began_it_and_at_its_own_issuer(house: House):
    mine, theirs = [await house.flow.begin("corp", Wish(), Guest()) for _ in range(2)]
    answer = await house.issuer.visit(mine.address)

    for browser in (theirs.trip.browser, None, "", "x" * 43):
        assert await refused(house.flow.claim("corp", answer, browser)) == "state_unknown"
    assert await refused(house.flow.claim("github", answer, mine.trip.browser)) == "state_unknown"
    for state in ("", "x" * 43, "a" * 5000):
        changed = {**answer, "state": state}
        assert await refused(house.flow.claim("corp", changed, mine.trip.browser)) == "state_unknown"
    assert await refused(house.flow.claim("corp", {"code": answer["code"]}, mine.trip.browser)) == "state_unknown"

    assert (await house.come_back("corp", mine, answer)).is_new


async def test_who_is_away_too_long_begins_again(house: House, clock: Clock):
    departure = await house.flow.begin("corp", Wish(), Guest())
    answer = await house.issuer.visit(departure.address)

    clock.advance(LIFETIME.total_seconds())
    assert await refused(house.come_back("corp", departure, answer)) == "state_unknown"


async def test_an_answer_for_another_trip_of_the_same_browser_is_refused_by_its_nonce(house: House):
    departure = await house.flow.begin("corp", Wish(), Guest())
    house.issuer.claims = {"nonce": "of another trip"}
    answer = await house.issuer.visit(departure.address)

    assert await refused(house.come_back("corp", departure, answer)) == "issuer_refused"
    assert await users.everyone(house.flow.database) == []


@pytest.mark.parametrize(("error", "reason"), [("access_denied", "denied"), ("server_error", "issuer_refused")])
async def test_an_answer_that_says_no_ends_the_trip(house: House, error: str, reason: str):
    departure = await house.flow.begin("corp", Wish(), Guest())
    answer = {"error": error, "state": departure.trip.state}

    assert await refused(house.come_back("corp", departure, answer)) == reason
    assert await refused(house.come_back("corp", departure, answer)) == "state_unknown"


async def test_the_database_holds_nothing_that_ends_a_trip(house: House, database: Database):
    departure = await house.flow.begin("corp", Wish(), Guest())

    rows = await database.fetch("SELECT kind, digest, subject, data FROM challenge")

    trip = departure.trip
    assert [row[0] for row in rows] == ["oauth"]
    for secret in (trip.state, trip.browser, trip.nonce, trip.verifier):
        assert secret not in str(rows)
        assert secret not in repr(departure.trip)


@pytest.mark.parametrize(
    "path",
    ["", "keys", "//evil.example", "/\\evil.example", "https://evil.example", "/a\\b", "/a\nb", "/ä", "/a b", "/\t/x",
     "javascript:alert(1)", "/" + "a" * 2000],
)  # fmt: skip
def test_nobody_is_sent_out_of_the_console(path: str):
    with pytest.raises(AccountError) as caught:
        Wish(return_path=path)
    assert caught.value.code == "return_refused"


@pytest.mark.parametrize("path", ["/", "/keys", "/a//b?c=d&e=%2F#f", "/?next=//evil.example", "/" + "a" * 1999])
def test_paths_of_the_console_are_fine(path: str):
    assert Wish(return_path=path).return_path == path


async def test_an_identity_is_bound_to_who_is_signed_in(house: House, database: Database):
    ann = await make_user(database)

    arrival = await house.round("corp", Wish(Purpose.BIND), ann)

    assert (arrival.user, arrival.is_bound, arrival.is_new) == (ann, True, False)
    assert (await house.round("corp")).user == ann


async def test_only_who_began_to_bind_ends_it(house: House, database: Database):
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")
    assert await refused(house.flow.begin("corp", Wish(Purpose.BIND), Guest())) == "not_signed_in"

    for now in (bob, None):
        departure = await house.flow.begin("corp", Wish(Purpose.BIND), Guest(ann))
        answer = await house.issuer.visit(departure.address)
        assert await refused(house.come_back("corp", departure, answer, now)) == "not_signed_in"
    assert await identities.of_user(database, bob.id) == []


async def test_a_disabled_user_stays_outside(house: House, database: Database, clock: Clock):
    user = (await house.round()).user
    await users.change(database, user, status=Status.DISABLED, at=clock.now())

    departure = await house.flow.begin("corp", Wish(), Guest())
    answer = await house.issuer.visit(departure.address)
    assert await refused(house.come_back("corp", departure, answer)) == "account_disabled"


async def test_what_is_not_offered_is_not_begun_and_not_ended(house: House):
    departure = await house.flow.begin("corp", Wish(), Guest())
    answer = await house.issuer.visit(departure.address)
    house.console = replace(house.console, sign_in=SignIn())

    for name in ("corp", "github", "telegram", "wechat", "nobody"):
        assert await refused(house.flow.begin(name, Wish(), Guest())) == "not_offered"
    assert await refused(house.come_back("corp", departure, answer)) == "not_offered"
    assert await refused(house.flow.by_code("123456", Wish(), Guest())) == "not_offered"
    assert await refused(house.flow.by_widget({"hash": "x"}, Wish(), Guest())) == "not_offered"


async def test_without_an_address_nobody_could_come_back(house: House):
    house.console = replace(house.console, address=None)

    assert await refused(house.flow.begin("corp", Wish(), Guest())) == "not_offered"


def widget(clock: Clock, **changed: str) -> dict[str, str]:
    params = {"auth_date": str(int(clock.now().timestamp())), "first_name": "Ann", "id": "42", **changed}
    text = "\n".join(f"{name}={value}" for name, value in sorted(params.items()))
    return {**params, "hash": sign(BOT.token, text)}


async def test_the_word_of_telegram_s_widget_is_taken_once(house: House, clock: Clock):
    said = widget(clock)
    trips = [await house.flow.begin("telegram", Wish(), Guest()) for _ in range(2)]
    assert trips[0].address == f"https://gw.example/api/oauth/telegram?state={trips[0].trip.state}"

    arrival = await house.come_back("telegram", trips[0], {**said, "state": trips[0].trip.state})
    assert (arrival.user.name, arrival.is_new) == ("Ann", True)

    stolen = house.come_back("telegram", trips[1], {**said, "state": trips[1].trip.state})
    assert await refused(stolen) == "state_unknown"


async def test_the_word_of_telegram_s_widget_without_a_trip_is_nothing(house: House, clock: Clock):
    assert await refused(house.flow.claim("telegram", widget(clock), "b" * 43)) == "state_unknown"


async def test_a_hash_that_was_seen_is_remembered_longer_than_it_is_good(house: House, clock: Clock):
    said = widget(clock)
    first = await house.flow.begin("telegram", Wish(), Guest())
    await house.come_back("telegram", first, {**said, "state": first.trip.state})

    clock.advance(timedelta(minutes=5).total_seconds())
    late = await house.flow.begin("telegram", Wish(), Guest())
    assert await refused(house.come_back("telegram", late, {**said, "state": late.trip.state})) == "state_unknown"


async def test_who_sent_a_code_to_wechat_signs_in_or_binds(house: House, database: Database):
    new = await house.flow.by_code("123456", Wish(), Guest())
    assert (new.user.name, new.is_new) == ("wechat", True)

    ann = await make_user(database)
    bind = Wish(Purpose.BIND)
    assert await refused(house.flow.by_code("123456", bind, Guest(ann))) == "identity_taken"
    assert await refused(house.flow.by_code("123456", bind, Guest())) == "not_signed_in"


async def test_a_wechat_identity_is_bound(house: House, database: Database):
    ann = await make_user(database)

    assert (await house.flow.by_code("123456", Wish(Purpose.BIND), Guest(ann))).is_bound
    assert (await house.flow.by_code("123456", Wish(), Guest())).user == ann


async def test_codes_are_not_guessed_for_long(house: House, clock: Clock):
    guest = Guest(address="192.0.2.7")
    for number in range(PER_NETWORK[0].most):
        assert await refused(house.flow.by_code(f"{number:06}", Wish(), guest)) == "issuer_refused"
    assert await refused(house.flow.by_code("123456", Wish(), guest)) == "too_many_attempts"

    assert (await house.flow.by_code("123456", Wish(), Guest(address="192.0.3.7"))).is_new
    clock.advance(PER_NETWORK[0].span.total_seconds() * 1.1)
    for _ in range(PER_NETWORK[0].most + 1):
        assert (await house.flow.by_code("123456", Wish(), guest)).user.name == "wechat"


async def test_trips_are_not_begun_without_end(house: House, database: Database):
    guest = Guest(address="192.0.2.7")
    for _ in range(PER_NETWORK[0].most):
        await house.flow.begin("github", Wish(), guest)

    assert await refused(house.flow.begin("github", Wish(), guest)) == "too_many_attempts"
    assert [row[0] for row in await database.fetch("SELECT COUNT(*) FROM challenge")] == [PER_NETWORK[0].most]


async def test_strangers_of_one_network_come_in_by_and_by(house: House):
    most = REGISTRATIONS[0].most
    house.fake.wechat = {f"{number:06}": f"person-{number}" for number in range(most + 1)}
    guest = Guest(address="192.0.2.7")
    for number in range(most):
        assert (await house.flow.by_code(f"{number:06}", Wish(), guest)).is_new

    assert await refused(house.flow.by_code(f"{most:06}", Wish(), guest)) == "too_many_attempts"
    assert not (await house.flow.by_code("000000", Wish(), guest)).is_new
