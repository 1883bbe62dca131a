from dataclasses import replace
from typing import Any

import pytest

from clinx.accounts import users
from clinx.accounts.failures import (
    AccountError,
    EmailInvalid,
    EmailNeeded,
    EmailUnverified,
    NameInvalid,
    NameReserved,
    NameTaken,
    NotOffered,
    PasswordInvalid,
    ProfileInvalid,
    RegistrationClosed,
    Several,
    TooManyAttempts,
)
from clinx.accounts.registration import Application, Registered
from clinx.accounts.sessions import Opened, Visitor
from clinx.domain.console import EmailRule, Language, Registration, SignIn
from clinx.domain.identity import Role, Status, User
from support.accounts import RIGHT, VISITOR, Desk
from support.database import START

ADDRESS = "ann@example.org"
ANN = Application("ann", RIGHT, ADDRESS, "Ann", Language.CHINESE)


async def test_a_stranger_becomes_a_user_and_is_written_to(desk: Desk):
    registered = await desk.registrar.register(ANN, VISITOR)

    user = User(1, "ann", Role.USER, Status.ACTIVE, "vip", START, "Ann", ADDRESS, None, Language.CHINESE)
    assert registered == Registered(user, must_verify=False)
    assert await users.everyone(desk.database) == [user]
    assert [(letter.to, letter.template, letter.language) for letter in desk.box.letters] == [
        (ADDRESS, "verify_email", Language.CHINESE)
    ]
    assert isinstance(await desk.sign_in.with_password("ann", RIGHT, VISITOR), Opened)


@pytest.mark.parametrize("name", ["root", "Admin", "sup-port", "SYSTEM", "a.d.m.i.n"])
async def test_a_name_of_the_house_is_not_a_stranger_s(desk: Desk, name: str):
    for what in ("name", "display_name"):
        with pytest.raises(NameReserved) as caught:
            await desk.registrar.register(replace(ANN, **{what: name}), VISITOR)
        assert caught.value.parameters == {"what": what, "name": name}
    assert await users.everyone(desk.database) == []


async def test_whatever_is_wrong_is_told_at_once(desk: Desk):
    application = Application("root", "short", "nowhere", "http://evil.example")

    with pytest.raises(Several) as caught:
        await desk.registrar.register(application, VISITOR)

    assert [each.code for each in caught.value.found] == [
        *("name_reserved", "password_invalid", "profile_invalid", "email_invalid"),
    ]
    assert await users.everyone(desk.database) == []


async def test_which_names_are_the_house_s_the_tree_says(desk: Desk):
    desk.set(reserved_names=frozenset({"ann"}))

    with pytest.raises(NameReserved):
        await desk.registrar.register(replace(ANN, display_name=""), VISITOR)
    assert (await desk.registrar.register(replace(ANN, name="root", display_name=""), VISITOR)).user.name == "root"


@pytest.mark.parametrize("name", ["http://evil.example", "evil.example", "Ann www.evil"])
async def test_what_a_stranger_is_called_leads_nowhere(desk: Desk, name: str):
    with pytest.raises(ProfileInvalid) as caught:
        await desk.registrar.register(replace(ANN, display_name=name), VISITOR)

    assert caught.value.parameters == {"what": "display_name", "reason": "like_a_link"}
    assert await users.everyone(desk.database) == []


async def test_where_addresses_are_required_the_user_waits_for_the_letter(desk: Desk):
    desk.set(registration=Registration(open=True, email=EmailRule.REQUIRED))

    registered = await desk.registrar.register(ANN, VISITOR)

    assert registered.must_verify is True
    with pytest.raises(EmailUnverified):
        await desk.sign_in.with_password("ann", RIGHT, VISITOR)
    await desk.addresses.finish(desk.box.secret(), VISITOR)
    assert isinstance(await desk.sign_in.with_password("ann", RIGHT, VISITOR), Opened)


