from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyotp.totp import TOTP

from clinx.accounts import passkeys, throttle
from clinx.domain.console import SignIn
from clinx.domain.identity import Status, User
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.storage import users as stored_users
from support.authenticator import Authenticator
from support.console import running_console
from support.database import START
from support.operations import CONSOLE, RIGHT, Api

SIGN_IN = """
mutation ($input: SignInInput!) {
  signIn(input: $input) {
    viewer { user { name } sessions { isCurrent } } challenge factors errors { code parameters { name value } }
  }
}"""
FINISH = """
mutation ($input: SignInFinishInput!) {
  signInFinish(input: $input) { viewer { user { name } } errors { code } }
}"""
BEGIN = """
mutation ($input: PasskeySignInBeginInput!) {
  passkeySignInBegin(input: $input) { ceremony { options secret } errors { code } }
}"""
WITH_PASSKEY = """
mutation ($input: PasskeySignInFinishInput!) {
  passkeySignInFinish(input: $input) { viewer { user { name } } errors { code } }
}"""
OUT = "mutation { signOut { done errors { code } } }"
OUT_EVERYWHERE = "mutation { signOutEverywhere { done errors { code } } }"
REVOKE = "mutation ($input: SessionRevokeInput!) { sessionRevoke(input: $input) { done errors { code } } }"


def given(login: str = "ann", password: str = RIGHT) -> dict[str, str]:
    return {"login": login, "password": password}


async def app_of(api: Api, user: User) -> TOTP:
    setup = await api.accounts.factors.begin_totp(user, "Clinx")
    app = TOTP(setup.secret)
    await api.accounts.factors.confirm_totp(user, setup.factor.id, app.at(api.clock.now()))
    api.clock.advance(30)
    return app


async def passkey_of(api: Api, user: User) -> Authenticator:
    device, party = Authenticator(), passkeys.relying_party(CONSOLE)
    ceremony = await api.accounts.passkeys.begin_registration(user, party)
    answer = device.register(ceremony.options)
    await api.accounts.passkeys.finish_registration(user, party, secret=ceremony.secret, answer=answer, name="phone")
    return device


@pytest.mark.parametrize("login", ["ann", "Ann@Example.org"])
async def test_a_password_opens_a_session(api: Api, login: str):
    await api.user("ann", password=RIGHT, email="ann@example.org")
    context = api.context(None)

    entered = await api.do(context, SIGN_IN, input=given(login))

    assert entered["viewer"] == {"user": {"name": "ann"}, "sessions": [{"isCurrent": True}]}
    assert (entered["challenge"], entered["factors"]) == (None, [])
    found = await api.accounts.sessions.find(context.session_secret)
    assert found is not None
    assert (found[0].method, found[0].address, found[0].agent) == ("password", "192.0.2.1", "a browser")


async def test_what_is_refused_says_the_same_whether_there_is_an_account_or_not(api: Api):
    await api.user("ann", password=RIGHT)
    await api.user("bob")
    context = api.context(None)

    answers = [
        (await api.ask(context, SIGN_IN, input=asked))["signIn"]
        for asked in (given(password="wrong"), given("nobody"), given("bob"))
    ]

    assert answers == [answers[0]] * 3
    assert [error["code"] for error in answers[0]["errors"]] == ["sign_in_refused"]
    assert context.session_secret is None


async def test_after_too_many_tries_one_has_to_wait(api: Api):
    await api.user("ann", password=RIGHT)
    for _ in range(5):
        assert await api.failed(None, SIGN_IN, input=given(password="wrong")) == "sign_in_refused"

    answer = (await api.ask(None, SIGN_IN, input=given()))["signIn"]

    ((error,), context) = (answer["errors"], api.context(None))
    assert error["code"] == "too_many_attempts"
    (wait,) = error["parameters"]
    assert wait["name"] == "retry_after"
    api.clock.advance(int(wait["value"]))
    await api.do(context, SIGN_IN, input=given())


