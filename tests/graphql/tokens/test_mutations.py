from typing import Any

import pytest

from clinx.accounts import secret as secrets
from clinx.domain.identity import Role, Status, User
from clinx.graphql.ids import number_of, to_id
from clinx.graphql.permissions import Permission
from clinx.graphql.tokens import mutations
from clinx.storage import tokens as stored_tokens
from support.database import make_token
from support.operations import Api

CREATE = """
mutation ($input: TokenCreateInput!) {
  tokenCreate(input: $input) {
    token { id name hint models group networks budget expiresAt version tags { name value } owner { name } }
    secret repeated errors { code path }
  }
}"""
UPDATE = """
mutation ($input: TokenUpdateInput!) {
  tokenUpdate(input: $input) { token { name models budget group version } errors { code } }
}"""
ROTATE = """
mutation ($input: TokenRotateInput!) {
  tokenRotate(input: $input) { token { hint version } secret repeated errors { code } }
}"""
DISABLE = "mutation ($input: TokenInput!) { tokenDisable(input: $input) { token { status version } errors { code } } }"
ENABLE = "mutation ($input: TokenInput!) { tokenEnable(input: $input) { token { status version } errors { code } } }"
DELETE = "mutation ($input: TokenInput!) { tokenDelete(input: $input) { id errors { code } } }"
OF_ONE = [UPDATE, ROTATE, DISABLE, ENABLE, DELETE]
NAMES = ["update", "rotate", "disable", "enable", "delete"]


async def token_of(api: Api, user: User) -> str:
    return to_id("Token", (await make_token(api.database, user, name="ci")).token.id)


def about(text: str, id_: str) -> dict[str, Any]:
    return {"id": id_, "idempotencyKey": "key"} if text is ROTATE else {"id": id_}


async def test_a_token_s_secret_is_shown_once(api: Api):
    ann = await api.user("ann")
    limits = {
        "models": ["small"],
        "networks": ["10.0.0.0/8"],
        "budget": "2.50",
        "expiresAt": "2031-01-01T00:00:00Z",
        "tags": [{"name": "team", "value": "red"}],
    }
    asked = {"name": "ci", "limits": limits, "idempotencyKey": "key"}

    made = await api.do(ann, CREATE, input=asked)
    again = await api.do(ann, CREATE, input=asked)

    secret = made["secret"]
    assert not made["repeated"]
    assert made["token"] == {
        "id": made["token"]["id"],
        "name": "ci",
        "hint": secrets.hint(secret),
        "models": ["small"],
        "group": None,
        "networks": ["10.0.0.0/8"],
        "budget": "2.5",
        "expiresAt": "2031-01-01T00:00:00Z",
        "version": 1,
        "tags": [{"name": "team", "value": "red"}],
        "owner": {"name": "ann"},
    }
    assert again == {**made, "secret": None, "repeated": True}
    stored = await stored_tokens.find(api.database, secrets.digest(secret))
    assert stored is not None
    assert [token.id for token in await stored_tokens.of_user(api.database, ann.id)] == [stored.token.id]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"name": ""}, "token_invalid"),
        ({"limits": {"budget": "-1"}}, "token_invalid"),
        ({"limits": {"expiresAt": "2029-12-31T00:00:00Z"}}, "token_invalid"),
        ({"limits": {"networks": ["nonsense"]}}, "token_invalid"),
        ({"limits": {"group": "vip"}}, "group_not_yours"),
        ({"idempotencyKey": ""}, "idempotency_conflict"),
    ],
    ids=["name", "budget", "expiry", "networks", "group", "key"],
)
async def test_a_token_that_makes_no_sense_is_not_made(api: Api, asked: dict[str, Any], code: str):
    ann = await api.user("ann")

    assert await api.failed(ann, CREATE, input={"idempotencyKey": "key", **asked}) == code
    assert await stored_tokens.of_user(api.database, ann.id) == []
    if code != "idempotency_conflict":
        await api.do(ann, CREATE, input={"idempotencyKey": "key"})


async def test_a_key_makes_one_token(api: Api):
    ann = await api.user("ann")
    await api.do(ann, CREATE, input={"idempotencyKey": "key"})

    assert await api.failed(ann, CREATE, input={"idempotencyKey": "key", "name": "x"}) == "idempotency_conflict"


