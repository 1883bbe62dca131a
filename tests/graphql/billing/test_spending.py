from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clinx.domain.identity import Role, User
from clinx.domain.money import Amount
from clinx.graphql.ids import to_id
from clinx.storage import spend
from clinx.storage.spend import Spend, SpendKey
from clinx.storage.statements import MOST_ROWS
from support.database import START

DAY = (START - datetime(1970, 1, 1, tzinfo=UTC)).days
SPEND = """
query ($since: Date!, $until: Date!, $by: [SpendBy!], $user: ID, $token: ID, $everyone: Boolean! = false) {
  spend(since: $since, until: $until, by: $by, user: $user, token: $token, everyone: $everyone) {
    rows { day model token group calls charge inputTokens outputTokens } isCut
  }
}"""
NEW_YEAR = {"since": "2029-12-31", "until": "2030-01-01"}


async def spent(console, user: User, model: str, nano: int, *, day: int = DAY, token: int = 7) -> None:
    key = SpendKey.of(user.id, day, token, model, "default")
    await console.database.atomically(spend.add([Spend(key, 2, Amount(nano), 6, 2**33)]))


async def test_spend_is_summed_by_what_is_asked_for(console):
    ann, bob = await console.user("ann"), await console.user("bob")
    await spent(console, ann, "small", 1_000_000_000)
    await spent(console, ann, "large", 2_000_000_000, day=DAY - 1)
    await spent(console, ann, "large", 9_000_000_000, day=DAY - 2)
    await spent(console, bob, "small", 500_000_000)

    whole = (await console.ask(ann, SPEND, **NEW_YEAR))["spend"]
    parts = (await console.ask(ann, SPEND, **NEW_YEAR, by=["DAY", "MODEL", "TOKEN", "GROUP"]))["spend"]

    nothing = {"day": None, "model": None, "token": None, "group": None}
    assert whole == {
        "rows": [{**nothing, "calls": "4", "charge": "3", "inputTokens": "12", "outputTokens": "17179869184"}],
        "isCut": False,
    }
    part = {"token": to_id("Token", 7), "group": "default", "calls": "2", "inputTokens": "6"}
    tokens = {"outputTokens": "8589934592"}
    assert parts["rows"] == [
        {"day": "2030-01-01", "model": "small", "charge": "1", **part, **tokens},
        {"day": "2029-12-31", "model": "large", "charge": "2", **part, **tokens},
    ]


async def test_one_token_is_asked_about(console):
    ann, bob = await console.user("ann"), await console.user("bob")
    await spent(console, ann, "small", 1_000_000_000)
    await spent(console, ann, "small", 2_000_000_000, token=8)
    await spent(console, bob, "small", 4_000_000_000, token=9)

    found = await console.ask(ann, SPEND, **NEW_YEAR, token=to_id("Token", 8))
    of_bob = await console.ask(ann, SPEND, **NEW_YEAR, token=to_id("Token", 9))

    assert [row["charge"] for row in found["spend"]["rows"]] == ["2"]
    assert of_bob["spend"]["rows"] == []


async def test_others_spend_needs_a_permission(console):
    ann, bob, admin = await console.user("ann"), await console.user("bob"), await console.user("a", role=Role.ADMIN)
    await spent(console, bob, "small", 1_000_000_000)
    of_bob = {**NEW_YEAR, "user": to_id("User", bob.id)}

    assert (await console.ask(admin, SPEND, **of_bob))["spend"]["rows"][0]["charge"] == "1"
    assert (await console.ask(admin, SPEND, **NEW_YEAR))["spend"]["rows"] == []
    assert await console.refused(ann, SPEND, **of_bob) == "forbidden"
    assert await console.refused(None, SPEND, **NEW_YEAR) == "unauthenticated"


async def test_operators_sum_up_what_everyone_spent(console):
    ann, bob, admin = await console.user("ann"), await console.user("bob"), await console.user("a", role=Role.ADMIN)
    await spent(console, ann, "small", 1_000_000_000)
    await spent(console, bob, "small", 2_000_000_000)
    all_of_it, of_bob = {**NEW_YEAR, "everyone": True}, {"user": to_id("User", bob.id)}

    assert [row["charge"] for row in (await console.ask(admin, SPEND, **all_of_it))["spend"]["rows"]] == ["3"]
    narrowed = await console.ask(admin, SPEND, **all_of_it, **of_bob)
    assert [row["charge"] for row in narrowed["spend"]["rows"]] == ["2"]
    assert await console.refused(ann, SPEND, **all_of_it) == "forbidden"


@pytest.mark.parametrize(
    ("since", "until"), [("2030-01-02", "2030-01-01"), ("2029-01-01", "2030-02-06"), ("9999-12-31", "0001-01-01")]
)
async def test_days_are_in_order_and_not_too_many(console, since: str, until: str):
    ann = await console.user("ann")

    assert await console.refused(ann, SPEND, since=since, until=until) == "invalid_value"


async def test_the_last_day_of_all_is_a_day(console):
    ann = await console.user("ann")

    assert (await console.ask(ann, SPEND, since="9999-12-31", until="9999-12-31"))["spend"]["rows"] == []


async def test_what_is_cut_says_so(console):
    ann = await console.user("ann")
    rows = [
        Spend(SpendKey.of(ann.id, DAY, token, "small", "default"), 1, Amount(1), 1, 1) for token in range(MOST_ROWS)
    ]
    await console.database.atomically(spend.add(rows))

    found = (await console.ask(ann, SPEND, **NEW_YEAR, by=["TOKEN"]))["spend"]

    assert (len(found["rows"]), found["isCut"]) == (MOST_ROWS, True)
