from typing import Any

import pytest
from pyotp.totp import TOTP

from clinx.accounts import passkeys
from clinx.accounts.sessions import Visitor
from clinx.domain.identity import User
from clinx.graphql.context import Context
from clinx.graphql.permissions import Permission
from support.authenticator import Authenticator
from support.operations import CONSOLE, RIGHT, Api

STEP_UP = "mutation ($input: StepUpInput!) { stepUp(input: $input) { until errors { code } } }"
BEGIN = "mutation { passkeyStepUpBegin { ceremony { options secret } errors { code } } }"
FINISH = """
mutation ($input: PasskeyStepUpFinishInput!) { passkeyStepUpFinish(input: $input) { until errors { code } } }"""
CODES = "mutation { backupCodesRegenerate { backupCodes errors { code } } }"


async def stale(api: Api, user: User) -> Context:
    """A session whose proof is older than it may be."""
    lasts = api.snapshot.console.sign_in.session
    opened = await api.accounts.sessions.open(user, "password", Visitor(), lifetime=lasts)
    api.clock.advance(601)
    return api.in_session(opened)


async def is_fresh(api: Api, context: Context) -> bool:
    (session,) = await api.accounts.sessions.of_user(context.signed_in.user)
    return session.stepped_up_at == api.clock.now()


async def test_a_password_proves_who_one_is_for_the_next_request_and_for_this_one(api: Api):
    context = await stale(api, await api.user("ann", password=RIGHT))
    assert await api.failed(context, CODES) == "step_up_required"

    both = STEP_UP.replace(
        "until errors { code } } }", "until errors { code } } backupCodesRegenerate { errors { code } } }"
    )
    proved = await api.ask(context, both, input={"password": RIGHT})

    assert proved == {
        "stepUp": {"until": "2030-01-01T00:20:01Z", "errors": []},
        "backupCodesRegenerate": {"errors": []},
    }
    assert await is_fresh(api, context)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"password": "wrong"}, "sign_in_refused"),
        ({"kind": "TOTP", "code": "000000"}, "factor_refused"),
        ({"kind": "PASSKEY", "code": "000000"}, "factor_refused"),
        ({}, "proof_unclear"),
        ({"kind": "TOTP"}, "proof_unclear"),
        ({"password": RIGHT, "kind": "TOTP", "code": "000000"}, "proof_unclear"),
    ],
    ids=["password", "code", "passkey", "nothing", "kind", "both"],
)
async def test_what_proves_nothing_changes_nothing(api: Api, given: dict[str, Any], code: str):
    context = await stale(api, await api.user("ann", password=RIGHT))

    assert await api.failed(context, STEP_UP, input=given) == code
    assert await api.failed(context, CODES) == "step_up_required"
    assert not await is_fresh(api, context)


async def test_who_has_a_second_factor_proves_it_by_that(api: Api):
    ann = await api.user("ann", password=RIGHT)
    setup = await api.accounts.factors.begin_totp(ann, "Clinx")
    app = TOTP(setup.secret)
    await api.accounts.factors.confirm_totp(ann, setup.factor.id, app.at(api.clock.now()))
    context = await stale(api, ann)

    assert await api.failed(context, STEP_UP, input={"password": RIGHT}) == "factor_refused"
    proof = {"kind": "TOTP", "code": app.at(api.clock.now())}
    assert (await api.do(context, STEP_UP, input=proof))["until"] == "2030-01-01T00:20:01Z"
    assert await is_fresh(api, context)


async def test_a_passkey_proves_it_too(api: Api):
    ann, device, party = await api.user("ann"), Authenticator(), passkeys.relying_party(CONSOLE)
    ceremony = await api.accounts.passkeys.begin_registration(ann, party)
    answer = device.register(ceremony.options)
    await api.accounts.passkeys.finish_registration(ann, party, secret=ceremony.secret, answer=answer, name="phone")
    context = await stale(api, ann)

    begun = (await api.do(context, BEGIN))["ceremony"]
    finish = {"ceremony": begun["secret"], "credential": device.sign(begun["options"])}

    assert (await api.do(context, FINISH, input=finish))["until"] == "2030-01-01T00:20:01Z"
    assert await is_fresh(api, context)
    assert await api.failed(context, FINISH, input=finish) == "challenge_refused"


async def test_it_takes_a_session(api: Api):
    ann = await api.user("ann", password=RIGHT)
    key = api.by_key(ann, Permission.SELF_READ, Permission.SELF_WRITE)

    assert await api.refused(key, STEP_UP, input={"password": RIGHT}) == "session_required"
    assert await api.refused(None, STEP_UP, input={"password": RIGHT}) == "unauthenticated"
