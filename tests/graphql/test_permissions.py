from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, GraphQLString, graphql_sync

from clinx.domain.identity import Role
from clinx.graphql.context import Context, Viewer
from clinx.graphql.errors import Forbidden, InPerson, Refusal, SignInFirst
from clinx.graphql.permissions import (
    ANYONE,
    OWNER,
    POSTED,
    SESSION,
    SIGNED_IN,
    AccessError,
    Permission,
    Rule,
    enforce,
    needs,
    over,
    own,
    pages,
    permissions_of,
)
from support.operations import Api

READ = needs(Permission.USER_READ)
THEIRS = own(Permission.USER_READ)


@dataclass
class Thing:
    owner_id: int


async def told(api: Api, rule: Rule, who: str, *, changes: bool = False) -> str:
    """Who may: a stranger, somebody, whom it belongs to, an operator, and each of them by an access key."""
    name, _, by_key = who.partition(" by ")
    viewer = None
    if name != "stranger":
        user = await api.user(name, role=Role.ADMIN if name == "admin" else Role.USER)
        held = {"": permissions_of(user.role), "nothing": frozenset[Permission]()}
        permissions = held[by_key] if by_key in held else frozenset({Permission(by_key)})
        viewer = Viewer(user, permissions, session=None if by_key else 1, access_key=1 if by_key else None)
    context: Context = api.context(viewer)
    parent = Thing(viewer.user.id if viewer and name == "owner" else 999)
    try:
        rule.check(context, parent, changes=changes)
    except SignInFirst:
        return "sign in"
    except InPerson:
        return "in person"
    except Forbidden:
        return "no"
    return "yes"


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        # anyone, signed in, session, owner, needs, own
        ("stranger", "yes, sign in, sign in, sign in, sign in, sign in"),
        ("somebody", "yes, yes, yes, no, no, no"),
        ("owner", "yes, yes, yes, yes, no, yes"),
        ("admin", "yes, yes, yes, no, yes, yes"),
        ("owner by nothing", "yes, no, in person, no, no, no"),
        ("owner by self:read", "yes, yes, in person, yes, no, yes"),
        ("somebody by self:read", "yes, yes, in person, no, no, no"),
        ("admin by user:read", "yes, no, in person, no, yes, yes"),
    ],
)
async def test_who_may_by_each_rule(api: Api, who: str, expected: str) -> None:
    rules = (ANYONE, SIGNED_IN, SESSION, OWNER, READ, THEIRS)
    api.user = _once(api.user)  # type: ignore[method-assign]  # The same person asks each time.

    assert ", ".join([await told(api, rule, who) for rule in rules]) == expected


def _once(make: Any) -> Any:
    made: dict[str, Any] = {}

    async def user(name: str, **fields: Any) -> Any:
        if name not in made:
            made[name] = await make(name, **fields)
        return made[name]

    return user


async def test_what_sets_a_cookie_is_for_everybody_who_can_be_set_one(api: Api) -> None:
    context = api.context(None)
    POSTED.check(context, None, changes=True)
    context.streamed = True

    with pytest.raises(Refusal) as refused:
        POSTED.check(context, None, changes=True)
    assert (refused.value.extensions or {})["code"] == "post_required"


def test_it_is_checked_though_it_is_for_everybody(api: Api) -> None:
    core = GraphQLSchema(GraphQLObjectType("Query", {"a": GraphQLField(GraphQLString, resolve=lambda *_: "a")}))
    enforce(core, [over("Query", POSTED, "a")])
    context = api.context(None)
    context.streamed = True

    result = graphql_sync(core, "{ a }", {}, context_value=context)

    assert [type(error.original_error) for error in result.errors or ()] == [Refusal]


@pytest.mark.parametrize(("held", "read", "change"), [("self:read", "yes", "no"), ("self:write", "no", "yes")])
async def test_an_access_key_changes_only_what_it_may_change(api: Api, held: str, read: str, change: str) -> None:
    api.user = _once(api.user)  # type: ignore[method-assign]

    assert await told(api, SIGNED_IN, f"owner by {held}") == read
    assert await told(api, SIGNED_IN, f"owner by {held}", changes=True) == change


def test_what_each_role_brings() -> None:
    assert permissions_of(Role.USER) == {Permission.SELF_READ, Permission.SELF_WRITE}
    assert permissions_of(Role.ROOT) == set(Permission)
    assert set(Permission) - permissions_of(Role.ADMIN) == {Permission.USER_SET_ROLE}


def built(*names: str) -> GraphQLSchema:
    return GraphQLSchema(GraphQLObjectType("Query", {name: GraphQLField(GraphQLString) for name in names}))


def test_a_field_without_a_rule_is_a_defect() -> None:
    with pytest.raises(AccessError, match=r"no rule says who may see Query\.b"):
        enforce(built("a", "b"), [over("Query", ANYONE, "a")])


def test_and_so_are_a_rule_without_a_field_and_two_rules_for_one() -> None:
    with pytest.raises(AccessError, match=r"there is no field for the rules of Query\.b"):
        enforce(built("a"), [over("Query", ANYONE, "a", "b")])
    with pytest.raises(AccessError, match=r"two rules for Query\.a"):
        enforce(built("a"), [over("Query", ANYONE, "a"), over("Query", READ, "a")])


async def test_a_rule_is_checked_before_the_field_is_resolved(api: Api) -> None:
    asked: list[str] = []
    core = GraphQLSchema(
        GraphQLObjectType(
            "Query", {"a": GraphQLField(GraphQLString, resolve=lambda *_: asked.append("a"), description="A.")}
        )
    )
    rules = enforce(core, [over("Query", READ, "a")])

    result = graphql_sync(core, "{ a }", context_value=api.context(None))

    assert asked == []
    assert [type(error.original_error) for error in result.errors or ()] == [SignInFirst]
    assert rules == {"Query.a": READ}
    assert core.query_type is not None
    assert core.query_type.fields["a"].description == "A.\n\nNeeds `user:read`."


def test_pages_are_guarded_where_they_are_asked_for() -> None:
    page = GraphQLObjectType("UserConnection", {"edges": GraphQLField(GraphQLString)})
    core = GraphQLSchema(GraphQLObjectType("Query", {"users": GraphQLField(page)}))

    assert pages(core) == over("UserConnection", ANYONE, "edges", "pageInfo", "totalCount")


def test_a_refusal_names_the_permission_that_is_missing() -> None:
    error: Refusal = Forbidden(Permission.USER_READ)

    assert error.extensions == {"code": "forbidden", "parameters": {"permission": "user:read"}}
