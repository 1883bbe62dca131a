from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from clinx.billing import refunds, topup
from clinx.billing.transfer import Cause
from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from support.database import START

PAGE = """
query ($first: Int!, $after: String, $filter: LedgerEntryFilter, $counts: Boolean! = false) {
  ledgerEntries(first: $first, after: $after, filter: $filter) {
    edges { cursor node { id amount kind at event requestId revision facts { name value } user { name } } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
    totalCount @include(if: $counts) { value capped }
  }
}"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on LedgerEntry { event } } }"


def events(page: Any) -> list[str]:
    return [edge["node"]["event"] for edge in page["ledgerEntries"]["edges"]]


async def test_an_entry_says_what_moved_the_balance_and_why(console):
    ann = await console.user("ann")
    await topup.grant(
        console.database, ann, Amount.parse("2.5"), Cause("user:root", "sorry", "k1"), at=START + timedelta(hours=1)
    )

    page = await console.ask(ann, PAGE, first=5)

    (edge,) = page["ledgerEntries"]["edges"]
    assert {name: value for name, value in edge["node"].items() if name != "id"} == {
        "amount": "2.5",
        "kind": "GRANT",
        "at": "2030-01-01T01:00:00Z",
        "event": "grant:k1",
        "requestId": None,
        "revision": None,
        "facts": [{"name": "reason", "value": "sorry"}],
        "user": {"name": "ann"},
    }


async def test_operators_see_who_did_it_too(console):
    ann, root = await console.user("ann"), await console.user("root", role=Role.ROOT)
    await topup.grant(console.database, ann, Amount.parse("1"), Cause("user:root", "sorry", "k1"), at=START)

    page = await console.ask(root, PAGE, first=5, filter={"user": to_id("User", ann.id)})

    assert page["ledgerEntries"]["edges"][0]["node"]["facts"] == [
        {"name": "actor", "value": "user:root"},
        {"name": "reason", "value": "sorry"},
    ]


async def test_a_charge_names_its_request(console):
    ann = await console.user("ann")
    await console.charged(ann, "req_7", "0.25")

    (edge,) = (await console.ask(ann, PAGE, first=5))["ledgerEntries"]["edges"]

    assert (edge["node"]["amount"], edge["node"]["requestId"], edge["node"]["revision"]) == ("-0.25", "req_7", "r1")


async def test_a_refund_names_the_request_of_its_charge(console):
    ann = await console.user("ann")
    await console.charged(ann, "req_7", "0.25")
    await refunds.refund(console.database, "settle:req_7", None, Cause("user:root", "sorry", "k1"), at=START)

    refund, charge = (await console.ask(ann, PAGE, first=5))["ledgerEntries"]["edges"]

    assert (refund["node"]["kind"], refund["node"]["requestId"]) == ("REFUND", "req_7")
    assert {"name": "charge", "value": "settle:req_7"} in refund["node"]["facts"]
    assert (charge["node"]["kind"], charge["node"]["requestId"]) == ("CHARGE", "req_7")


async def test_operators_see_what_moved_everybody_s_money_but_charges(console):
    ann, bob = await console.user("ann", balance="1"), await console.user("bob", balance="2")
    admin = await console.user("admin", role=Role.ADMIN)
    await console.charged(ann, "req_1", "0.25")

    page = await console.ask(admin, PAGE, first=5, filter={"everyone": True}, counts=True)
    grants = await console.ask(admin, PAGE, first=1, filter={"everyone": True, "kind": "GRANT"})
    rest = await console.ask(
        admin, PAGE, first=1, filter={"everyone": True}, after=grants["ledgerEntries"]["pageInfo"]["endCursor"]
    )
    of_bob = await console.ask(admin, PAGE, first=5, filter={"everyone": True, "user": to_id("User", bob.id)})

    seen = [(edge["node"]["user"]["name"], edge["node"]["amount"]) for edge in page["ledgerEntries"]["edges"]]
    assert seen == [("bob", "2"), ("ann", "1")]
    assert page["ledgerEntries"]["totalCount"] == {"value": 2, "capped": False}
    assert [each["ledgerEntries"]["edges"][0]["node"]["user"]["name"] for each in (grants, rest, of_bob)] == [
        "bob", "ann", "bob",
    ]  # fmt: skip


async def test_the_charges_of_everybody_are_elsewhere(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)

    assert await console.refused(admin, PAGE, first=5, filter={"everyone": True, "kind": "CHARGE"}) == "invalid_value"
    assert await console.refused(ann, PAGE, first=5, filter={"everyone": True}) == "forbidden"


async def test_pages_follow_one_another_the_latest_first(console):
    ann = await console.user("ann")
    for number in range(5):
        await console.charged(ann, f"req_{number}", "1", at=START + timedelta(hours=number // 2))

    first = await console.ask(ann, PAGE, first=2, counts=True)
    second = await console.ask(ann, PAGE, first=2, after=first["ledgerEntries"]["pageInfo"]["endCursor"])
    third = await console.ask(ann, PAGE, first=2, after=second["ledgerEntries"]["pageInfo"]["endCursor"])

    assert [events(page) for page in (first, second, third)] == [
        ["settle:req_4", "settle:req_3"],
        ["settle:req_2", "settle:req_1"],
        ["settle:req_0"],
    ]
    assert [page["ledgerEntries"]["pageInfo"]["hasNextPage"] for page in (first, second, third)] == [True, True, False]
    assert first["ledgerEntries"]["totalCount"] == {"value": 5, "capped": False}


async def test_entries_are_chosen_by_kind_and_time(console):
    ann = await console.user("ann", balance="10")
    await console.charged(ann, "req_1", "1", at=START)
    await console.charged(ann, "req_2", "1", at=START + timedelta(hours=1))

    charges = await console.ask(ann, PAGE, first=5, filter={"kind": "CHARGE"})
    late = await console.ask(ann, PAGE, first=5, filter={"since": "2030-01-01T01:00:00Z"})
    early = await console.ask(ann, PAGE, first=5, filter={"kind": "CHARGE", "until": "2030-01-01T01:00:00Z"})

    assert events(charges) == ["settle:req_2", "settle:req_1"]
    assert events(late) == ["settle:req_2"]
    assert events(early) == ["settle:req_1"]


async def test_others_entries_need_a_permission(console):
    ann, bob = await console.user("ann", balance="1"), await console.user("bob", balance="1")
    of_bob = {"user": to_id("User", bob.id)}

    assert await console.refused(ann, PAGE, first=5, filter=of_bob) == "forbidden"
    assert await console.refused(None, PAGE, first=5) == "unauthenticated"
    key = console.context(ann, permissions=frozenset({Permission.TOKEN_READ}), access_key=1)
    assert await console.refused(ann, PAGE, context=key, first=5) == "forbidden"


@pytest.mark.parametrize("cursor", ["x", "AAAA", ""])
async def test_a_cursor_of_elsewhere_is_refused(console, cursor: str):
    ann = await console.user("ann")

    assert await console.refused(ann, PAGE, first=5, after=cursor) == "invalid_cursor"


async def test_an_entry_is_found_by_its_id_by_its_owner_and_operators(console):
    ann, bob = await console.user("ann", balance="1"), await console.user("bob")
    root = await console.user("root", role=Role.ROOT)
    (edge,) = (await console.ask(ann, PAGE, first=1))["ledgerEntries"]["edges"]
    entry_id = edge["node"]["id"]

    found = {"node": {"id": entry_id, "event": edge["node"]["event"]}}
    assert await console.ask(ann, NODE, id=entry_id) == found
    assert await console.ask(root, NODE, id=entry_id) == found
    assert await console.ask(bob, NODE, id=entry_id) == {"node": None}
    assert await console.ask(None, NODE, id=entry_id) == {"node": None}
    assert await console.ask(root, NODE, id=to_id("LedgerEntry", "9" * 30)) == {"node": None}


async def test_an_account_of_the_house_is_nobodys(console):
    ann, root = await console.user("ann"), await console.user("root", role=Role.ROOT)
    await console.charged(ann, "req_1", "1")
    rows = await console.database.fetch("SELECT id FROM entry WHERE account = 'revenue'")
    text = "query ($id: ID!) { node(id: $id) { ... on LedgerEntry { amount user { name } } } }"

    found = await console.ask(root, text, id=to_id("LedgerEntry", rows[0][0]))

    assert found == {"node": {"amount": "1", "user": None}}


async def test_a_page_with_users_takes_two_statements(console, counted: list[str]):
    ann = await console.user("ann")
    for number in range(10):
        await console.charged(ann, f"req_{number}", "1")
    counted.clear()

    await console.ask(ann, PAGE, first=10)

    assert [sql.split()[0] for sql in counted] == ["SELECT", "tortoise", "tortoise"]
