from dataclasses import replace

import pytest

from clinx.accounts import users
from clinx.accounts.failures import (
    AccountDisabled,
    ChallengeRefused,
    EmailUnverified,
    FactorRefused,
    NotOffered,
    SignInRefused,
    StepUpRequired,
    TooManyAttempts,
)
from clinx.accounts.passkeys import relying_party
from clinx.accounts.passwords import NOBODY
from clinx.accounts.sessions import Opened, Visitor
from clinx.accounts.sign_in import FactorNeeded
from clinx.domain.console import EmailRule, Registration, SignIn
from clinx.domain.identity import Status, User
from clinx.domain.session import FactorKind
from clinx.storage import users as stored_users
from support.accounts import ELSEWHERE, RIGHT, VISITOR, Desk
from support.authenticator import Authenticator
from support.database import START


async def challenges_kept(desk: Desk) -> int:
    return len(await desk.database.fetch("SELECT id FROM challenge"))


async def first_step(desk: Desk, login: str = "ann") -> FactorNeeded:
    found = await desk.sign_in.with_password(login, RIGHT, VISITOR)
    assert isinstance(found, FactorNeeded)
    return found


async def with_passkey(desk: Desk, user: User, device: Authenticator) -> None:
    desk.set(sign_in=SignIn(passkeys=True))
    party = relying_party(desk.console)
    ceremony = await desk.passkeys.begin_registration(user, party)
    answer = device.register(ceremony.options)
    await desk.passkeys.finish_registration(user, party, secret=ceremony.secret, answer=answer, name="phone")


@pytest.mark.parametrize("login", ["ann", " ann ", "ann@example.org", "Ann@Example.ORG"])
async def test_a_name_or_a_verified_address_and_the_password_open_a_session(desk: Desk, login: str):
    user = await desk.user(email="ann@example.org")

    opened = await desk.sign_in.with_password(login, RIGHT, VISITOR)

    assert isinstance(opened, Opened)
    assert await desk.sessions.find(opened.secret) == (opened.session, user)
    assert (opened.session.method, opened.session.address) == ("password", VISITOR.address)


async def test_what_is_refused_says_the_same_after_the_same_work(desk: Desk):
    user = await desk.user()
    await desk.user("bob", password=None)
    await desk.database.atomically(stored_users.set_email(user.id, "ann@example.org", None))
    logins = ["ann", "bob", "nobody", "ann@example.org", "nobody@example.org", "", "x\x00", "\ud800"]
    said: set[str] = set()

    for index, login in enumerate(logins):
        with pytest.raises(SignInRefused) as caught:
            await desk.sign_in.with_password(login, "wrong horse", Visitor(f"10.{index}.0.1"))
        said.add(f"{caught.value}{caught.value.parameters}")

    assert len(said) == 1
    assert desk.hasher.verified == [f"quick:{RIGHT}", *[NOBODY] * 7]
    assert await desk.database.fetch("SELECT id FROM session") == []


async def test_an_address_leads_to_who_verified_it_and_not_to_who_has_it_for_a_name(desk: Desk):
    owner = await desk.user("ann", email="ann@example.org")
    await desk.user("ann@example.org", password="another password")

    opened = await desk.sign_in.with_password("ann@example.org", RIGHT, VISITOR)

    assert isinstance(opened, Opened)
    assert opened.user == owner


async def test_an_address_may_be_longer_than_a_name(desk: Desk):
    address = f"{'x' * 60}@{'y' * 60}.org"
    await desk.user("ann", email=address)

    assert isinstance(await desk.sign_in.with_password(address, RIGHT, VISITOR), Opened)
    for login in ("n" * 65, "n" * 300):
        with pytest.raises(SignInRefused):
            await desk.sign_in.with_password(login, RIGHT, VISITOR)


async def test_after_five_wrong_passwords_the_right_one_waits_too(desk: Desk):
    await desk.user()
    for index in range(5):
        with pytest.raises(SignInRefused):
            await desk.sign_in.with_password("ann", "wrong horse", Visitor(f"10.{index}.0.1"))
    hashed = len(desk.hasher.verified)

    with pytest.raises(TooManyAttempts):
        await desk.sign_in.with_password("ann", RIGHT, VISITOR)
    assert len(desk.hasher.verified) == hashed

    desk.clock.advance(930)
    assert isinstance(await desk.sign_in.with_password("ann", RIGHT, VISITOR), Opened)


