from datetime import timedelta

from clinx.accounts import access_keys
from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from support.database import START
from support.operations import Api

KEY = """
query ($id: ID!) { node(id: $id) { id ... on AccessKey {
    name hint permissions expiresAt createdAt usedAt revokedAt
} } }"""
KEYS = "{ viewer { accessKeys { name revokedAt } } }"


async def test_an_access_key_is_shown_to_its_owner_without_its_secret(api: Api):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)
    issued = await access_keys.issue(
        api.database, ann, "ci", ["self:read"], at=START, expires_at=START + timedelta(days=1)
    )
    id_ = to_id("AccessKey", issued.key.id)

    assert await api.ask(ann, KEY, id=id_) == {
        "node": {
            "id": id_,
            "name": "ci",
            "hint": f"{issued.secret[:5]}…{issued.secret[-4:]}",
            "permissions": ["self:read"],
            "expiresAt": "2030-01-02T00:00:00Z",
            "createdAt": "2030-01-01T00:00:00Z",
            "usedAt": None,
            "revokedAt": None,
        }
    }
    for who in (admin, None, api.by_key(ann, Permission.SELF_WRITE)):
        assert await api.ask(who, KEY, id=id_) == {"node": None}


async def test_all_of_one_s_own_are_listed_the_latest_first(api: Api):
    ann = await api.user("ann")
    old = await access_keys.issue(api.database, ann, "old", ["self:read"], at=START)
    await access_keys.revoke(api.database, ann, old.key.id, at=START)
    await access_keys.issue(api.database, ann, "new", ["self:read"], at=START)

    assert await api.ask(ann, KEYS) == {
        "viewer": {
            "accessKeys": [
                {"name": "new", "revokedAt": None},
                {"name": "old", "revokedAt": "2030-01-01T00:00:00Z"},
            ]
        }
    }
    assert await api.refused(api.by_key(ann, Permission.SELF_READ), KEYS) == "session_required"