async def test_a_user_has_so_many_tokens_and_no_more(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mutations, "MOST", 1)
    ann = await api.user("ann")
    await api.do(ann, CREATE, input={"idempotencyKey": "1"})

    assert await api.failed(ann, CREATE, input={"idempotencyKey": "2"}) == "too_many"


async def test_an_operator_makes_a_token_for_a_user(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    admin, other = await api.user("admin", role=Role.ADMIN), await api.user("other", role=Role.ADMIN)
    asked = {"idempotencyKey": "key", "limits": {"group": "vip"}, "user": to_id("User", ann.id)}

    made = await api.do(admin, CREATE, input=asked)

    assert (made["token"]["owner"], made["token"]["group"]) == ({"name": "ann"}, "vip")
    assert await api.refused(bob, CREATE, input=asked) == "forbidden"
    for_other = {"idempotencyKey": "other", "user": to_id("User", other.id)}
    assert await api.failed(admin, CREATE, input=for_other) == "role_too_low"


async def test_what_is_said_is_changed_and_the_rest_stays(api: Api):
    ann = await api.user("ann")
    id_ = await token_of(api, ann)

    one = await api.do(ann, UPDATE, input={"id": id_, "expectedVersion": 1, "limits": {"models": ["small"]}})
    two = await api.do(ann, UPDATE, input={"id": id_, "name": "new", "limits": {"budget": "3"}})
    three = await api.do(ann, UPDATE, input={"id": id_, "limits": {"models": None}})

    assert one["token"] == {"name": "ci", "models": ["small"], "budget": None, "group": None, "version": 2}
    assert two["token"] == {"name": "new", "models": ["small"], "budget": "3", "group": None, "version": 3}
    assert three["token"] == {"name": "new", "models": [], "budget": "3", "group": None, "version": 4}


@pytest.mark.parametrize("text", [UPDATE, DISABLE, ENABLE, DELETE], ids=["update", "disable", "enable", "delete"])
async def test_a_change_of_what_was_changed_since_is_refused(api: Api, text: str):
    ann = await api.user("ann")
    id_ = await token_of(api, ann)
    await api.do(ann, UPDATE, input={"id": id_, "name": "new"})

    assert await api.failed(ann, text, input={"id": id_, "expectedVersion": 1}) == "version_conflict"
    stored = await stored_tokens.get(api.database, number_of(id_, "Token"))
    assert stored is not None
    assert (stored.token.name, stored.token.status, stored.token.version) == ("new", Status.ACTIVE, 2)


async def test_a_rotated_token_has_another_secret(api: Api):
    ann = await api.user("ann")
    issued = await make_token(api.database, ann)
    asked = {"id": to_id("Token", issued.token.id), "idempotencyKey": "key"}

    rotated = await api.do(ann, ROTATE, input=asked)

    assert rotated["token"] == {"hint": secrets.hint(rotated["secret"]), "version": 2}
    assert await stored_tokens.find(api.database, secrets.digest(issued.secret)) is None
    assert await stored_tokens.find(api.database, secrets.digest(rotated["secret"])) is not None
    assert await api.do(ann, ROTATE, input=asked) == {**rotated, "secret": None, "repeated": True}


async def test_a_token_is_stopped_let_go_on_and_removed(api: Api):
    ann = await api.user("ann")
    id_ = await token_of(api, ann)

    assert (await api.do(ann, DISABLE, input={"id": id_}))["token"] == {"status": "DISABLED", "version": 2}
    assert (await api.do(ann, ENABLE, input={"id": id_}))["token"] == {"status": "ACTIVE", "version": 3}
    assert (await api.do(ann, DELETE, input={"id": id_}))["id"] == id_
    assert await stored_tokens.of_user(api.database, ann.id) == []
    assert await api.failed(ann, DELETE, input={"id": id_}) == "not_found"


@pytest.mark.parametrize("text", OF_ONE, ids=NAMES)
async def test_a_token_of_somebody_else_is_not_there(api: Api, text: str):
    ann, bob = await api.user("ann"), await api.user("bob")
    id_ = await token_of(api, ann)

    assert await api.failed(bob, text, input=about(text, id_)) == "not_found"
    assert await api.failed(bob, text, input=about(text, "nonsense")) == "invalid_id"
    assert await api.refused(None, text, input=about(text, id_)) == "unauthenticated"
    reads = api.by_key(ann, Permission.SELF_READ)
    assert await api.refused(reads, text, input=about(text, id_)) == "forbidden"
    stored = await stored_tokens.get(api.database, number_of(id_, "Token"))
    assert stored is not None
    assert stored.token.version == 1


@pytest.mark.parametrize("text", OF_ONE, ids=NAMES)
async def test_operators_change_tokens_of_those_below_them(api: Api, text: str):
    admin, other = await api.user("admin", role=Role.ADMIN), await api.user("other", role=Role.ADMIN)
    of_ann, of_other = await token_of(api, await api.user("ann")), await token_of(api, other)

    if text is not ROTATE:
        await api.do(admin, text, input=about(text, of_ann))
    assert await api.failed(admin, text, input=about(text, of_other)) == "role_too_low"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ROOT])