async def answers(desk: Desk, login: str, *, tries: int, network: int, password: str = "wrong horse") -> list[str]:
    """What somebody is told who tries to sign in, each time with the work that it took."""
    said: list[str] = []
    for index in range(tries):
        before = len(desk.hasher.verified)
        try:
            await desk.sign_in.with_password(login, password, Visitor(f"10.{network}.{index}.1"))
            code = "in"
        except (SignInRefused, TooManyAttempts) as error:
            code = error.code
        said.append(f"{code} after {len(desk.hasher.verified) - before}")
    return said


@pytest.mark.parametrize(("first", "second"), [("ann", "ann@example.org"), ("ann@example.org", "ann")])
async def test_nobody_is_told_that_a_name_and_an_address_are_one_account(desk: Desk, first: str, second: str):
    await desk.user(email="ann@example.org")
    await answers(desk, first, tries=6, network=1)

    same = await answers(desk, second, tries=7, network=2)
    other = await answers(desk, "eve@example.org", tries=7, network=3)

    assert same == other == ["sign_in_refused after 1"] * 5 + ["too_many_attempts after 0"] * 2


async def test_an_account_is_not_guessed_at_twice_as_often_by_its_other_name(desk: Desk):
    await desk.user(email="ann@example.org")
    await answers(desk, "ann", tries=5, network=1)

    assert await answers(desk, "ann@example.org", tries=1, network=2, password=RIGHT) == ["sign_in_refused after 1"]
    desk.clock.advance(930)
    assert await answers(desk, "ann@example.org", tries=1, network=2, password=RIGHT) == ["in after 1"]


async def test_another_way_of_writing_a_name_does_not_tell_whether_somebody_has_it(desk: Desk):
    await desk.user("ann")
    said: dict[str, list[bool]] = {}

    for index, name in enumerate(("ann", "eve")):
        for _ in range(5):
            with pytest.raises(SignInRefused):
                await desk.sign_in.with_password(name, "wrong horse", Visitor(f"10.{index}.0.1"))
        said[name] = []
        for other in (name.upper(), f" {name.title()} "):
            try:
                await desk.sign_in.with_password(other, "wrong horse", Visitor(f"10.{index}.0.1"))
            except (SignInRefused, TooManyAttempts) as error:
                said[name].append(isinstance(error, TooManyAttempts))

    assert said == {"ann": [True, True], "eve": [True, True]}


async def test_right_passwords_are_never_too_many(desk: Desk):
    await desk.user()

    for _ in range(60):
        assert isinstance(await desk.sign_in.with_password("ann", RIGHT, VISITOR), Opened)


async def test_passwords_are_refused_where_they_are_not_offered(desk: Desk):
    await desk.user()
    desk.set(sign_in=SignIn(password=False))

    with pytest.raises(NotOffered):
        await desk.sign_in.with_password("ann", RIGHT, VISITOR)
    assert desk.hasher.verified == []


async def test_a_disabled_user_is_told_so_after_the_right_password_only(desk: Desk):
    user = await desk.user()
    await users.change(desk.database, user, status=Status.DISABLED, at=START)

    with pytest.raises(SignInRefused):
        await desk.sign_in.with_password("ann", "wrong horse", VISITOR)
    with pytest.raises(AccountDisabled):
        await desk.sign_in.with_password("ann", RIGHT, VISITOR)


async def test_where_addresses_are_required_one_that_is_not_verified_keeps_its_user_out(desk: Desk):
    user = await desk.user()
    await desk.database.atomically(stored_users.set_email(user.id, "ann@example.org", None))
    assert isinstance(await desk.sign_in.with_password("ann", RIGHT, VISITOR), Opened)
    desk.set(registration=Registration(email=EmailRule.REQUIRED))

    with pytest.raises(EmailUnverified):
        await desk.sign_in.with_password("ann", RIGHT, VISITOR)

    await desk.database.atomically(stored_users.set_email(user.id, "ann@example.org", START))
    assert isinstance(await desk.sign_in.with_password("ann", RIGHT, VISITOR), Opened)
    await desk.user("operators-own")
    assert isinstance(await desk.sign_in.with_password("operators-own", RIGHT, VISITOR), Opened)


