from __future__ import annotations

import asyncio
from typing import Any

import pytest

from clinx.domain.identity import Role, User
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission

ADJUST = """
mutation ($input: UserAdjustBalanceInput!) {
  userAdjustBalance(input: $input) {
    user { name } balance { total held available } repeated errors { code path }
  }
}"""
REFUND = """
mutation ($input: ChargeRefundInput!) {
  chargeRefund(input: $input) {
    amount refunded charge repeated user { name } balance { total } errors { code path }
  }
}"""
NOTHING = {"user": None, "balance": None, "repeated": False}
NO_REFUND = {"amount": None, "refunded": None, "charge": None, **NOTHING}


async def adjust(console, who: User, whom: User, by: str, *, context: Any = None, **more: Any) -> Any:
    asked = {"user": to_id("User", whom.id), "by": by, "reason": "sorry", "idempotencyKey": "key-1", **more}
    return (await console.ask(who, ADJUST, context=context, input=asked))["userAdjustBalance"]


async def refund(console, who: User, *, context: Any = None, **asked: Any) -> Any:
    whole = {"reason": "bad answer", "idempotencyKey": "key-1", **asked}
    return (await console.ask(who, REFUND, context=context, input=whole))["chargeRefund"]


def balance(total: str) -> dict[str, str]:
    return {"total": total, "held": "0", "available": total}


async def test_an_amount_is_given_out_of_promo_and_taken_against_adjust(console):
    ann, admin = await console.user("ann", balance="1"), await console.user("admin", role=Role.ADMIN)

    given = await adjust(console, admin, ann, "2.5")
    taken = await adjust(console, admin, ann, "-4", idempotencyKey="key-2")

    assert given == {"user": {"name": "ann"}, "balance": balance("3.5"), "repeated": False, "errors": []}
    assert taken == {"user": {"name": "ann"}, "balance": balance("-0.5"), "repeated": False, "errors": []}
    assert (await console.entries_of(ann.account))[1:] == [
        (f"grant:{admin.id}:key-1", "grant", "2.5"),
        (f"adjust:{admin.id}:key-2", "adjustment", "-4"),
    ]
    assert [await console.sum_of(name) for name in ("promo", "adjust")] == ["-3.5", "4"]


async def test_one_key_adjusts_once_however_often_it_is_asked(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)

    answers = await asyncio.gather(*(adjust(console, admin, ann, "2") for _ in range(4)))

    assert [each["errors"] for each in answers] == [[], [], [], []]
    assert [each["repeated"] for each in answers].count(False) == 1
    assert await console.sum_of(ann.account) == "2"


async def test_keys_are_ones_own(console):
    ann = await console.user("ann")
    one, other = await console.user("one", role=Role.ADMIN), await console.user("other", role=Role.ADMIN)

    answers = [await adjust(console, who, ann, "2") for who in (one, other)]

    assert [each["repeated"] for each in answers] == [False, False]
    assert await console.sum_of(ann.account) == "4"


async def test_a_key_that_was_used_for_something_else_moves_nothing(console):
    ann, bob = await console.user("ann"), await console.user("bob")
    admin = await console.user("admin", role=Role.ADMIN)
    await adjust(console, admin, ann, "2")

    refused = [await adjust(console, admin, *other) for other in ((ann, "3"), (bob, "2"), (ann, "-2"))]

    assert refused == [{**NOTHING, "errors": [{"code": "key_reused", "path": ["idempotencyKey"]}]}] * 3
    assert [await console.sum_of(who.account) for who in (ann, bob)] == ["2", "0"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"by": "0"}, {"code": "amount_invalid", "path": ["by"]}),
        ({"by": "100000000.01"}, {"code": "amount_invalid", "path": ["by"]}),
        ({"by": "-100000000.01"}, {"code": "amount_invalid", "path": ["by"]}),
        ({"reason": " "}, {"code": "reason_invalid", "path": ["reason"]}),
        ({"reason": "x" * 501}, {"code": "reason_invalid", "path": ["reason"]}),
        ({"idempotencyKey": "ü"}, {"code": "key_invalid", "path": ["idempotencyKey"]}),
        ({"user": to_id("User", 99)}, {"code": "not_found", "path": ["user"]}),
        ({"user": to_id("Token", 1)}, {"code": "invalid_id", "path": ["user"]}),
    ],
    ids=["nothing", "much", "little", "no-reason", "long-reason", "key", "nobody", "token"],
)
async def test_what_makes_no_sense_moves_nothing(console, changed: dict[str, str], error: dict[str, Any]):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)

    refused = await adjust(console, admin, ann, **{"by": "1", **changed})

    assert refused == {**NOTHING, "errors": [error]}
    assert await console.sum_of(ann.account) == "0"


async def test_nobody_credits_themselves_or_their_peers_but_root(console):
    root, admin = await console.user("root", role=Role.ROOT), await console.user("admin", role=Role.ADMIN)
    other = await console.user("other", role=Role.ADMIN)

    async def code(who: User, whom: User) -> list[str]:
        return [error["code"] for error in (await adjust(console, who, whom, "1"))["errors"]]

    assert await code(admin, admin) == ["not_yourself"]
    assert [await code(admin, whom) for whom in (root, other)] == [["role_too_low"]] * 2
    assert [await console.sum_of(who.account) for who in (admin, root, other)] == ["0", "0", "0"]
    assert await code(root, other) == []
    assert (await adjust(console, root, root, "1", idempotencyKey="key-2"))["errors"] == []
    assert [await console.sum_of(who.account) for who in (other, root)] == ["1", "1"]