@pytest.mark.parametrize("rule", [EmailRule.OPTIONAL, EmailRule.NONE], ids=str)
async def test_a_stranger_may_do_without_an_address_where_none_is_needed(desk: Desk, rule: EmailRule):
    desk.set(registration=Registration(open=True, email=rule))

    registered = await desk.registrar.register(Application("ann", RIGHT), VISITOR)

    assert (registered.user.email, registered.must_verify) == (None, False)
    assert desk.box.letters == []


async def test_where_no_addresses_are_asked_for_none_is_kept(desk: Desk):
    desk.set(registration=Registration(open=True, email=EmailRule.NONE))

    assert (await desk.registrar.register(ANN, VISITOR)).user.email is None
    assert desk.box.letters == []


@pytest.mark.parametrize(
    ("tree", "application", "kind"),
    [
        ({"registration": Registration(open=False)}, ANN, RegistrationClosed),
        ({"sign_in": SignIn(password=False)}, ANN, NotOffered),
        ({"mail": None, "registration": Registration(open=True, email=EmailRule.REQUIRED)}, ANN, NotOffered),
        ({"registration": Registration(open=True, domains=("example.com",))}, ANN, EmailInvalid),
        ({"registration": Registration(open=True, email=EmailRule.REQUIRED)}, Application("ann", RIGHT), EmailNeeded),
        ({}, Application("a b", RIGHT), NameInvalid),
        ({}, Application("ann@example.org", RIGHT), NameInvalid),
        ({}, Application("42", RIGHT), NameInvalid),
        ({}, Application("ann", "short"), PasswordInvalid),
        ({}, Application("annannann", "AnnAnnAnn"), PasswordInvalid),
        ({}, Application("ann", ADDRESS, ADDRESS), PasswordInvalid),
        ({}, Application("ann", RIGHT, "nonsense"), EmailInvalid),
        ({}, Application("ann", RIGHT, None, "x" * 65), ProfileInvalid),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
async def test_who_is_not_let_in_leaves_nothing_behind(
    desk: Desk, tree: dict[str, Any], application: Application, kind: type[AccountError]
):
    desk.set(**tree)

    with pytest.raises(kind):
        await desk.registrar.register(application, VISITOR)

    assert await users.everyone(desk.database) == []
    assert desk.box.letters == []


async def test_a_name_is_taken_once(desk: Desk):
    user = await desk.user()

    with pytest.raises(NameTaken) as caught:
        await desk.registrar.register(ANN, VISITOR)

    assert caught.value.parameters == {"name": "ann"}
    assert await users.everyone(desk.database) == [user]
    assert desk.box.letters == []


async def test_an_address_that_somebody_owns_is_told_nobody(desk: Desk):
    owner = await desk.user("owner", email=ADDRESS)

    registered = await desk.registrar.register(ANN, VISITOR)

    assert (registered.user.email, registered.user.email_verified_at) == (ADDRESS, None)
    opened = await desk.sign_in.with_password(ADDRESS, RIGHT, VISITOR)
    assert isinstance(opened, Opened)
    assert opened.user == owner


async def test_accounts_of_one_network_are_few(desk: Desk):
    for index in range(10):
        await desk.registrar.register(Application(f"ann-{index}", RIGHT), VISITOR)

    with pytest.raises(TooManyAttempts):
        await desk.registrar.register(Application("one-more", RIGHT), VISITOR)
    await desk.registrar.register(Application("one-more", RIGHT), Visitor("198.51.100.1"))


async def test_who_was_written_to_a_moment_ago_gets_an_account_and_no_letter(desk: Desk):
    await desk.addresses.begin(await desk.user("bob"), ADDRESS, VISITOR)

    await desk.registrar.register(ANN, VISITOR)

    assert [letter.values["name"] for letter in desk.box.letters] == ["bob"]


def test_what_a_stranger_types_is_not_shown():
    assert RIGHT not in repr(ANN)
