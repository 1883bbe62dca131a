from typing import Any

from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from support.operations import Api

USERS = """
query ($first: Int!, $after: String, $filter: UserFilter, $orderBy: UserOrder! = NEWEST) {
  users(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    edges { node { name available } } pageInfo { hasNextPage endCursor } totalCount { value capped }
  }
}"""
USER = "query ($id: ID!) { user(id: $id) { name } }"


def names(data: Any) -> list[str]:
    return [edge["node"]["name"] for edge in data["users"]["edges"]]


async def test_operators_page_through_users_in_an_order(api: Api):
    for name in ("carl", "ann", "bob"):
        await api.user(name)
    admin = await api.user("admin", role=Role.ADMIN)

    for order, expected in {
        "NEWEST": ["admin", "bob", "ann", "carl"],
        "OLDEST": ["carl", "ann", "bob", "admin"],
        "NAME": ["admin", "ann", "bob", "carl"],
    }.items():
        first = await api.ask(admin, USERS, first=3, orderBy=order)
        cursor = first["users"]["pageInfo"]["endCursor"]
        rest = await api.ask(admin, USERS, first=3, orderBy=order, after=cursor)

        assert (names(first), names(rest)) == (expected[:3], expected[3:])
        assert (first["users"]["pageInfo"]["hasNextPage"], rest["users"]["pageInfo"]["hasNextPage"]) == (True, False)
        assert first["users"]["totalCount"] == {"value": 4, "capped": False}


async def test_a_cursor_of_another_order_is_none(api: Api):
    admin, _ = await api.user("admin", role=Role.ADMIN), await api.user("ann")

    cursor = (await api.ask(admin, USERS, first=1))["users"]["pageInfo"]["endCursor"]

    assert await api.refused(admin, USERS, first=1, after=cursor, orderBy="NAME") == "invalid_cursor"


async def test_users_are_found_by_how_they_begin(api: Api):
    admin = await api.user("admin", role=Role.ADMIN)
    await api.user("ann", group="vip")
    await api.user("bob", email="andrew@example.org")

    async def found(**wanted: Any) -> list[str]:
        return names(await api.ask(admin, USERS, first=9, filter=wanted, orderBy="NAME"))

    assert await found(search="AN") == ["ann", "bob"]
    assert await found(search="") == ["admin", "ann", "bob"]
    assert await found(role="ADMIN") == ["admin"]
    assert await found(group="vip", status="ACTIVE") == ["ann"]


async def test_a_page_of_users_takes_a_statement_for_each_relation(api: Api, counted: list[str]):
    admin = await api.user("admin", role=Role.ADMIN)
    for number in range(5):
        await api.user(f"user{number}", balance="1")
    counted.clear()

    await api.ask(admin, USERS.replace("totalCount { value capped }", ""), first=9)

    assert len(counted) == 2


async def test_users_are_for_operators(api: Api):
    ann = await api.user("ann")

    assert await api.refused(ann, USERS, first=1) == "forbidden"
    assert await api.refused(None, USERS, first=1) == "unauthenticated"


async def test_one_is_found_by_id_by_whoever_may_see_them(api: Api):
    ann, bob, admin = await api.user("ann"), await api.user("bob"), await api.user("admin", role=Role.ADMIN)
    id_ = to_id("User", ann.id)

    assert await api.ask(ann, USER, id=id_) == {"user": {"name": "ann"}}
    assert await api.ask(admin, USER, id=id_) == {"user": {"name": "ann"}}
    assert await api.ask(bob, USER, id=id_) == {"user": None}
    assert await api.refused(admin, USER, id=to_id("Token", ann.id)) == "invalid_id"