async def test_an_account_that_may_not_be_used_lets_nobody_in(api: Api):
    ann = await api.user("ann", password=RIGHT)
    await api.database.atomically(stored_users.update(replace(ann, status=Status.DISABLED)))

    assert await api.failed(None, SIGN_IN, input=given()) == "account_disabled"


async def test_passwords_may_not_be_offered(api: Api):
    api.set(sign_in=SignIn(password=False))

    assert await api.failed(None, SIGN_IN, input=given()) == "not_offered"


async def test_a_second_factor_is_asked_for(api: Api):
    ann = await api.user("ann", password=RIGHT)
    app, context = await app_of(api, ann), api.context(None)

    first = await api.do(context, SIGN_IN, input=given())

    assert (first["viewer"], first["factors"], context.session_secret) == (None, ["TOTP"], None)
    second = {"challenge": first["challenge"], "kind": "TOTP"}
    assert await api.failed(context, FINISH, input={**second, "code": "000000"}) == "factor_refused"
    entered = await api.do(context, FINISH, input={**second, "code": app.at(api.clock.now())})
    assert entered["viewer"] == {"user": {"name": "ann"}}
    assert await api.accounts.sessions.find(context.session_secret) is not None
    assert await api.failed(None, FINISH, input={**second, "code": app.at(api.clock.now())}) == "challenge_refused"


async def test_a_code_on_paper_will_do_once(api: Api):
    ann = await api.user("ann", password=RIGHT)
    await app_of(api, ann)
    code = (await api.accounts.factors.make_backups(ann))[0]

    async def finish() -> dict[str, Any]:
        first = await api.do(None, SIGN_IN, input=given())
        assert first["factors"] == ["TOTP", "BACKUP"]
        return {"challenge": first["challenge"], "kind": "BACKUP", "code": code}

    await api.do(None, FINISH, input=await finish())
    assert await api.failed(None, FINISH, input=await finish()) == "factor_refused"


async def test_a_passkey_is_the_second_step(api: Api):
    device, context = await passkey_of(api, await api.user("ann", password=RIGHT)), api.context(None)
    first = await api.do(context, SIGN_IN, input=given())
    assert first["factors"] == ["PASSKEY"]

    begun = await api.do(context, BEGIN, input={"challenge": first["challenge"]})
    answer = device.sign(begun["ceremony"]["options"])
    finish = {"ceremony": begun["ceremony"]["secret"], "credential": answer, "challenge": first["challenge"]}
    entered = await api.do(context, WITH_PASSKEY, input=finish)

    assert entered["viewer"] == {"user": {"name": "ann"}}
    found = await api.accounts.sessions.find(context.session_secret)
    assert found is not None
    assert found[0].method == "password"
    assert await api.failed(None, WITH_PASSKEY, input=finish) == "challenge_refused"


async def test_a_passkey_is_all_that_is_needed(api: Api):
    device, context = await passkey_of(api, await api.user("ann")), api.context(None)

    begun = await api.do(context, BEGIN, input={})
    answer = device.sign(begun["ceremony"]["options"])
    await api.do(context, WITH_PASSKEY, input={"ceremony": begun["ceremony"]["secret"], "credential": answer})

    found = await api.accounts.sessions.find(context.session_secret)
    assert found is not None
    assert found[0].method == "passkey"


async def test_what_no_passkey_signed_lets_nobody_in(api: Api):
    await passkey_of(api, await api.user("ann"))
    begun = await api.do(None, BEGIN, input={})

    finish = {"ceremony": begun["ceremony"]["secret"], "credential": "{}"}
    assert await api.failed(None, WITH_PASSKEY, input=finish) == "factor_refused"
    assert await api.failed(None, BEGIN, input={"challenge": "nonsense"}) == "challenge_refused"
    api.set(sign_in=SignIn(passkeys=False))
    assert await api.failed(None, BEGIN, input={}) == "not_offered"


