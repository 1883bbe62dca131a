from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from clinx.domain.identity import Role, User
from clinx.domain.order import Order, OrderState, Outcome, PaymentEvent, PaymentProvider, order_id
from clinx.graphql.ids import to_id
from clinx.storage import orders
from support.database import START
from support.fake_payments import FakePayments
from support.orders import EPAY_ORDER, STRIPE_ORDER

PAGE = """
query ($first: Int!, $after: String, $filter: OrderFilter, $counts: Boolean! = false) {
  orders(first: $first, after: $after, filter: $filter) {
    edges { node { number } }
    pageInfo { hasNextPage endCursor }
    totalCount @include(if: $counts) { value }
  }
}"""
WHOLE = """
query ($id: ID!) {
  order(id: $id) {
    id number provider method amount price currency state reference createdAt expiresAt settledAt user { name }
  }
}"""
SAID = "query ($id: ID!) { order(id: $id) { askedAt events { at outcome address detail } } }"
PAY = "query ($id: ID!) { order(id: $id) { number page { url link fields { name value } } } }"
NODE = "query ($id: ID!) { node(id: $id) { ... on Order { number } } }"


async def place(console, user: User, number: int, *, hours: int = 0, like: Order = EPAY_ORDER, **changed: Any) -> str:
    made = msgspec.structs.replace(
        like, id=order_id(number), user_id=user.id, created_at=START + timedelta(hours=hours), **changed
    )
    await console.database.atomically(orders.insert(made))
    return to_id("Order", made.id)


def numbers(page: Any) -> list[str]:
    return [edge["node"]["number"] for edge in page["orders"]["edges"]]


async def test_an_order_is_shown_to_its_buyer(console):
    ann = await console.user("ann")
    id_ = await place(console, ann, 1)

    assert (await console.ask(ann, WHOLE, id=id_))["order"] == {
        "id": id_,
        "number": order_id(1),
        "provider": "EPAY",
        "method": "alipay",
        "amount": "10",
        "price": "73.00",
        "currency": "CNY",
        "state": "PENDING",
        "reference": None,
        "createdAt": "2030-01-01T00:00:00Z",
        "expiresAt": "2030-01-01T23:00:00Z",
        "settledAt": None,
        "user": {"name": "ann"},
    }
    assert await console.ask(ann, NODE, id=id_) == {"node": {"number": order_id(1)}}


async def test_others_orders_are_not_there(console):
    ann, bob = await console.user("ann"), await console.user("bob")
    id_ = await place(console, ann, 1)

    assert await console.ask(bob, WHOLE, id=id_) == {"order": None}
    assert await console.ask(bob, WHOLE, id=to_id("Order", "anything")) == {"order": None}
    assert await console.ask(bob, NODE, id=id_) == {"node": None}
    assert await console.ask(None, NODE, id=id_) == {"node": None}
    assert await console.refused(None, WHOLE, id=id_) == "unauthenticated"
    assert await console.refused(bob, WHOLE, id=to_id("Token", 1)) == "invalid_id"


async def test_what_was_said_of_an_order_is_for_operators(console):
    ann, root = await console.user("ann"), await console.user("root", role=Role.ROOT)
    id_ = await place(console, ann, 1, asked_at=START + timedelta(minutes=3))
    said = PaymentEvent(
        PaymentProvider.EPAY, "e1", order_id(1), Outcome.WRONG_AMOUNT, "198.51.100.1", START, "paid 1 CNY"
    )
    await console.database.atomically(orders.note(said))

    assert (await console.ask(root, SAID, id=id_))["order"] == {
        "askedAt": "2030-01-01T00:03:00Z",
        "events": [
            {
                "at": "2030-01-01T00:00:00Z",
                "outcome": "WRONG_AMOUNT",
                "address": "198.51.100.1",
                "detail": "paid 1 CNY",
            }
        ],
    }
    assert await console.refused(ann, "query ($id: ID!) { order(id: $id) { askedAt } }", id=id_) == "forbidden"
    assert await console.refused(ann, "query ($id: ID!) { order(id: $id) { events { at } } }", id=id_) == "forbidden"


