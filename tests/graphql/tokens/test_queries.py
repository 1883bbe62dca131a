from typing import Any

from clinx.accounts import tokens
from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from support.database import START, make_token
from support.operations import Api

TOKENS = """
query ($first: Int!, $after: String, $filter: TokenFilter) {
  tokens(first: $first, after: $after, filter: $filter) {
    edges { node { name lastUsedAt owner { name } } } pageInfo { hasNextPage endCursor } totalCount { value capped }
  }
}"""
TOKEN = "query ($id: ID!) { token(id: $id) { name } }"


def names(data: Any) -> list[str]:
    return [edge["node"]["name"] for edge in data["tokens"]["edges"]]


async def test_one_s_own_are_listed_a_page_at_a_time(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    for name in ("one", "two", "three"):
        await make_token(api.database, ann, name=name)
    await make_token(api.database, bob, name="other")

    first = await api.ask(ann, TOKENS, first=2)
    rest = await api.ask(ann, TOKENS, first=2, after=first["tokens"]["pageInfo"]["endCursor"])

    assert (names(first), names(rest)) == (["three", "two"], ["one"])
    assert first["tokens"]["totalCount"] == {"value": 3, "capped": False}
    assert (first["tokens"]["pageInfo"]["hasNextPage"], rest["tokens"]["pageInfo"]["hasNextPage"]) == (True, False)


async def test_they_are_found_by_name_hint_and_status(api: Api):
    ann = await api.user("ann")
    one = (await make_token(api.database, ann, name="ci")).token
    two = (await make_token(api.database, ann, name="desktop")).token
    await tokens.disable(api.database, two, at=START)

    assert names(await api.ask(ann, TOKENS, first=9, filter={"search": "CI"})) == ["ci"]
    assert names(await api.ask(ann, TOKENS, first=9, filter={"search": one.hint})) == ["ci"]
    assert names(await api.ask(ann, TOKENS, first=9, filter={"status": "DISABLED"})) == ["desktop"]


async def test_those_of_others_are_for_operators(api: Api):
    ann, bob, admin = await api.user("ann"), await api.user("bob"), await api.user("admin", role=Role.ADMIN)
    await make_token(api.database, ann, name="ann's")
    await make_token(api.database, bob, name="bob's")
    of_ann = {"user": to_id("User", ann.id)}

    assert names(await api.ask(admin, TOKENS, first=9, filter=of_ann)) == ["ann's"]
    assert names(await api.ask(admin, TOKENS, first=9, filter={"everyone": True})) == ["bob's", "ann's"]
    assert names(await api.ask(admin, TOKENS, first=9)) == []
    assert names(await api.ask(ann, TOKENS, first=9, filter=of_ann)) == ["ann's"]
    assert await api.refused(bob, TOKENS, first=9, filter=of_ann) == "forbidden"
    assert await api.refused(bob, TOKENS, first=9, filter={"everyone": True}) == "forbidden"
    assert await api.refused(None, TOKENS, first=1) == "unauthenticated"
    assert await api.refused(api.by_key(ann, Permission.USAGE_READ), TOKENS, first=9) == "forbidden"


async def test_a_page_takes_a_statement_for_each_relation(api: Api, counted: list[str]):
    ann = await api.user("ann")
    for number in range(5):
        await make_token(api.database, ann, name=f"token{number}")
    counted.clear()

    await api.ask(ann, TOKENS.replace("totalCount { value capped }", ""), first=9)

    assert len(counted) == 4  # The ids, the tokens, their owners, and when they were last used.


async def test_one_is_found_by_its_id(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    id_ = to_id("Token", (await make_token(api.database, ann, name="ci")).token.id)

    assert await api.ask(ann, TOKEN, id=id_) == {"token": {"name": "ci"}}
    assert await api.ask(bob, TOKEN, id=id_) == {"token": None}
    assert await api.refused(ann, TOKEN, id=to_id("User", 1)) == "invalid_id"
