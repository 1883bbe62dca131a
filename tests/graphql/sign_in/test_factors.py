from typing import Any

import pytest
from pyotp import parse_uri
from pyotp.totp import TOTP

from clinx.domain.console import SignIn
from clinx.domain.session import FactorKind
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from support.authenticator import Authenticator
from support.operations import Api

SETUP = "mutation ($input: TotpSetupInput!) { totpSetup(input: $input) { id uri secret errors { code } } }"
CONFIRM = """
mutation ($input: TotpConfirmInput!) {
  totpConfirm(input: $input) { factor { id kind name } backupCodes errors { code } }
}"""
BEGIN = "mutation { passkeyRegisterBegin { ceremony { options secret } errors { code } } }"
FINISH = """
mutation ($input: PasskeyRegisterFinishInput!) {
  passkeyRegisterFinish(input: $input) { factor { id kind name } backupCodes errors { code } }
}"""
CODES = "mutation { backupCodesRegenerate { backupCodes errors { code } } }"
REMOVE = "mutation ($input: SecondFactorRemoveInput!) { secondFactorRemove(input: $input) { done errors { code } } }"


async def test_an_app_counts_when_it_has_shown_the_right_code(api: Api):
    ann = await api.user("ann")

    made = await api.do(ann, SETUP, input={"name": "phone"})
    app = parse_uri(made["uri"])
    assert isinstance(app, TOTP)
    assert (app.secret, app.issuer, app.name) == (made["secret"], "Clinx", "ann")
    assert (await api.accounts.factors.held(ann)).kinds == ()

    wrong = {"id": made["id"], "code": "000000"}
    assert await api.failed(ann, CONFIRM, input=wrong) == "factor_refused"
    confirmed = await api.do(ann, CONFIRM, input={"id": made["id"], "code": app.at(api.clock.now())})

    assert confirmed["factor"] == {"id": made["id"], "kind": "TOTP", "name": "phone"}
    assert len(confirmed["backupCodes"]) == 10
    await api.accounts.factors.prove(ann, FactorKind.BACKUP, confirmed["backupCodes"][0])
    assert (await api.accounts.factors.held(ann)).kinds == (FactorKind.TOTP, FactorKind.BACKUP)


async def test_codes_are_not_guessed(api: Api):
    ann = await api.user("ann")
    made = await api.do(ann, SETUP, input={})

    for _ in range(5):
        assert await api.failed(ann, CONFIRM, input={"id": made["id"], "code": "000000"}) == "factor_refused"
    assert await api.failed(ann, CONFIRM, input={"id": made["id"], "code": "000000"}) == "too_many_attempts"


async def test_an_app_of_somebody_else_is_not_there(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    made = await api.do(ann, SETUP, input={})
    code = TOTP(made["secret"]).at(api.clock.now())

    assert await api.failed(bob, CONFIRM, input={"id": made["id"], "code": code}) == "not_found"


async def test_a_passkey_counts_and_brings_codes_on_paper_when_it_is_the_first(api: Api):
    ann = await api.user("ann")

    async def register(device: Authenticator, name: str) -> Any:
        begun = (await api.do(ann, BEGIN))["ceremony"]
        answer = device.register(begun["options"])
        asked = {"ceremony": begun["secret"], "credential": answer, "name": name}
        made = await api.do(ann, FINISH, input=asked)
        assert await api.failed(ann, FINISH, input=asked) == "challenge_refused"
        return made

    first = await register(Authenticator(), "phone")
    second = await register(Authenticator(id=b"passkey-2"), "")

    assert {**first["factor"], "id": ""} == {"id": "", "kind": "PASSKEY", "name": "phone"}
    assert len(first["backupCodes"]) == 10
    assert (second["factor"]["name"], second["backupCodes"]) == ("passkey", None)


async def test_passkeys_may_not_be_offered(api: Api):
    ann = await api.user("ann")
    api.set(sign_in=SignIn(passkeys=False))

    assert await api.failed(ann, BEGIN) == "not_offered"


async def test_new_codes_on_paper_take_the_place_of_the_old(api: Api):
    ann = await api.user("ann")
    old = (await api.do(ann, CODES))["backupCodes"]

    new = (await api.do(ann, CODES))["backupCodes"]

    assert len({*old, *new}) == 20
    assert (await api.accounts.factors.held(ann)).backups == 10
    await api.accounts.factors.prove(ann, FactorKind.BACKUP, new[0])


async def test_a_factor_is_removed_by_whom_it_belongs_to(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    made = await api.do(ann, SETUP, input={})
    await api.do(ann, CONFIRM, input={"id": made["id"], "code": TOTP(made["secret"]).at(api.clock.now())})

    assert await api.failed(bob, REMOVE, input={"id": made["id"]}) == "not_found"
    assert await api.failed(ann, REMOVE, input={"id": to_id("Session", 1)}) == "invalid_id"
    assert len((await api.accounts.factors.held(ann)).factors) == 1
    await api.do(ann, REMOVE, input={"id": made["id"]})
    held = await api.accounts.factors.held(ann)
    assert (held.factors, held.backups) == ((), 0)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (SETUP, {"input": {}}),
        (CONFIRM, {"input": {"id": to_id("SecondFactor", 1), "code": "000000"}}),
        (BEGIN, {}),
        (FINISH, {"input": {"ceremony": "x", "credential": "{}"}}),
        (CODES, {}),
        (REMOVE, {"input": {"id": to_id("SecondFactor", 1)}}),
    ],
    ids=["setup", "confirm", "begin", "finish", "codes", "remove"],
)
async def test_it_takes_a_person_who_has_just_proved_who_they_are(api: Api, text: str, asked: dict[str, Any]):
    ann = await api.user("ann")

    assert await api.failed(api.stale(ann), text, **asked) == "step_up_required"
    key = api.by_key(ann, Permission.SELF_READ, Permission.SELF_WRITE)
    assert await api.refused(key, text, **asked) == "session_required"
    assert await api.refused(None, text, **asked) == "unauthenticated"


RENAME = """
mutation ($input: SecondFactorRenameInput!) {
  secondFactorRename(input: $input) { factor { id kind name } errors { code } }
}"""


async def test_a_factor_is_called_otherwise_by_its_owner(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    made = await api.do(ann, SETUP, input={"name": "phone"})
    assert await api.failed(ann, RENAME, input={"id": made["id"], "name": "work"}) == "not_found"
    code = TOTP(made["secret"]).at(api.clock.now())
    await api.do(ann, CONFIRM, input={"id": made["id"], "code": code})

    renamed = await api.do(ann, RENAME, input={"id": made["id"], "name": "work"})

    assert renamed["factor"] == {"id": made["id"], "kind": "TOTP", "name": "work"}
    assert await api.failed(bob, RENAME, input={"id": made["id"], "name": "mine"}) == "not_found"
    assert await api.failed(ann, RENAME, input={"id": made["id"], "name": ""}) == "profile_invalid"
    by_key = api.by_key(ann, Permission.SELF_READ, Permission.SELF_WRITE)
    assert await api.refused(by_key, RENAME, input={"id": made["id"], "name": "x"}) == "session_required"
    assert [each.name for each in (await api.accounts.factors.held(ann)).factors] == ["work"]
