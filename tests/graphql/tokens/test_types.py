import ipaddress
from datetime import timedelta

from clinx.accounts.tokens import Limits
from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from support.database import START, make_token
from support.operations import Api

TOKEN = """
query ($id: ID!) { node(id: $id) { id ... on Token {
    name hint status expiresAt models group networks budget spent tags { name value } createdAt version lastUsedAt
    owner { name }
} } }"""


async def test_a_token_is_shown_without_its_secret(api: Api):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)
    limits = Limits(
        START + timedelta(days=1),
        frozenset({"small", "large"}),
        "vip",
        (ipaddress.ip_network("10.0.0.0/8"),),
        Amount.parse("2.50"),
        {"team": "red", "a": "b"},
    )
    issued = await make_token(api.database, ann, name="ci", limits=limits)
    id_ = to_id("Token", issued.token.id)

    seen = await api.ask(ann, TOKEN, id=id_)

    assert seen == {
        "node": {
            "id": id_,
            "name": "ci",
            "hint": f"{issued.secret[:5]}…{issued.secret[-4:]}",
            "status": "ACTIVE",
            "expiresAt": "2030-01-02T00:00:00Z",
            "models": ["large", "small"],
            "group": "vip",
            "networks": ["10.0.0.0/8"],
            "budget": "2.5",
            "spent": "0",
            "tags": [{"name": "a", "value": "b"}, {"name": "team", "value": "red"}],
            "createdAt": "2030-01-01T00:00:00Z",
            "version": 1,
            "lastUsedAt": None,
            "owner": {"name": "ann"},
        }
    }
    assert await api.ask(admin, TOKEN, id=id_) == seen


async def test_models_that_the_tree_does_not_know_are_allowed_and_named(api: Api):
    ann = await api.user("ann")
    token = (await make_token(api.database, ann, limits=Limits(models=frozenset({"small", "smal", "zzz"})))).token
    text = "query ($id: ID!) { token(id: $id) { models unknownModels } }"

    seen = await api.ask(ann, text, id=to_id("Token", token.id))

    assert seen["token"] == {"models": ["smal", "small", "zzz"], "unknownModels": ["smal", "zzz"]}


async def test_a_token_of_somebody_else_is_not_there(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    token = (await make_token(api.database, ann)).token
    blind = api.by_key(ann, Permission.SELF_WRITE)

    for who, id_ in ((bob, token.id), (None, token.id), (ann, "x"), (ann, 999), (blind, token.id)):
        assert await api.ask(who, TOKEN, id=to_id("Token", id_)) == {"node": None}