async def test_adjusting_needs_a_permission_and_a_fresh_proof(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    asked = {"user": to_id("User", ann.id), "by": "1", "reason": "sorry", "idempotencyKey": "key-1"}

    assert await console.refused(ann, ADJUST, input=asked) == "forbidden"
    assert await console.refused(None, ADJUST, input=asked) == "unauthenticated"
    stale = console.context(admin, is_fresh=False)
    assert (await adjust(console, admin, ann, "1", context=stale))["errors"] == [
        {"code": "step_up_required", "path": []}
    ]
    weak = console.context(admin, access_key=1, permissions=frozenset({Permission.USER_READ}))
    assert await console.refused(admin, ADJUST, context=weak, input=asked) == "forbidden"
    assert await console.sum_of(ann.account) == "0"

    held = frozenset({Permission.USER_READ, Permission.USER_ADJUST_BALANCE})
    key = console.context(admin, access_key=1, permissions=held)
    assert (await adjust(console, admin, ann, "1", context=key))["errors"] == []
    assert await console.sum_of(ann.account) == "1"


async def test_an_adjustment_is_told_to_the_audit_log(console):
    ann, admin = await console.user("ann", balance="1"), await console.user("admin", role=Role.ADMIN)

    await adjust(console, admin, ann, "2")

    rows = await console.database.fetch("SELECT actor, operation, outcome, before_json, after_json FROM audit_log")
    assert [tuple(row) for row in rows] == [
        ("user:admin", "userAdjustBalance", "ok", '{"balance":"1"}', '{"balance":"3"}')
    ]


async def test_a_charge_is_given_back_in_parts_and_never_more(console):
    ann, admin = await console.user("ann", balance="10"), await console.user("admin", role=Role.ADMIN)
    await console.charged(ann, "req_1", "4")

    part = await refund(console, admin, requestId="req_1", amount="1")
    again = await refund(console, admin, requestId="req_1", amount="1")
    reused = await refund(console, admin, requestId="req_1", amount="2")
    too_much = await refund(console, admin, requestId="req_1", amount="3.5", idempotencyKey="key-2")
    rest = await refund(console, admin, requestId="req_1", idempotencyKey="key-2")

    known = {"charge": "4", "user": {"name": "ann"}, "errors": []}
    assert part == {**known, "amount": "1", "refunded": "1", "repeated": False, "balance": {"total": "7"}}
    assert again == {**part, "repeated": True}
    assert reused == {**NO_REFUND, "errors": [{"code": "key_reused", "path": ["idempotencyKey"]}]}
    assert too_much == {**NO_REFUND, "errors": [{"code": "refund_too_large", "path": ["amount"]}]}
    assert rest == {**known, "amount": "3", "refunded": "4", "repeated": False, "balance": {"total": "10"}}
    assert [await console.sum_of(name) for name in (ann.account, "revenue")] == ["10", "0"]


async def test_a_charge_is_named_by_its_entry_too(console):
    ann, admin = await console.user("ann", balance="10"), await console.user("admin", role=Role.ADMIN)
    await console.charged(ann, "req_1", "4")
    rows = await console.database.fetch("SELECT id FROM entry WHERE account = $1 ORDER BY id", ann.account)
    grant, charge = (to_id("LedgerEntry", row[0]) for row in rows)

    given = await refund(console, admin, entry=charge)
    no_charge = await refund(console, admin, entry=grant)
    unknown = await refund(console, admin, entry=to_id("LedgerEntry", 99))

    assert (given["amount"], given["balance"]) == ("4", {"total": "10"})
    assert no_charge == {**NO_REFUND, "errors": [{"code": "charge_unknown", "path": ["entry"]}]}
    assert unknown == {**NO_REFUND, "errors": [{"code": "not_found", "path": ["entry"]}]}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "charge_unnamed"),
        ({"requestId": "req_1", "entry": to_id("LedgerEntry", 1)}, "charge_unnamed"),
        ({"requestId": "req_2"}, "charge_unknown"),
        ({"requestId": "req_1", "amount": "0"}, "amount_invalid"),
        ({"requestId": "req_1", "amount": "-1"}, "amount_invalid"),
        ({"requestId": "req_1", "reason": ""}, "reason_invalid"),
    ],
    ids=["none", "both", "unknown", "nothing", "negative", "no-reason"],
)
async def test_a_refund_that_makes_no_sense_moves_nothing(console, asked: dict[str, str], code: str):
    ann, admin = await console.user("ann", balance="10"), await console.user("admin", role=Role.ADMIN)
    await console.charged(ann, "req_1", "4")

    refused = await refund(console, admin, **asked)

    assert [error["code"] for error in refused["errors"]] == [code]
    assert await console.sum_of(ann.account) == "6"


async def test_nobody_gives_back_what_they_spent_themselves(console):
    admin, root = await console.user("admin", role=Role.ADMIN, balance="10"), await console.user("r", role=Role.ROOT)
    await console.charged(admin, "req_1", "4")

    own = await refund(console, admin, requestId="req_1")
    stale = await refund(console, root, context=console.context(root, is_fresh=False), requestId="req_1")

    assert own == {**NO_REFUND, "errors": [{"code": "not_yourself", "path": ["entry"]}]}
    assert stale == {**NO_REFUND, "errors": [{"code": "step_up_required", "path": []}]}
    assert await console.sum_of(admin.account) == "6"
    assert (await refund(console, root, requestId="req_1"))["balance"] == {"total": "10"}