async def test_who_has_a_second_factor_gets_no_session_without_it(desk: Desk):
    user = await desk.user()
    app = await desk.app(user)
    await desk.factors.make_backups(user)

    needed = await first_step(desk)

    assert needed.kinds == (FactorKind.TOTP, FactorKind.BACKUP)
    assert await desk.database.fetch("SELECT id FROM session") == []
    assert await desk.sessions.find(needed.secret) is None
    desk.clock.advance(30)
    opened = await desk.sign_in.with_code(needed.secret, FactorKind.TOTP, app.at(desk.clock.now()), VISITOR)
    assert await desk.sessions.find(opened.secret) == (opened.session, user)
    assert opened.session.method == "password"


async def test_a_first_step_is_followed_by_one_session(desk: Desk):
    user = await desk.user()
    await desk.app(user)
    codes = await desk.factors.make_backups(user)
    needed = await first_step(desk)
    await desk.sign_in.with_code(needed.secret, FactorKind.BACKUP, codes[0], VISITOR)

    with pytest.raises(ChallengeRefused):
        await desk.sign_in.with_code(needed.secret, FactorKind.BACKUP, codes[1], VISITOR)


async def test_wrong_codes_are_few_whatever_the_network(desk: Desk):
    user = await desk.user()
    await desk.app(user)
    codes = await desk.factors.make_backups(user)
    needed = await first_step(desk)
    for index in range(5):
        with pytest.raises(FactorRefused):
            await desk.sign_in.with_code(needed.secret, FactorKind.TOTP, "000000", Visitor(f"10.{index}.0.1"))

    with pytest.raises(ChallengeRefused):
        await desk.sign_in.with_code(needed.secret, FactorKind.BACKUP, codes[0], VISITOR)
    again = await first_step(desk)
    with pytest.raises(TooManyAttempts):
        await desk.sign_in.with_code(again.secret, FactorKind.BACKUP, codes[0], VISITOR)


async def test_the_second_step_comes_in_time(desk: Desk):
    user = await desk.user()
    await desk.app(user)
    codes = await desk.factors.make_backups(user)
    needed = await first_step(desk)
    desk.clock.advance(600)

    with pytest.raises(ChallengeRefused):
        await desk.sign_in.with_code(needed.secret, FactorKind.BACKUP, codes[0], VISITOR)


async def test_who_is_disabled_between_the_steps_stays_outside(desk: Desk):
    user = await desk.user()
    await desk.app(user)
    codes = await desk.factors.make_backups(user)
    needed = await first_step(desk)
    await users.change(desk.database, user, status=Status.DISABLED, at=START)

    with pytest.raises(ChallengeRefused):
        await desk.sign_in.with_code(needed.secret, FactorKind.BACKUP, codes[0], VISITOR)
    assert await desk.database.fetch("SELECT id FROM session") == []


async def test_another_service_lets_in_on_the_same_terms(desk: Desk):
    user = await desk.user(password=None)
    opened = await desk.sign_in.admit(user, "github", VISITOR)
    assert isinstance(opened, Opened)
    assert opened.session.method == "github"

    await desk.app(user)
    codes = await desk.factors.make_backups(user)
    needed = await desk.sign_in.admit(user, "github", VISITOR)
    assert isinstance(needed, FactorNeeded)
    opened = await desk.sign_in.with_code(needed.secret, FactorKind.BACKUP, codes[0], VISITOR)
    assert opened.session.method == "github"

    with pytest.raises(AccountDisabled):
        await desk.sign_in.admit(replace(user, status=Status.DISABLED), "github", VISITOR)


async def test_a_passkey_is_all_it_takes(desk: Desk):
    user, device = await desk.user(), Authenticator()
    await with_passkey(desk, user, device)

    ceremony = await desk.sign_in.begin_passkey(VISITOR)
    opened = await desk.sign_in.with_passkey(ceremony.secret, device.sign(ceremony.options), VISITOR)

    assert (opened.user.id, opened.session.method) == (user.id, "passkey")