async def test_nobody_but_its_owner_is_shown_the_secret_of_a_token(api: Api, role: Role):
    ann, operator = await api.user("ann"), await api.user("operator", role=role)
    issued = await make_token(api.database, ann)
    id_ = to_id("Token", issued.token.id)

    assert await api.refused(operator, ROTATE, input=about(ROTATE, id_)) == "forbidden"
    by_key = api.by_key(operator, Permission.TOKEN_WRITE, Permission.SELF_WRITE)
    assert await api.refused(by_key, ROTATE, input=about(ROTATE, id_)) == "forbidden"

    stored = await stored_tokens.find(api.database, secrets.digest(issued.secret))
    assert stored is not None
    assert (stored.token.hint, stored.token.version) == (issued.token.hint, 1)
    mine = await token_of(api, operator)
    assert (await api.do(operator, ROTATE, input=about(ROTATE, mine)))["secret"]


async def test_what_was_changed_is_written_into_the_audit_log_without_secrets(api: Api):
    ann = await api.user("ann")
    made = await api.do(ann, CREATE, input={"idempotencyKey": "key"})
    await api.do(ann, UPDATE, input={"id": made["token"]["id"], "limits": {"budget": "3"}})

    rows = await api.database.fetch("SELECT operation, input, before_json, after_json FROM audit_log ORDER BY id")

    assert [tuple(row)[2:] for row in rows][1] == ('{"budget":null}', '{"budget":"3"}')
    assert [row[0] for row in rows] == ["tokenCreate", "tokenUpdate"]
    assert made["secret"] not in str([tuple(row) for row in rows])


async def test_what_an_operator_stopped_its_owner_does_not_enable(api: Api):
    ann, admin = await api.user("ann"), await api.user("ada", role=Role.ADMIN)
    id_ = await token_of(api, ann)
    shown = "query ($id: ID!) { token(id: $id) { isStopped status } }"
    await api.do(admin, DISABLE, input={"id": id_})

    assert (await api.ask(ann, shown, id=id_))["token"] == {"isStopped": True, "status": "DISABLED"}
    assert await api.failed(ann, ENABLE, input={"id": id_}) == "token_stopped"
    await api.do(ann, DISABLE, input={"id": id_})
    assert await api.failed(ann, ENABLE, input={"id": id_}) == "token_stopped"
    await api.do(ann, UPDATE, input={"id": id_, "name": "new"})
    await api.do(ann, ROTATE, input={"id": id_, "idempotencyKey": "key"})
    assert await api.failed(ann, ENABLE, input={"id": id_}) == "token_stopped"
    await api.do(admin, ENABLE, input={"id": id_})

    assert (await api.ask(ann, shown, id=id_))["token"] == {"isStopped": False, "status": "ACTIVE"}
    await api.do(ann, DISABLE, input={"id": id_})
    await api.do(ann, ENABLE, input={"id": id_})


async def test_an_admins_own_token_that_root_stopped_is_enabled_by_root_alone(api: Api):
    admin, root = await api.user("ada", role=Role.ADMIN), await api.user("rod", role=Role.ROOT)
    id_ = await token_of(api, admin)
    await api.do(root, DISABLE, input={"id": id_})

    assert await api.failed(admin, ENABLE, input={"id": id_}) == "token_stopped"
    assert (await api.do(root, ENABLE, input={"id": id_}))["token"]["status"] == "ACTIVE"
