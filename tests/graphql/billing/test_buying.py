from __future__ import annotations

from dataclasses import replace
from typing import Any

from clinx.domain.identity import Role
from clinx.domain.order import OrderState
from clinx.graphql.ids import key_of, to_id
from clinx.storage import orders
from support.database import Clock
from support.fake_payments import FakePayments

OPTIONS = """
{ topUpOptions {
    amounts minimum maximum
    providers { provider methods currency prices { amount price } }
} }"""
PRICE = "query ($amount: Amount!) { topUpOptions { providers { price(amount: $amount) } } }"
CREATE = """
mutation ($input: OrderCreateInput!) {
  orderCreate(input: $input) {
    order { id state amount price currency }
    page { url link fields { name value } }
    errors { code path parameters { name value } }
  }
}"""
RECONCILE = """
mutation ($input: OrderReconcileInput!) {
  orderReconcile(input: $input) { order { state } credited errors { code parameters { name value } } }
}"""


def wish(**changed: Any) -> dict[str, Any]:
    return {"provider": "EPAY", "method": "alipay", "amount": "10", "idempotencyKey": "key-1", **changed}


async def test_what_is_sold_costs_what_the_tree_says(console):
    ann = await console.user("ann")

    assert (await console.ask(ann, OPTIONS))["topUpOptions"] == {
        "amounts": ["5", "10"],
        "minimum": "1",
        "maximum": "1000",
        "providers": [
            {
                "provider": "EPAY",
                "methods": ["alipay", "wxpay"],
                "currency": "CNY",
                "prices": [{"amount": "5", "price": "36.50"}, {"amount": "10", "price": "73.00"}],
            },
            {
                "provider": "STRIPE",
                "methods": ["checkout"],
                "currency": "USD",
                "prices": [{"amount": "5", "price": "5.00"}, {"amount": "10", "price": "10.00"}],
            },
        ],
    }


async def test_a_group_s_discount_is_in_the_price(console):
    vip = await console.user("vip", group="vip")

    found = await console.ask(vip, PRICE, amount="20")

    assert found == {"topUpOptions": {"providers": [{"price": "131.40"}, {"price": "18.00"}]}}


async def test_what_is_not_sold_has_no_price(console):
    ann = await console.user("ann")

    assert await console.refused(ann, PRICE, amount="0.5") == "amount_out_of_range"
    console.snapshot = replace(console.snapshot, payments=None)
    assert await console.ask(ann, OPTIONS) == {"topUpOptions": None}
    assert await console.refused(None, OPTIONS) == "unauthenticated"


async def test_an_order_is_made_with_its_page(console):
    ann = await console.user("ann")

    made = (await console.ask(ann, CREATE, input=wish()))["orderCreate"]

    assert made["errors"] == []
    assert {**made["order"], "id": ""} == {
        "id": "",
        "state": "PENDING",
        "amount": "10",
        "price": "73.00",
        "currency": "CNY",
    }
    fields = {each["name"]: each["value"] for each in made["page"]["fields"]}
    assert made["page"]["url"] == "https://pay.example/submit.php"
    assert (fields["out_trade_no"], fields["money"]) == (key_of(made["order"]["id"], "Order"), "73.00")
    assert made["page"]["link"].startswith("https://pay.example/submit.php?pid=1001&")
    assert (await console.ask(ann, CREATE, input=wish()))["orderCreate"] == made
    assert await console.sum_of(ann.account) == "0"


async def test_a_stripe_order_is_paid_on_a_page_without_fields(console, site: FakePayments):
    ann = await console.user("ann")

    made = (await console.ask(ann, CREATE, input=wish(provider="STRIPE", method="checkout")))["orderCreate"]

    assert made["page"] == {"url": f"{site.url}/pay/1", "link": f"{site.url}/pay/1", "fields": []}


async def test_without_a_method_the_provider_s_first_is_taken(console, site: FakePayments):
    ann = await console.user("ann")

    async def method(provider: str) -> str:
        asked = {"provider": provider, "amount": "10", "idempotencyKey": provider}
        made = (await console.ask(ann, CREATE, input=asked))["orderCreate"]
        assert made["errors"] == []
        return next(each.method for each in await orders.latest(console.database) if each.provider == provider.lower())

    assert (await method("EPAY"), await method("STRIPE")) == ("alipay", "checkout")


async def test_a_provider_that_is_not_configured_has_no_method(console):
    ann = await console.user("ann")
    console.snapshot = replace(console.snapshot, payments=replace(console.snapshot.payments, stripe=None))

    made = await console.ask(ann, CREATE, input={"provider": "STRIPE", "amount": "10", "idempotencyKey": "k"})

    assert [each["code"] for each in made["orderCreate"]["errors"]] == ["provider_unknown"]


async def test_a_wish_that_is_not_on_offer_is_refused_with_a_code(console):
    ann = await console.user("ann")

    async def code(**changed: Any) -> str:
        made = (await console.ask(ann, CREATE, input=wish(**changed)))["orderCreate"]
        assert (made["order"], made["page"]) == (None, None)
        (error,) = made["errors"]
        return error["code"]

    assert await code(method="cash") == "method_unknown"
    assert await code(amount="1000.01") == "amount_out_of_range"
    assert await code(idempotencyKey="") == "key_invalid"
    assert await orders.latest(console.database) == []


async def test_what_was_paid_unheard_of_is_credited_when_an_operator_asks(console, site: FakePayments, clock: Clock):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    made = (await console.ask(ann, CREATE, input=wish()))["orderCreate"]
    order_id = made["order"]["id"]

    before = await console.ask(admin, RECONCILE, input={"id": order_id})
    site.paid(key_of(order_id, "Order"), "73.00")
    credited = await console.ask(admin, RECONCILE, input={"id": order_id})
    again = await console.ask(admin, RECONCILE, input={"id": order_id})

    assert before["orderReconcile"] == {"order": {"state": "PENDING"}, "credited": False, "errors": []}
    assert credited["orderReconcile"] == {"order": {"state": "PAID"}, "credited": True, "errors": []}
    assert again["orderReconcile"] == {"order": {"state": "PAID"}, "credited": False, "errors": []}
    assert await console.sum_of(ann.account) == "10"
    assert await console.sum_of("clearing:epay") == "-10"


async def test_a_provider_that_cannot_be_asked_changes_nothing(console, site: FakePayments):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    made = (await console.ask(ann, CREATE, input=wish()))["orderCreate"]
    site.status = 503

    found = (await console.ask(admin, RECONCILE, input={"id": made["order"]["id"]}))["orderReconcile"]

    assert found["errors"] == [{"code": "provider_unavailable", "parameters": [{"name": "provider", "value": "epay"}]}]
    (order,) = await orders.latest(console.database)
    assert order.state is OrderState.PENDING


async def test_only_operators_ask_and_only_about_orders_that_there_are(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    unknown = {"id": to_id("Order", "ord" + "0" * 26)}

    found = (await console.ask(admin, RECONCILE, input=unknown))["orderReconcile"]

    assert [error["code"] for error in found["errors"]] == ["not_found"]
    assert await console.refused(ann, RECONCILE, input=unknown) == "forbidden"
