import pytest

from clinx.accounts import challenges, password_changes, users
from clinx.accounts.challenges import Purpose
from clinx.accounts.failures import (
    ChallengeRefused,
    NotOffered,
    PasswordInvalid,
    SignInRefused,
    StepUpRequired,
    TooManyAttempts,
)
from clinx.accounts.registration import Application
from clinx.accounts.sign_in import FactorNeeded
from clinx.domain.console import Language
from clinx.domain.identity import Role, Status
from clinx.domain.letter import Letter
from clinx.domain.session import FactorKind
from support.accounts import ELSEWHERE, RIGHT, VISITOR, Desk
from support.database import START

ADDRESS = "ann@example.org"
NEW = "battery staple"
TOLD = Letter(ADDRESS, "password_changed", Language.ENGLISH, {"name": "ann"})


async def test_whoever_knows_the_old_password_chooses_a_new_one_and_other_sessions_end(desk: Desk):
    user = await desk.user(email=ADDRESS)
    mine, other = await desk.opened(user), await desk.opened(user, ELSEWHERE)

    await desk.changes.change(user, mine.session, old=RIGHT, new=NEW, visitor=VISITOR)

    assert [await desk.passwords.is_right(user, password) for password in (RIGHT, NEW)] == [False, True]
    assert await desk.sessions.find(mine.secret) == (mine.session, user)
    assert await desk.sessions.find(other.secret) is None
    assert desk.box.letters == [TOLD]


async def test_a_wrong_old_password_changes_nothing_and_is_counted(desk: Desk):
    user = await desk.user()
    mine, other = await desk.opened(user), await desk.opened(user)

    for kind in (*[SignInRefused] * 5, TooManyAttempts):
        with pytest.raises(kind):
            await desk.changes.change(user, mine.session, old="wrong horse", new=NEW, visitor=VISITOR)

    assert await desk.passwords.is_right(user, RIGHT) is True
    assert await desk.sessions.find(other.secret) is not None


async def test_a_fresh_proof_does_instead_of_the_old_password(desk: Desk):
    user = await desk.user(password=None)
    mine = await desk.opened(user)
    await desk.changes.change(user, mine.session, old=None, new=NEW, visitor=VISITOR)
    assert await desk.passwords.is_right(user, NEW) is True

    desk.clock.advance(600)
    with pytest.raises(StepUpRequired):
        await desk.changes.change(user, mine.session, old=None, new=RIGHT, visitor=VISITOR)
    assert await desk.passwords.is_right(user, NEW) is True


@pytest.mark.parametrize("new", ["short", "x" * 257, ADDRESS])
async def test_what_nobody_should_have_is_refused(desk: Desk, new: str):
    user = await desk.user(email=ADDRESS)
    mine = await desk.opened(user)

    with pytest.raises(PasswordInvalid):
        await desk.changes.change(user, mine.session, old=RIGHT, new=new, visitor=VISITOR)
    with pytest.raises(PasswordInvalid):
        await desk.operator_sets(user, new)
    assert await desk.passwords.is_right(user, RIGHT) is True


async def test_who_reads_the_accounts_mail_chooses_a_new_password_and_all_sessions_end(desk: Desk):
    user = await desk.user(email=ADDRESS)
    opened = await desk.opened(user)
    await desk.changes.ask_for_reset(" Ann@example.org ", VISITOR)
    link = f"https://console.example.org/reset-password#token={desk.box.secret()}"
    assert desk.box.letters == [Letter(ADDRESS, "reset_password", Language.ENGLISH, {"name": "ann", "link": link})]
    secret = desk.box.secret()

    assert (await desk.changes.reset(secret, NEW, VISITOR)).id == user.id

    assert [await desk.passwords.is_right(user, password) for password in (RIGHT, NEW)] == [False, True]
    assert await desk.sessions.find(opened.secret) is None
    assert desk.box.letters[1:] == [TOLD]
    with pytest.raises(ChallengeRefused):
        await desk.changes.reset(secret, RIGHT, VISITOR)


async def test_whether_there_is_such_an_account_is_told_nobody(desk: Desk):
    disabled = await desk.user("bob", email="bob@example.org")
    await users.change(desk.database, disabled, status=Status.DISABLED, at=START)
    await desk.registrar.register(Application("eve", RIGHT, "eve@example.org"), VISITOR)
    desk.box.letters.clear()
    desk.clock.advance(60)

    for email in ("nobody@example.org", "bob@example.org", "eve@example.org", "nonsense", "\x00"):
        await desk.changes.ask_for_reset(email, VISITOR)

    assert desk.box.letters == []
    made = await desk.database.fetch("SELECT COUNT(*) FROM challenge WHERE kind = 'reset_password'")
    assert made == [(5,)]
    desk.clock.advance(1)
    with pytest.raises(TooManyAttempts):
        await desk.changes.ask_for_reset("nobody@example.org", ELSEWHERE)