async def test_a_passkey_is_the_second_step_of_its_user(desk: Desk):
    ann, bob, device, other = await desk.user(), await desk.user("bob"), Authenticator(), Authenticator(b"2")
    await with_passkey(desk, ann, device)
    await with_passkey(desk, bob, other)
    needed = await first_step(desk)

    stolen = await desk.sign_in.begin_passkey(VISITOR)
    with pytest.raises(FactorRefused):
        await desk.sign_in.with_passkey(stolen.secret, other.sign(stolen.options), VISITOR, second_step=needed.secret)
    needed = await first_step(desk)
    ceremony = await desk.sign_in.begin_passkey(VISITOR, needed.secret)
    opened = await desk.sign_in.with_passkey(
        ceremony.secret, device.sign(ceremony.options), VISITOR, second_step=needed.secret
    )

    assert (opened.user.id, opened.session.method) == (ann.id, "password")
    with pytest.raises(ChallengeRefused):
        await desk.sign_in.begin_passkey(VISITOR, needed.secret)
    with pytest.raises(FactorRefused):
        await desk.sign_in.with_code((await first_step(desk)).secret, FactorKind.PASSKEY, "x", VISITOR)


async def test_passkeys_are_refused_where_they_are_not_offered(desk: Desk):
    with pytest.raises(NotOffered):
        await desk.sign_in.begin_passkey(VISITOR)
    with pytest.raises(NotOffered):
        await desk.sign_in.with_passkey("x", "{}", VISITOR)


async def test_a_proof_is_renewed_by_the_password_of_who_has_nothing_else(desk: Desk):
    user = await desk.user()
    opened = await desk.opened(user)
    desk.clock.advance(700)

    with pytest.raises(SignInRefused):
        await desk.sign_in.step_up_with_password(user, opened.session, "wrong horse", ELSEWHERE)
    await desk.sign_in.step_up_with_password(user, opened.session, RIGHT, VISITOR)

    found = await desk.sessions.find(opened.secret)
    assert found is not None
    assert found[0].stepped_up_at == desk.clock.now()


async def test_who_has_a_second_factor_renews_the_proof_by_that(desk: Desk):
    user, device = await desk.user(), Authenticator()
    opened = await desk.opened(user)
    app = await desk.app(user)
    await with_passkey(desk, user, device)
    desk.clock.advance(700)

    with pytest.raises(FactorRefused):
        await desk.sign_in.step_up_with_password(user, opened.session, RIGHT, VISITOR)
    with pytest.raises(FactorRefused):
        await desk.sign_in.step_up_with_code(user, opened.session, FactorKind.TOTP, "000000", VISITOR)
    found = await desk.sessions.find(opened.secret)
    assert found is not None
    with pytest.raises(StepUpRequired):
        desk.sessions.check_step_up(found[0], desk.console.sign_in.step_up)

    await desk.sign_in.step_up_with_code(user, opened.session, FactorKind.TOTP, app.at(desk.clock.now()), VISITOR)
    ceremony = await desk.sign_in.begin_passkey_step_up(user)
    desk.clock.advance(1)
    await desk.sign_in.step_up_with_passkey(
        user, opened.session, ceremony=ceremony.secret, answer=device.sign(ceremony.options)
    )
    found = await desk.sessions.find(opened.secret)
    assert found is not None
    assert found[0].stepped_up_at == desk.clock.now()


async def test_somebody_elses_passkey_renews_no_proof(desk: Desk):
    ann, bob, device = await desk.user(), await desk.user("bob"), Authenticator()
    await with_passkey(desk, bob, device)
    opened = await desk.opened(ann)
    ceremony = await desk.sign_in.begin_passkey_step_up(bob)

    with pytest.raises(FactorRefused):
        await desk.sign_in.step_up_with_passkey(
            ann, opened.session, ceremony=ceremony.secret, answer=device.sign(ceremony.options)
        )


def test_the_secret_between_the_steps_is_not_shown():
    assert repr(FactorNeeded("s3cret", (FactorKind.TOTP,))) == "FactorNeeded(kinds=(<FactorKind.TOTP: 'totp'>,))"


async def test_strangers_begin_so_many_sign_ins_by_passkey_from_one_network(desk: Desk):
    desk.set(sign_in=SignIn(passkeys=True))
    for _ in range(100):
        await desk.sign_in.begin_passkey(VISITOR)

    with pytest.raises(TooManyAttempts):
        await desk.sign_in.begin_passkey(VISITOR)

    assert await challenges_kept(desk) == 100
    await desk.sign_in.begin_passkey(ELSEWHERE)


async def test_who_is_signed_in_fills_no_table_by_beginning(desk: Desk):
    desk.set(sign_in=SignIn(passkeys=True))
    user = await desk.user()

    for _ in range(30):
        await desk.sign_in.begin_passkey_step_up(user)

    assert await challenges_kept(desk) == 10
