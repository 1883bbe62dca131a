from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.domain.console import SecondPerson
from clinx.domain.identity import Role, User
from clinx.domain.money import Amount
from clinx.graphql.ids import to_id

RULE = SecondPerson(Amount.parse("100"), timedelta(days=2))
ADJUST = """
mutation ($input: UserAdjustBalanceInput!) {
  userAdjustBalance(input: $input) { balance { total } repeated proposal { id by state } errors { code } }
}"""
SHOWN = """
  id by reason state createdAt expiresAt decidedAt user { name } proposedBy { name } decidedBy { name }
"""
LIST = f"""
query ($first: Int!, $after: String, $filter: BalanceAdjustmentFilter) {{
  balanceAdjustments(first: $first, after: $after, filter: $filter) {{
    edges {{ node {{ {SHOWN} }} }} pageInfo {{ hasNextPage endCursor }} totalCount {{ value }}
  }}
}}"""
NODE = f"query ($id: ID!) {{ node(id: $id) {{ ... on BalanceAdjustment {{ {SHOWN} }} }} }}"


@pytest.fixture(autouse=True)
def _rule(console):
    console.snapshot = replace(console.snapshot, console=replace(console.snapshot.console, second_person=RULE))


async def propose(console, who: User, whom: User, by: str = "200", key: str = "key-1") -> str:
    asked = {"user": to_id("User", whom.id), "by": by, "reason": "sorry", "idempotencyKey": key}
    told = (await console.ask(who, ADJUST, input=asked))["userAdjustBalance"]
    assert (told["errors"], told["balance"]) == ([], {"total": "0"})
    return told["proposal"]["id"]


async def test_proposals_are_seen_by_operators_the_latest_first(console):
    ann, bob, admin = [await console.user("ann"), await console.user("bob"), await console.user("ada", role=Role.ADMIN)]
    first, second = await propose(console, admin, ann), await propose(console, admin, bob, "300", "key-2")

    listed = (await console.ask(admin, LIST, first=1))["balanceAdjustments"]
    rest = (await console.ask(admin, LIST, first=5, after=listed["pageInfo"]["endCursor"]))["balanceAdjustments"]

    assert [each["node"]["id"] for each in (*listed["edges"], *rest["edges"])] == [second, first]
    assert listed["totalCount"] == {"value": 2}
    assert rest["edges"][0]["node"] == {
        "id": first,
        "by": "200",
        "reason": "sorry",
        "state": "PENDING",
        "createdAt": "2030-01-01T00:00:00Z",
        "expiresAt": "2030-01-03T00:00:00Z",
        "decidedAt": None,
        "user": {"name": "ann"},
        "proposedBy": {"name": "ada"},
        "decidedBy": None,
    }
    assert (await console.ask(admin, NODE, id=first))["node"] == rest["edges"][0]["node"]


async def test_they_are_found_by_state_and_user(console, clock):
    ann, bob, admin = [await console.user("ann"), await console.user("bob"), await console.user("ada", role=Role.ADMIN)]
    first = await propose(console, admin, ann)
    clock.advance(86_400)
    second = await propose(console, admin, bob, "300", "key-2")
    clock.advance(86_400)

    async def found(**wanted: str) -> list[tuple[str, str]]:
        listed = (await console.ask(admin, LIST, first=5, filter=wanted))["balanceAdjustments"]["edges"]
        return [(each["node"]["id"], each["node"]["state"]) for each in listed]

    assert await found(state="PENDING") == [(second, "PENDING")]
    assert await found(state="EXPIRED") == [(first, "EXPIRED")]
    assert await found(user=to_id("User", ann.id)) == [(first, "EXPIRED")]
    assert await found(state="APPROVED") == []


async def test_users_see_none(console):
    ann, admin = await console.user("ann"), await console.user("ada", role=Role.ADMIN)
    number = await propose(console, admin, ann)

    assert await console.refused(ann, LIST, first=1) == "forbidden"
    assert (await console.ask(ann, NODE, id=number))["node"] is None
    assert (await console.ask(admin, NODE, id=to_id("BalanceAdjustment", 999)))["node"] is None
