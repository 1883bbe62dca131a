import asyncio
from dataclasses import replace
from typing import Any

import pytest

from clinx.accounts import users
from clinx.accounts.failures import AccountError, TooManyAttempts
from clinx.accounts.oauth import settle
from clinx.accounts.oauth.settle import Arrival
from clinx.accounts.oauth.trip import Found
from clinx.domain.console import EmailRule, Registration
from clinx.domain.identity import Role, Status, User
from clinx.storage import identities
from clinx.storage import users as stored
from clinx.storage.database import Database
from support.database import START, make_user

OPEN = Registration(open=True, group="vip")
ANN = Found("github", "583231", "ann@example.org", True, "ann")


async def nothing() -> None:
    """Bound nobody."""


async def admitted(database: Database, found: Found = ANN, registration: Registration = OPEN) -> Arrival:
    return await settle.admit(database, found, registration, nothing, START)


async def refused(database: Database, found: Found = ANN, registration: Registration = OPEN) -> str:
    before = await users.everyone(database)
    with pytest.raises(AccountError) as caught:
        await admitted(database, found, registration)
    assert await users.everyone(database) == before
    return caught.value.code


async def with_email(database: Database, user: User, email: str, *, verified: bool) -> None:
    await database.atomically(stored.set_email(user.id, email, START if verified else None))


async def test_a_stranger_becomes_a_user_where_strangers_may_come(database: Database):
    arrival = await admitted(database)

    user = arrival.user
    assert arrival == Arrival(user, ANN, is_new=True)
    assert user == User(user.id, "ann", Role.USER, Status.ACTIVE, "vip", START, "ann", "ann@example.org", START, None)
    assert await users.find(database, "ann") == user
    (identity,) = await identities.of_user(database, user.id)
    assert (identity.provider, identity.subject, identity.shown) == ("github", "583231", "ann")


async def test_who_is_known_comes_in_whatever_became_of_their_name_and_address(database: Database):
    first = await admitted(database)
    changed = replace(ANN, email="other@example.org", name="renamed")

    assert await admitted(database, changed, Registration(open=False)) == Arrival(first.user, changed)
    assert len(await users.everyone(database)) == 1


async def test_a_stranger_stays_one_where_registration_is_closed(database: Database):
    assert await refused(database, registration=Registration(open=False)) == "registration_closed"


@pytest.mark.parametrize("registration", [OPEN, Registration(open=False)], ids=["open", "closed"])
async def test_an_address_opens_nobody_s_account(database: Database, registration: Registration):
    await with_email(database, await make_user(database), "ann@example.org", verified=True)

    with pytest.raises(AccountError) as caught:
        await admitted(database, registration=registration)

    assert (caught.value.code, dict(caught.value.parameters)) == ("email_taken", {"email": "ann@example.org"})
    assert await identities.find(database, "github", "583231") is None


async def test_an_address_that_nobody_has_verified_is_free(database: Database):
    await with_email(database, await make_user(database), "ann@example.org", verified=False)

    assert (await admitted(database)).user.email == "ann@example.org"


async def test_an_address_that_the_issuer_does_not_vouch_for_is_not_kept(database: Database):
    await with_email(database, await make_user(database), "ann@example.org", verified=True)

    arrival = await admitted(database, replace(ANN, email_verified=False))

    assert (arrival.user.email, arrival.user.email_verified_at) == (None, None)


async def test_no_address_is_kept_where_none_is_asked_for(database: Database):
    arrival = await admitted(database, registration=Registration(open=True, email=EmailRule.NONE))

    assert arrival.user.email is None


@pytest.mark.parametrize(
    ("changed", "registration", "reason"),
    [
        ({"email": None}, {"email": EmailRule.REQUIRED}, "email_needed"),
        ({"email_verified": False}, {"email": EmailRule.REQUIRED}, "email_needed"),
        ({"email_verified": False}, {"domains": ("example.org",)}, "email_needed"),
        ({}, {"domains": ("example.com", "sub.example.org")}, "email_not_allowed"),
        ({"email": "ann@x.example.org"}, {"domains": ("example.org",)}, "email_not_allowed"),
    ],
    ids=str,
)
async def test_an_address_must_be_what_the_tree_asks_for(
    database: Database, changed: dict[str, Any], registration: dict[str, Any], reason: str
):
    found = replace(ANN, **changed)

    assert await refused(database, found, Registration(open=True, **registration)) == reason


