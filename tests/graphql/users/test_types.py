from datetime import UTC, datetime

from clinx.accounts import users
from clinx.accounts.users import UserChanges
from clinx.domain.console import Language
from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.graphql.users.types import user_of
from support.database import START
from support.operations import Api

USER = """
query ($id: ID!) { node(id: $id) { id ... on User {
    name displayName email emailVerifiedAt language role status group createdAt version available
} } }"""


async def test_a_user_is_shown_whole_to_themselves_and_to_operators(api: Api):
    ann = await api.user("ann", email="ann@example.org", balance="3", group="vip")
    changes = UserChanges(display_name="Ann B.", language=Language.CHINESE)
    ann = await users.edit(api.database, ann, changes, at=datetime(2030, 1, 1, tzinfo=UTC))
    admin = await api.user("admin", role=Role.ADMIN)
    id_ = to_id("User", ann.id)

    seen = await api.ask(ann, USER, id=id_)

    assert seen == {
        "node": {
            "id": id_,
            "name": "ann",
            "displayName": "Ann B.",
            "email": "ann@example.org",
            "emailVerifiedAt": "2030-01-01T00:00:00Z",
            "language": "CHINESE",
            "role": "USER",
            "status": "ACTIVE",
            "group": "vip",
            "createdAt": "2030-01-01T00:00:00Z",
            "version": 3,
            "available": "3",
        }
    }
    assert await api.ask(admin, USER, id=id_) == seen


async def test_others_are_not_there(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    blind = api.by_key(ann, Permission.TOKEN_READ)

    for who, id_ in ((bob, ann.id), (None, ann.id), (ann, "x"), (blind, ann.id)):
        assert await api.ask(who, USER, id=to_id("User", id_)) == {"node": None}


async def test_a_user_that_is_not_there_is_none(api: Api):
    ann = await api.user("ann")
    context = await api.visit(ann)

    assert await user_of(context, 999) is None
    found = await user_of(context, ann.id)
    assert found is not None
    assert (found.name, found.created_at) == ("ann", START)