async def test_signing_out_ends_the_session_and_takes_the_cookie(api: Api):
    ann = await api.user("ann")
    context, other = await api.visit(ann), await api.visit(ann)

    assert (await api.do(context, OUT))["done"] is True

    assert context.session_secret == ""
    left = await api.accounts.sessions.of_user(ann)
    assert [session.id for session in left] == [other.signed_in.session]
    again = api.context(context.viewer)
    assert (await api.do(again, OUT))["done"] is True


async def test_signing_out_everywhere_ends_all(api: Api):
    ann = await api.user("ann")
    context, _ = await api.visit(ann), await api.visit(ann)

    await api.do(context, OUT_EVERYWHERE)

    assert context.session_secret == ""
    assert await api.accounts.sessions.of_user(await api.current(ann)) == []
    assert (await api.current(ann)).epoch == 2


async def test_one_session_is_revoked(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    context, other = await api.visit(ann), await api.visit(ann)
    which = {"id": to_id("Session", other.signed_in.session or 0)}

    assert await api.failed(await api.visit(bob), REVOKE, input=which) == "not_found"
    await api.do(context, REVOKE, input=which)
    assert context.session_secret is None
    assert await api.failed(context, REVOKE, input=which) == "not_found"
    await api.do(context, REVOKE, input={"id": to_id("Session", context.signed_in.session or 0)})
    assert context.session_secret == ""
    assert await api.accounts.sessions.of_user(ann) == []


async def test_sessions_are_a_person_s(api: Api):
    key = api.by_key(await api.user("ann"), Permission.SELF_READ, Permission.SELF_WRITE)

    for text in (OUT, OUT_EVERYWHERE):
        assert await api.refused(key, text) == "session_required"
    assert await api.refused(None, OUT_EVERYWHERE) == "unauthenticated"
    assert await api.accounts.sessions.of_user(await api.user("bob")) == []


async def test_nobody_is_signed_out_as_well(api: Api):
    nobody = api.context(None)

    assert (await api.do(nobody, OUT))["done"] is True

    assert nobody.session_secret == ""


async def test_nobody_is_signed_out_only_so_often_for_each_time_is_written_down(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(throttle, "ENTRIES", (throttle.Bound(2, timedelta(minutes=15)),))
    for _ in range(2):
        await api.do(None, OUT)

    assert await api.failed(None, OUT) == "too_many_attempts"


async def test_no_secret_is_in_the_audit_log(api: Api):
    await api.user("ann", password=RIGHT)

    await api.do(None, SIGN_IN, input=given())
    await api.failed(None, FINISH, input={"challenge": "hidden-1", "kind": "TOTP", "code": "hidden-2"})

    rows = await api.database.fetch("SELECT at, actor, operation, input, outcome FROM audit_log ORDER BY id")
    assert [tuple(row)[1:3] for row in rows] == [("user:ann", "signIn"), ("nobody", "signInFinish")]
    assert [row[4] for row in rows] == ["ok", "challenge_refused"]
    assert not [word for word in ("hidden", RIGHT) if word in str([tuple(row) for row in rows])]
    assert rows[0][0] == (START.timestamp() * 1_000_000)


async def test_a_browser_registers_signs_out_and_signs_in_again(tmp_path: Path):
    register = "mutation ($input: RegisterInput!) { register(input: $input) { viewer { user { name } } } }"
    whoami = "{ viewer { user { name } sessions { agent isCurrent } } }"
    async with running_console(tmp_path) as console:
        browser = console.stranger
        await browser.query(register, input={"name": "ann", "password": RIGHT})
        first = browser.cookie
        assert (await browser.query(whoami))["viewer"]["user"] == {"name": "ann"}

        await browser.query(OUT)
        assert browser.cookie == ""
        assert await browser.query(whoami) == {"viewer": None}

        await browser.query(SIGN_IN, input=given())
        assert browser.cookie not in {"", first}
        found = (await browser.query(whoami))["viewer"]
        assert [session["isCurrent"] for session in found["sessions"]] == [True]