async def test_a_domain_that_is_let_in_comes_in(database: Database):
    rules = Registration(open=True, email=EmailRule.REQUIRED, domains=("example.com", "example.org"))

    assert (await admitted(database, registration=rules)).is_new


async def test_too_many_strangers_are_not_let_in_and_those_who_are_known_are(database: Database):
    known = await admitted(database)

    async def full() -> None:
        raise TooManyAttempts(60)

    with pytest.raises(TooManyAttempts):
        await settle.admit(database, replace(ANN, subject="2", email=None), OPEN, full, START)
    assert await settle.admit(database, ANN, OPEN, full, START) == Arrival(known.user, ANN)
    assert len(await users.everyone(database)) == 1


async def test_a_disabled_user_stays_outside(database: Database):
    user = (await admitted(database)).user
    disabled = await users.change(database, user, status=Status.DISABLED, at=START)

    assert await refused(database) == "account_disabled"
    with pytest.raises(AccountError) as caught:
        await settle.bind(database, replace(ANN, subject="2"), disabled, START)
    assert caught.value.code == "account_disabled"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ann", "ann"),
        ("Ann A. B", "Ann-A.-B"),
        ("victim@example.com", "victim"),
        ("-_ann_-", "ann"),
        ("42", "github-42"),
        ("", "github"),
        ("李雷", "github"),
        ("<script>", "script"),
        ("a" * 64, "a" * 48),
    ],
)
async def test_people_are_called_what_they_are_called_there_as_far_as_it_is_a_name(
    database: Database, name: str, wanted: str
):
    user = (await admitted(database, replace(ANN, name=name))).user

    assert user.name == wanted
    assert await users.find(database, wanted) == user


async def test_a_name_that_somebody_has_gets_something_drawn(database: Database):
    await make_user(database, "ann")

    user = (await admitted(database)).user

    assert user.name[:4] == "ann-"
    assert len(user.name) == 14


async def test_the_same_stranger_in_many_windows_becomes_one_user(database: Database):
    arrivals = await asyncio.gather(*(admitted(database) for _ in range(8)))

    assert len({arrival.user.id for arrival in arrivals}) == 1
    assert sum(arrival.is_new for arrival in arrivals) == 1
    assert len(await users.everyone(database)) == 1


async def test_two_strangers_with_one_address_become_one_user_and_one_refusal(database: Database):
    both = [ANN, replace(ANN, subject="2", name="bob")]

    came = await asyncio.gather(*(admitted(database, found) for found in both), return_exceptions=True)

    assert sorted(type(each).__name__ for each in came) == ["Arrival", "EmailTaken"]
    assert len(await users.everyone(database)) == 1


async def test_an_identity_is_bound_to_one_user_and_a_repetition_changes_nothing(database: Database):
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")

    for _ in range(2):
        assert await settle.bind(database, ANN, ann, START) == Arrival(ann, ANN, is_bound=True)
    with pytest.raises(AccountError) as caught:
        await settle.bind(database, ANN, bob, START)

    assert caught.value.code == "identity_taken"
    assert await identities.find(database, "github", "583231") == ann
    assert len(await identities.of_user(database, ann.id)) == 1
    assert (await admitted(database, registration=Registration(open=False))).user == ann


async def test_the_same_id_at_another_service_is_somebody_else(database: Database):
    first = (await admitted(database)).user
    second = (await admitted(database, Found("linuxdo", "583231", name="ann"))).user

    assert first.id != second.id


async def test_whoever_is_called_like_the_house_elsewhere_is_called_otherwise_here(database: Database):
    arrival = await admitted(database, replace(ANN, name="Admin", email=None))

    assert (arrival.user.name, arrival.user.display_name) == (f"{ANN.provider}-Admin", "")


async def test_a_name_that_leads_somewhere_is_not_taken_over(database: Database):
    arrival = await admitted(database, replace(ANN, name="see evil.example", email=None))

    assert (arrival.user.name, arrival.user.display_name) == ("see-evil.example", "")