async def test_a_link_is_used_in_time(desk: Desk):
    user = await desk.user(email=ADDRESS)
    await desk.changes.ask_for_reset(ADDRESS, VISITOR)
    desk.clock.advance(30 * 60)

    with pytest.raises(ChallengeRefused):
        await desk.changes.reset(desk.box.secret(), NEW, VISITOR)
    assert await desk.passwords.is_right(user, RIGHT) is True


async def test_a_password_that_is_refused_does_not_use_the_link_up(desk: Desk):
    user = await desk.user(email=ADDRESS)
    await desk.changes.ask_for_reset(ADDRESS, VISITOR)

    with pytest.raises(PasswordInvalid):
        await desk.changes.reset(desk.box.secret(), "short", VISITOR)
    await desk.changes.reset(desk.box.secret(), NEW, VISITOR)

    assert await desk.passwords.is_right(user, NEW) is True


async def test_one_new_password_makes_all_other_links_nothing(desk: Desk):
    user = await desk.user(email=ADDRESS)
    await desk.changes.ask_for_reset(ADDRESS, VISITOR)
    old = desk.box.secret()

    await desk.operator_sets(user, NEW)

    with pytest.raises(ChallengeRefused):
        await desk.changes.reset(old, "another one", VISITOR)


async def test_a_letter_is_not_proof_enough_for_who_has_a_second_factor(desk: Desk):
    user = await desk.user(email=ADDRESS)
    await desk.app(user)
    await desk.changes.ask_for_reset(ADDRESS, VISITOR)
    await desk.changes.reset(desk.box.secret(), NEW, VISITOR)

    needed = await desk.sign_in.with_password("ann", NEW, VISITOR)

    assert isinstance(needed, FactorNeeded)
    assert needed.kinds == (FactorKind.TOTP,)


async def test_a_gateway_that_writes_no_letters_says_so(desk: Desk):
    desk.set(mail=None)

    with pytest.raises(NotOffered):
        await desk.changes.ask_for_reset(ADDRESS, VISITOR)


async def test_an_operator_gives_a_password_and_all_sessions_end(desk: Desk):
    user = await desk.user()
    opened = await desk.opened(user)

    await desk.operator_sets(user, NEW)

    assert await desk.passwords.is_right(user, NEW) is True
    assert await desk.sessions.find(opened.secret) is None
    assert desk.box.letters == []


def test_drawn_passwords_are_long_and_never_the_same():
    drawn = {password_changes.draw() for _ in range(100)}

    assert len(drawn) == 100
    assert {len(password) for password in drawn} == {20}


@pytest.mark.parametrize("how", ["change", "operator", "everywhere"])
async def test_an_address_that_somebody_else_asked_for_is_not_verified_after_they_were_put_out(desk: Desk, how: str):
    user = await desk.user(email=ADDRESS)
    await desk.addresses.begin(user, "eve@example.org", ELSEWHERE)
    secret, code = desk.box.secret(), desk.box.letters[-1].values["code"]

    mine = await desk.opened(user)
    if how == "change":
        await desk.changes.change(user, mine.session, old=RIGHT, new=NEW, visitor=VISITOR)
    elif how == "operator":
        await desk.operator_sets(user, NEW)
    else:
        await desk.sessions.end_all(user)

    with pytest.raises(ChallengeRefused):
        await desk.addresses.finish(secret, ELSEWHERE)
    with pytest.raises(ChallengeRefused):
        await desk.addresses.finish_with_code("eve@example.org", code, ELSEWHERE)
    assert await desk.database.fetch('SELECT email FROM "user"') == [(ADDRESS,)]


async def test_a_link_in_the_mail_of_an_address_of_before_is_nothing(desk: Desk):
    user = await desk.user(email="old@example.org")
    await desk.changes.ask_for_reset("old@example.org", ELSEWHERE)
    link = desk.box.secret()
    await desk.addresses.begin(user, ADDRESS, VISITOR)
    await desk.addresses.finish(desk.box.secret(), VISITOR)

    with pytest.raises(ChallengeRefused):
        await desk.changes.reset(link, NEW, ELSEWHERE)
    assert await desk.passwords.is_right(user, RIGHT) is True


async def test_a_link_that_was_made_for_a_user_is_nothing_for_the_operator_they_became(desk: Desk):
    user = await desk.user()
    made = await challenges.make(
        desk.database, Purpose(password_changes.RESET, password_changes.LIFETIME, user.id), at=desk.clock.now()
    )
    await users.change(desk.database, user, role=Role.ROOT, at=START)

    with pytest.raises(ChallengeRefused):
        await desk.changes.reset(made.secret, NEW, ELSEWHERE)
    assert await desk.passwords.is_right(user, RIGHT) is True
