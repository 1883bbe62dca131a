from dataclasses import replace

import pytest

from clinx.accounts import email_addresses, users
from clinx.accounts.failures import ChallengeRefused, EmailInvalid, EmailTaken, NotOffered, TooManyAttempts
from clinx.accounts.users import UserChanges
from clinx.domain.console import EmailRule, Language, Registration
from clinx.domain.letter import Letter
from clinx.storage import users as stored
from support.accounts import CONSOLE, ELSEWHERE, VISITOR, Desk
from support.database import START

ADDRESS = "ann@example.org"


async def test_an_address_is_written_to_and_verified_by_the_link(desk: Desk):
    user = await desk.user()

    await desk.addresses.begin(user, " Ann@Example.org ", VISITOR)

    (letter,) = desk.box.letters
    assert letter == Letter(
        ADDRESS,
        "verify_email",
        Language.ENGLISH,
        {
            "name": "ann",
            "link": f"https://console.example.org/verify-email#token={desk.box.secret()}",
            "code": letter.values["code"],
        },
    )
    assert await stored.find_by_email(desk.database, ADDRESS) is None
    verified = await desk.addresses.finish(desk.box.secret(), VISITOR)
    assert (verified.email, verified.email_verified_at) == (ADDRESS, START)
    assert await stored.find_by_email(desk.database, ADDRESS) == verified
    with pytest.raises(ChallengeRefused):
        await desk.addresses.finish(desk.box.secret(), VISITOR)


async def test_digits_do_the_same(desk: Desk):
    user = await desk.user()
    await desk.addresses.begin(user, ADDRESS, VISITOR)
    code = desk.box.letters[0].values["code"]

    with pytest.raises(ChallengeRefused):
        await desk.addresses.finish_with_code("bob@example.org", code, VISITOR)
    verified = await desk.addresses.finish_with_code(ADDRESS.upper(), code, VISITOR)

    assert (verified.id, verified.email) == (user.id, ADDRESS)


async def test_an_address_belongs_to_who_verifies_it_first(desk: Desk):
    ann, bob = await desk.user(), await desk.user("bob")
    await desk.addresses.begin(ann, ADDRESS, VISITOR)
    late = desk.box.secret()
    await desk.database.atomically(stored.set_email(bob.id, ADDRESS, START))

    with pytest.raises(EmailTaken) as caught:
        await desk.addresses.finish(late, VISITOR)

    assert caught.value.parameters == {"email": ADDRESS}
    assert await users.find(desk.database, "ann") == ann


async def test_the_old_address_hears_of_a_new_one(desk: Desk):
    user = await desk.user(email="old@example.org")
    user = await users.edit(desk.database, user, UserChanges(display_name="Ann", language=Language.CHINESE), at=START)
    await desk.addresses.begin(user, ADDRESS, VISITOR)
    assert (await users.find(desk.database, "ann")).email == "old@example.org"

    await desk.addresses.finish(desk.box.secret(), VISITOR)

    assert desk.box.letters[1:] == [
        Letter("old@example.org", "email_changed", Language.CHINESE, {"name": "Ann", "email": ADDRESS})
    ]
    assert (await users.find(desk.database, "ann")).email == ADDRESS


async def test_one_who_cannot_sign_in_yet_is_written_to_again_and_strangers_learn_nothing(desk: Desk):
    user = await desk.user()
    await desk.database.atomically(stored.set_email(user.id, ADDRESS, None))
    await desk.user("bob", email="bob@example.org")

    for name in ("ann", "bob", "nobody", "\x00"):
        await desk.addresses.begin_again(name, VISITOR)

    assert [letter.to for letter in desk.box.letters] == [ADDRESS]


async def test_nobody_is_told_whose_address_waits_for_a_letter(desk: Desk):
    user = await desk.user()
    await desk.database.atomically(stored.set_email(user.id, ADDRESS, None))
    await desk.changes.ask_for_reset(ADDRESS, ELSEWHERE)
    said: dict[str, list[bool]] = {}

    for name in ("ann", "nobody"):
        said[name] = []
        for _ in range(2):
            try:
                await desk.addresses.begin_again(name, VISITOR)
            except TooManyAttempts:
                said[name].append(False)
            else:
                said[name].append(True)

    assert said == {"ann": [True, False], "nobody": [True, False]}
    assert desk.box.letters == [], "the address had its letter a moment ago"


async def test_nobody_is_flooded_with_letters(desk: Desk):
    user = await desk.user()
    await desk.addresses.begin(user, ADDRESS, VISITOR)

    with pytest.raises(TooManyAttempts):
        await desk.addresses.begin(user, ADDRESS, ELSEWHERE)
    for _ in range(4):
        desk.clock.advance(60)
        await desk.addresses.begin(user, ADDRESS, ELSEWHERE)
    desk.clock.advance(60)
    with pytest.raises(TooManyAttempts):
        await desk.addresses.begin(user, ADDRESS, ELSEWHERE)

    assert len(desk.box.letters) == 5


@pytest.mark.parametrize("changes", [{"mail": None}, {"url": None, "address": None}], ids=["no mail", "no address"])
async def test_a_gateway_that_writes_no_letters_says_so(desk: Desk, changes: dict[str, object]):
    user = await desk.user()
    desk.set(**changes)

    with pytest.raises(NotOffered) as caught:
        await desk.addresses.begin(user, ADDRESS, VISITOR)
    assert caught.value.parameters == {"what": "mail"}
    assert await desk.database.fetch("SELECT id FROM challenge") == []


@pytest.mark.parametrize("email", ["ann@example.org", "a.b+c@sub.example.co", "ä@x.org".replace("ä", "a")])
def test_what_is_an_address(email: str):
    assert email_addresses.check(email.upper(), CONSOLE) == email


@pytest.mark.parametrize(
    "email",
    [
        *("", "ann", "ann@", "@example.org", "ann@example", "a b@example.org", "ann@exa mple.org", "ann@-x.org"),
        *("ann@example.org\r\nBcc: x@y.org", "ann@example.org,b@example.org", "<ann@example.org>", "ann@[127.0.0.1]"),
        *("a..b@example.org", "x" * 65 + "@example.org", "ann@" + "x." * 130 + "org", "ä@example.org", "a@b@c.org"),
    ],
)
def test_what_is_none(email: str):
    with pytest.raises(EmailInvalid) as caught:
        email_addresses.check(email, CONSOLE)
    assert caught.value.parameters == {"reason": "malformed"}


def test_only_some_domains_are_let_in():
    console = replace(CONSOLE, registration=Registration(domains=("example.org",)))

    assert email_addresses.check(ADDRESS, console) == ADDRESS
    for other in ("ann@sub.example.org", "ann@example.org.evil.com", "ann@notexample.org"):
        with pytest.raises(EmailInvalid) as caught:
            email_addresses.check(other, console)
        assert caught.value.parameters["reason"] == "domain"


def test_where_no_addresses_are_asked_for_none_is_taken():
    with pytest.raises(NotOffered):
        email_addresses.check(ADDRESS, replace(CONSOLE, registration=Registration(email=EmailRule.NONE)))
