from __future__ import annotations

from datetime import timedelta
from typing import Any

from clinx.billing import codes
from clinx.billing.codes import Offer
from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.graphql.ids import to_id
from support.database import START, Clock

FIVE = Amount.parse("5")
DAY = timedelta(days=1)
BATCHES = """
query ($first: Int!, $after: String) {
  codeBatches(first: $first, after: $after) {
    edges { node { number name amount createdBy createdAt expiresAt open redeemed disabled expired } }
    pageInfo { hasNextPage endCursor }
    totalCount { value }
  }
}"""
CODES = """
query ($first: Int!, $after: String, $filter: CodeFilter) {
  codes(first: $first, after: $after, filter: $filter) {
    edges { node { hint name amount state expiresAt redeemedAt redeemedBy { name } } }
    pageInfo { hasNextPage endCursor }
    totalCount { value }
  }
}"""
NODE = "query ($id: ID!) { node(id: $id) { __typename ... on CodeBatch { number } ... on RedemptionCode { batch } } }"


async def make(console, count: int = 1, name: str = "spring", **more: Any) -> codes.Printed:
    return await codes.create(console.database, Offer(name, FIVE, count, **more), actor="user:root", at=START)


def nodes(page: Any) -> list[Any]:
    (found,) = page.values()
    return [edge["node"] for edge in found["edges"]]


async def test_batches_are_counted_by_the_states_of_their_codes(console, clock: Clock):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    first = await make(console, 3)
    second = await make(console, 2, "autumn", expires_at=START + DAY)
    await codes.redeem(console.database, ann, first.codes[0], at=START)
    await codes.disable(console.database, first.codes[1])
    clock.advance(DAY.total_seconds())

    page = await console.ask(admin, BATCHES, first=1)
    rest = await console.ask(admin, BATCHES, first=1, after=page["codeBatches"]["pageInfo"]["endCursor"])

    shared = {"amount": "5", "createdBy": "user:root", "createdAt": "2030-01-01T00:00:00Z"}
    counts = {"open": 0, "redeemed": 0, "disabled": 0, "expired": 0}
    autumn = {"number": second.batch, "name": "autumn", "expiresAt": "2030-01-02T00:00:00Z", **counts, "expired": 2}
    spring = {"number": first.batch, "name": "spring", "expiresAt": None, **counts}
    assert nodes(page) == [{**shared, **autumn}]
    assert nodes(rest) == [{**shared, **spring, "open": 1, "redeemed": 1, "disabled": 1}]
    assert page["codeBatches"]["totalCount"] == {"value": 2}
    assert [each["codeBatches"]["pageInfo"]["hasNextPage"] for each in (page, rest)] == [True, False]


async def test_codes_are_shown_by_their_hints_with_who_redeemed_them(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    printed = await make(console, 3)
    await codes.redeem(console.database, ann, printed.codes[1], at=START)

    page = await console.ask(admin, CODES, first=2)
    rest = await console.ask(admin, CODES, first=2, after=page["codes"]["pageInfo"]["endCursor"])

    fresh = {"name": "spring", "amount": "5", "state": "OPEN", "expiresAt": None, "redeemedAt": None}
    hints = [f"{code[:13]}…" for code in printed.codes]
    assert nodes(page) == [
        {"hint": hints[2], **fresh, "redeemedBy": None},
        {
            "hint": hints[1],
            **fresh,
            "state": "REDEEMED",
            "redeemedAt": "2030-01-01T00:00:00Z",
            "redeemedBy": {"name": "ann"},
        },
    ]
    assert nodes(rest) == [{"hint": hints[0], **fresh, "redeemedBy": None}]
    assert page["codes"]["totalCount"] == {"value": 3}


async def test_codes_are_chosen_by_batch_state_hint_and_user(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    first, second = await make(console, 2), await make(console)
    await codes.redeem(console.database, ann, first.codes[0], at=START)

    async def hints(**wanted: Any) -> list[str]:
        return [each["hint"] for each in nodes(await console.ask(admin, CODES, first=5, filter=wanted))]

    def hint(code: str) -> str:
        return f"{code[:13]}…"

    assert await hints(batch=to_id("CodeBatch", first.batch), state="OPEN") == [hint(first.codes[1])]
    assert await hints(redeemedBy=to_id("User", ann.id)) == [hint(first.codes[0])]
    assert await hints(hint=second.codes[0][:13].lower()) == [hint(second.codes[0])]
    assert await hints(hint=hint(second.codes[0])) == [hint(second.codes[0])]
    assert await hints(state="EXPIRED") == []


async def test_codes_are_for_operators(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    printed = await make(console)
    batch, code = to_id("CodeBatch", printed.batch), to_id("RedemptionCode", 1)

    assert await console.refused(ann, BATCHES, first=1) == "forbidden"
    assert await console.refused(ann, CODES, first=1) == "forbidden"
    assert await console.refused(None, CODES, first=1) == "unauthenticated"
    for id_ in (batch, code):
        assert await console.ask(ann, NODE, id=id_) == {"node": None}
    assert await console.ask(admin, NODE, id=batch) == {"node": {"__typename": "CodeBatch", "number": printed.batch}}
    assert await console.ask(admin, NODE, id=code) == {"node": {"__typename": "RedemptionCode", "batch": batch}}
    assert await console.ask(admin, NODE, id=to_id("RedemptionCode", 99)) == {"node": None}
    assert await console.ask(admin, NODE, id=to_id("CodeBatch", "batch_x")) == {"node": None}
