from typing import Any

import pytest

from clinx.billing import invitations
from clinx.domain.console import EmailRule, Registration
from clinx.graphql.permissions import Permission
from clinx.storage import statements
from clinx.storage import users as stored_users
from support.operations import RIGHT, Api

REGISTER = """
mutation ($input: RegisterInput!) {
  register(input: $input) {
    viewer { user { name displayName email emailVerifiedAt language } } mustVerify invitationAccepted errors { code }
  }
}"""
VERIFY = """
mutation ($input: EmailVerifyInput!) { emailVerify(input: $input) { done invitationAccepted errors { code } } }"""
AGAIN = """
mutation ($input: EmailVerificationSendInput!) { emailVerificationSend(input: $input) { done errors { code } } }"""
CHANGE = "mutation ($input: EmailChangeInput!) { emailChange(input: $input) { done errors { code } } }"
SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { viewer { user { name } } errors { code } } }"


def stranger(**more: Any) -> dict[str, Any]:
    return {"name": "ann", "password": RIGHT, **more}


async def balance_of(api: Api, account: str) -> str:
    return str((await statements.balance(api.database, account)).total)


async def test_a_stranger_makes_an_account_and_is_signed_in(api: Api):
    context = api.context(None)

    made = await api.do(context, REGISTER, input=stranger(displayName="Ann B.", language="CHINESE", email="A@x.org"))

    assert made["viewer"]["user"] == {
        "name": "ann",
        "displayName": "Ann B.",
        "email": "a@x.org",
        "emailVerifiedAt": None,
        "language": "CHINESE",
    }
    assert (made["mustVerify"], made["invitationAccepted"]) == (False, False)
    found = await api.accounts.sessions.find(context.session_secret)
    assert found is not None
    assert [(letter.to, letter.template) for letter in api.box.letters] == [("a@x.org", "verify_email")]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": "taken"}, "name_taken"),
        ({"name": "a@b.org"}, "name_invalid"),
        ({"password": "short"}, "password_invalid"),
        ({"email": "nonsense"}, "email_invalid"),
    ],
    ids=["taken", "name", "password", "email"],
)
async def test_an_account_that_makes_no_sense_is_not_made(api: Api, changed: dict[str, Any], code: str):
    await api.user("taken")
    context = api.context(None)

    (payload,) = (await api.ask(context, REGISTER, input=stranger(**changed))).values()

    assert payload == {"viewer": None, "mustVerify": None, "invitationAccepted": False, "errors": [{"code": code}]}
    assert context.session_secret is None
    assert [user.name for user in await stored_users.everyone(api.database)] == ["taken"]


async def test_all_that_is_wrong_with_a_form_is_told_at_once_and_where(api: Api):
    text = "mutation ($input: RegisterInput!) { register(input: $input) { errors { code path } } }"
    wrong = stranger(name="a@b.org", password="short", email="nonsense", displayName="http://evil.example")

    payload = (await api.ask(None, text, input=wrong))["register"]

    assert [(each["code"], each["path"]) for each in payload["errors"]] == [
        ("name_invalid", ["name"]),
        ("password_invalid", ["password"]),
        ("profile_invalid", ["displayName"]),
        ("email_invalid", ["email"]),
    ]


async def test_strangers_may_not_be_let_in(api: Api):
    api.set(registration=Registration(open=False))

    assert await api.failed(None, REGISTER, input=stranger()) == "registration_closed"


async def test_an_invitation_rewards_both(api: Api):
    host = await api.user("host")
    code = (await invitations.show(api.database, host)).code

    made = await api.do(None, REGISTER, input=stranger(invitation=code))

    ann = await stored_users.find(api.database, "ann")
    assert ann is not None
    assert made["invitationAccepted"] is True
    assert await balance_of(api, ann.account) == "0.5"
    assert await balance_of(api, f"invite:{host.id}") == "2"


async def test_an_invitation_that_is_none_keeps_nobody_out(api: Api):
    made = await api.do(None, REGISTER, input=stranger(invitation="nonsense"))

    assert (made["viewer"]["user"]["name"], made["invitationAccepted"]) == ("ann", False)


async def test_where_addresses_are_needed_a_letter_is_answered_first(api: Api):
    api.set(registration=Registration(open=True, email=EmailRule.REQUIRED))
    context, host = api.context(None), await api.user("host")
    code = (await invitations.show(api.database, host)).code

    made = await api.do(context, REGISTER, input=stranger(email="ann@example.org", invitation=code))

    assert made == {"viewer": None, "mustVerify": True, "invitationAccepted": False, "errors": []}
    assert context.session_secret is None
    given = {"login": "ann", "password": RIGHT}
    assert await api.failed(None, SIGN_IN, input=given) == "email_unverified"
    verified = await api.do(None, VERIFY, input={"secret": api.box.secret(), "invitation": code})
    assert (verified["done"], verified["invitationAccepted"]) == (True, True)
    await api.do(None, SIGN_IN, input=given)
    assert await balance_of(api, f"invite:{host.id}") == "2"


async def test_six_digits_do_the_same_as_the_link(api: Api):
    await api.do(None, REGISTER, input=stranger(email="ann@example.org"))
    code = api.box.letters[-1].values["code"]
    wrong = f"{(int(code) + 1) % 1_000_000:06}"

    assert await api.failed(None, VERIFY, input={"email": "ann@example.org", "code": wrong}) == "challenge_refused"
    await api.do(None, VERIFY, input={"email": "Ann@example.org", "code": code})
    used = {"secret": api.box.secret()}
    assert await api.failed(None, VERIFY, input=used) == "challenge_refused"
    ann = await stored_users.find_by_email(api.database, "ann@example.org")
    assert ann is not None
    assert ann.name == "ann"


@pytest.mark.parametrize("given", [{}, {"email": "a@x.org"}, {"secret": "x", "email": "a@x.org", "code": "000000"}])
async def test_a_letter_is_answered_in_one_way(api: Api, given: dict[str, str]):
    assert await api.failed(None, VERIFY, input=given) == "proof_unclear"


async def test_a_letter_is_written_once_more_and_nobody_is_told_to_whom(api: Api):
    await api.do(None, REGISTER, input=stranger(email="ann@example.org"))
    api.clock.advance(60)

    assert await api.do(None, AGAIN, input={"name": "ann"}) == await api.do(None, AGAIN, input={"name": "nobody"})
    assert len(api.box.letters) == 2
    assert await api.failed(None, AGAIN, input={"name": "nobody"}) == "too_many_attempts"


async def test_a_new_address_counts_when_it_has_answered(api: Api):
    ann = await api.user("ann", email="old@example.org")

    await api.do(ann, CHANGE, input={"email": "new@example.org"})
    assert (await api.current(ann)).email == "old@example.org"
    await api.do(None, VERIFY, input={"secret": api.box.letters[-1].values["link"].partition("#token=")[2]})

    assert (await api.current(ann)).email == "new@example.org"
    assert [(letter.to, letter.template) for letter in api.box.letters] == [
        ("new@example.org", "verify_email"),
        ("old@example.org", "email_changed"),
    ]


async def test_an_address_is_changed_by_a_person_who_has_proved_who_they_are(api: Api):
    ann = await api.user("ann")
    asked = {"email": "new@example.org"}

    assert await api.failed(api.stale(ann), CHANGE, input=asked) == "step_up_required"
    assert await api.refused(api.by_key(ann, Permission.SELF_WRITE), CHANGE, input=asked) == "session_required"
    assert await api.failed(ann, CHANGE, input={"email": "nonsense"}) == "email_invalid"
    assert api.box.letters == []
