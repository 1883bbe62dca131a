from typing import Any

import pytest

from clinx.accounts import access_keys
from clinx.domain.identity import Role
from clinx.graphql.access_keys import mutations
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from support.database import START
from support.operations import Api

CREATE = """
mutation ($input: AccessKeyCreateInput!) {
  accessKeyCreate(input: $input) { accessKey { name hint permissions expiresAt } secret repeated errors { code path } }
}"""
REVOKE = """
mutation ($input: AccessKeyRevokeInput!) {
  accessKeyRevoke(input: $input) { accessKey { revokedAt } errors { code } }
}"""


def asked(**changed: Any) -> dict[str, Any]:
    return {"name": "ci", "permissions": ["self:read"], "idempotencyKey": "key", **changed}


async def test_an_access_key_s_secret_is_shown_once(api: Api):
    ann = await api.user("ann")
    wish = asked(permissions=["self:write", "self:read", "self:read"], expiresAt="2031-01-01T00:00:00Z")

    made = await api.do(ann, CREATE, input=wish)
    again = await api.do(ann, CREATE, input=wish)

    assert made["accessKey"] == {
        "name": "ci",
        "hint": f"{made['secret'][:5]}…{made['secret'][-4:]}",
        "permissions": ["self:read", "self:write"],
        "expiresAt": "2031-01-01T00:00:00Z",
    }
    assert not made["repeated"]
    assert again == {**made, "secret": None, "repeated": True}
    found = await access_keys.find(api.database, made["secret"], at=START)
    assert found is not None
    assert found[1] == ann


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"permissions": ["user:read"]}, "permission_not_yours"),
        ({"permissions": ["everything"]}, "permission_unknown"),
        ({"permissions": []}, "access_key_invalid"),
        ({"name": ""}, "access_key_invalid"),
        ({"expiresAt": "2029-01-01T00:00:00Z"}, "access_key_invalid"),
        ({"idempotencyKey": ""}, "idempotency_conflict"),
    ],
    ids=["not yours", "unknown", "none", "name", "expiry", "key"],
)
async def test_an_access_key_that_makes_no_sense_is_not_made(api: Api, changed: dict[str, Any], code: str):
    ann = await api.user("ann")

    assert await api.failed(ann, CREATE, input=asked(**changed)) == code
    assert await access_keys.of_user(api.database, ann) == []


async def test_operators_give_what_is_theirs(api: Api):
    admin = await api.user("admin", role=Role.ADMIN)

    made = await api.do(admin, CREATE, input=asked(permissions=["user:read"]))

    assert made["accessKey"]["permissions"] == ["user:read"]
    refused = asked(permissions=["user:set_role"], idempotencyKey="other")
    assert await api.failed(admin, CREATE, input=refused) == "permission_not_yours"


async def test_it_takes_a_person_who_has_just_proved_who_they_are(api: Api):
    ann = await api.user("ann")

    assert await api.failed(api.stale(ann), CREATE, input=asked()) == "step_up_required"
    by_key = api.by_key(ann, Permission.SELF_READ, Permission.SELF_WRITE)
    assert await api.refused(by_key, CREATE, input=asked()) == "session_required"
    assert await api.refused(None, CREATE, input=asked()) == "unauthenticated"
    assert await access_keys.of_user(api.database, ann) == []


async def test_so_many_are_good_and_no_more(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mutations, "MOST", 1)
    ann = await api.user("ann")
    await api.do(ann, CREATE, input=asked())

    assert await api.failed(ann, CREATE, input=asked(idempotencyKey="2")) == "too_many"
    (key,) = await access_keys.of_user(api.database, ann)
    await api.do(ann, REVOKE, input={"id": to_id("AccessKey", key.id)})
    await api.do(ann, CREATE, input=asked(idempotencyKey="2"))


async def test_a_revoked_key_opens_nothing(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    issued = await access_keys.issue(api.database, ann, "ci", ["self:read"], at=START)
    which = {"id": to_id("AccessKey", issued.key.id)}

    assert await api.failed(bob, REVOKE, input=which) == "not_found"
    assert await api.refused(api.by_key(ann, Permission.SELF_WRITE), REVOKE, input=which) == "session_required"
    assert await access_keys.find(api.database, issued.secret, at=START) is not None

    revoked = await api.do(ann, REVOKE, input=which)

    assert revoked["accessKey"] == {"revokedAt": "2030-01-01T00:00:00Z"}
    assert await access_keys.find(api.database, issued.secret, at=START) is None
    assert await api.failed(ann, REVOKE, input=which) == "not_found"