async def test_orders_are_paged_the_latest_first(console):
    ann = await console.user("ann")
    for number in range(1, 4):
        await place(console, ann, number, hours=number)

    first = await console.ask(ann, PAGE, first=2, counts=True)
    second = await console.ask(ann, PAGE, first=2, after=first["orders"]["pageInfo"]["endCursor"])

    assert (numbers(first), numbers(second)) == ([order_id(3), order_id(2)], [order_id(1)])
    assert first["orders"]["totalCount"] == {"value": 3}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [1]),
        ({"everyone": True}, [3, 2, 1]),
        ({"everyone": True, "provider": "STRIPE"}, [2]),
        ({"everyone": True, "state": "PAID"}, [3]),
        ({"everyone": True, "since": "2030-01-01T02:00:00Z", "until": "2030-01-01T03:00:00Z"}, [2]),
    ],
    ids=["own", "everyone", "provider", "state", "time"],
)
async def test_operators_choose_among_all_orders(console, wanted: dict[str, object], found: list[int]):
    root, ann = await console.user("root", role=Role.ROOT), await console.user("ann")
    await place(console, root, 1, hours=1)
    await place(console, ann, 2, hours=2, like=STRIPE_ORDER)
    await place(console, ann, 3, hours=3, state=OrderState.PAID)

    page = await console.ask(root, PAGE, first=5, filter=wanted)

    assert numbers(page) == [order_id(number) for number in found]


async def test_orders_of_a_user_are_chosen_by_operators_only(console):
    ann, bob = await console.user("ann"), await console.user("bob")
    admin = await console.user("admin", role=Role.ADMIN)
    await place(console, bob, 1)
    of_bob = {"user": to_id("User", bob.id)}

    assert numbers(await console.ask(admin, PAGE, first=5, filter=of_bob)) == [order_id(1)]
    assert await console.refused(ann, PAGE, first=5, filter=of_bob) == "forbidden"
    assert await console.refused(ann, PAGE, first=5, filter={"everyone": True}) == "forbidden"


async def test_its_buyer_finds_the_page_of_an_order_again(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    id_ = await place(console, ann, 1, expires_at=START + timedelta(hours=23))

    found = (await console.ask(ann, PAY, id=id_))["order"]["page"]

    assert found["url"] == "https://pay.example/submit.php"
    assert {"name": "out_trade_no", "value": order_id(1)} in found["fields"]
    assert (await console.ask(admin, PAY, id=id_))["order"] == {"number": order_id(1), "page": None}


@pytest.mark.parametrize(
    "changed",
    [{"state": OrderState.PAID}, {"state": OrderState.EXPIRED}, {"expires_at": START}],
    ids=["paid", "expired", "late"],
)
async def test_what_cannot_be_paid_any_more_has_no_page(console, changed: dict[str, Any]):
    ann = await console.user("ann")
    fields: dict[str, Any] = {"expires_at": START + timedelta(hours=23), **changed}
    id_ = await place(console, ann, 1, **fields)

    assert (await console.ask(ann, PAY, id=id_))["order"]["page"] is None


async def test_where_nothing_is_sold_any_more_no_order_has_a_page(console):
    ann = await console.user("ann")
    id_ = await place(console, ann, 1, expires_at=START + timedelta(hours=23))
    console.snapshot = replace(console.snapshot, payments=None)

    assert (await console.ask(ann, PAY, id=id_))["order"]["page"] is None


async def test_a_provider_that_cannot_be_asked_for_the_page_is_said(console, site: FakePayments):
    ann = await console.user("ann")
    id_ = await place(console, ann, 2, like=STRIPE_ORDER, expires_at=START + timedelta(hours=23), reference=None)

    found = (await console.ask(ann, PAY, id=id_))["order"]["page"]
    site.status = 503

    assert found["fields"] == []
    assert found["url"].startswith(f"{site.url}/pay/")
    assert await console.refused(ann, PAY, id=id_) == "provider_unavailable"
