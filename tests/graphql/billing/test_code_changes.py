from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from clinx.accounts.throttle import CODES_PER_USER
from clinx.billing import codes
from clinx.billing.codes import Offer
from clinx.domain.console import SecondPerson
from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.graphql.ids import to_id
from support.database import START, Clock

CREATE = """
mutation ($input: CodeBatchCreateInput!) {
  codeBatchCreate(input: $input) {
    batch { id name amount open createdBy } codes errors { code path parameters { name value } }
  }
}"""
DISABLE_BATCH = """
mutation ($input: CodeBatchDisableInput!) {
  codeBatchDisable(input: $input) { batch { open disabled redeemed } disabled errors { code } }
}"""
DISABLE = """
mutation ($input: CodeDisableInput!) { codeDisable(input: $input) { code { state } errors { code } } }"""
REDEEM = """
mutation ($input: CodeRedeemInput!) {
  codeRedeem(input: $input) { amount balance { total } errors { code parameters { name value } } }
}"""
FOREIGN = "CLX-00000-00000-00000-00000-00000-00"
"""Well formed; nobody draws 130 zeros."""


def offer(**changed: Any) -> dict[str, Any]:
    return {"name": "spring", "count": 3, "amount": "5", "idempotencyKey": "key-1", **changed}


async def make(console, count: int = 1) -> tuple[str, ...]:
    made = Offer("spring", Amount.parse("5"), count)
    return (await codes.create(console.database, made, actor="user:root", at=START)).codes


async def redeem(console, who: Any, code: str, **more: Any) -> Any:
    return (await console.ask(who, REDEEM, input={"code": code, **more}))["codeRedeem"]


async def states(console) -> list[str]:
    return [row[0] for row in await console.database.fetch("SELECT state FROM code ORDER BY id")]


async def test_a_batch_shows_its_codes_once(console):
    admin = await console.user("admin", role=Role.ADMIN)

    made = (await console.ask(admin, CREATE, input=offer()))["codeBatchCreate"]
    again = (await console.ask(admin, CREATE, input=offer()))["codeBatchCreate"]

    assert (made["errors"], len(set(made["codes"]))) == ([], 3)
    assert {**made["batch"], "id": ""} == {
        "id": "",
        "name": "spring",
        "amount": "5",
        "open": 3,
        "createdBy": "user:admin",
    }
    assert again == {"batch": made["batch"], "codes": None, "errors": []}
    assert await states(console) == ["open"] * 3
    stored = await console.database.fetch("SELECT digest, hint FROM code")
    assert not any(code in str(row) for row in stored for code in made["codes"])


async def test_one_key_makes_one_batch_when_it_is_asked_at_once(console):
    admin = await console.user("admin", role=Role.ADMIN)

    answers = await asyncio.gather(*(console.ask(admin, CREATE, input=offer()) for _ in range(4)))

    assert len({each["codeBatchCreate"]["batch"]["id"] for each in answers}) == 1
    assert [each["codeBatchCreate"]["codes"] is None for each in answers].count(False) == 1
    assert await states(console) == ["open"] * 3


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"count": 0}, "offer_invalid", "count"),
        ({"count": 10_001}, "offer_invalid", "count"),
        ({"amount": "0"}, "offer_invalid", "amount"),
        ({"amount": "-1"}, "offer_invalid", "amount"),
        ({"name": ""}, "offer_invalid", "name"),
        ({"expiresAt": "2030-01-01T00:00:00Z"}, "offer_invalid", "expiresAt"),
        ({"idempotencyKey": "x" * 65}, "key_invalid", "idempotencyKey"),
    ],
    ids=["none", "many", "worthless", "debt", "nameless", "over", "key"],
)
async def test_what_is_no_batch_is_refused(console, changed: dict[str, Any], code: str, path: str):
    admin = await console.user("admin", role=Role.ADMIN)

    made = (await console.ask(admin, CREATE, input=offer(**changed)))["codeBatchCreate"]

    assert [(error["code"], error["path"]) for error in made["errors"]] == [(code, [path])]
    assert await states(console) == []


async def test_a_key_that_made_another_batch_makes_nothing(console):
    admin = await console.user("admin", role=Role.ADMIN)
    await console.ask(admin, CREATE, input=offer())

    made = (await console.ask(admin, CREATE, input=offer(amount="6")))["codeBatchCreate"]

    assert [error["code"] for error in made["errors"]] == ["key_reused"]
    assert await states(console) == ["open"] * 3


async def test_making_codes_needs_a_permission_and_a_fresh_proof(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)

    assert await console.refused(ann, CREATE, input=offer()) == "forbidden"
    stale = console.context(admin, is_fresh=False)
    made = (await console.ask(admin, CREATE, context=stale, input=offer()))["codeBatchCreate"]

    assert [error["code"] for error in made["errors"]] == ["step_up_required"]
    assert await states(console) == []


async def test_a_batch_is_withdrawn_as_far_as_it_is_not_redeemed(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    made = (await console.ask(admin, CREATE, input=offer()))["codeBatchCreate"]
    await redeem(console, ann, made["codes"][0])

    gone = await console.ask(admin, DISABLE_BATCH, input={"id": made["batch"]["id"]})

    assert gone["codeBatchDisable"] == {
        "batch": {"open": 0, "disabled": 2, "redeemed": 1},
        "disabled": 2,
        "errors": [],
    }
    unknown = await console.ask(admin, DISABLE_BATCH, input={"id": to_id("CodeBatch", "7")})
    assert unknown["codeBatchDisable"] == {"batch": None, "disabled": 0, "errors": [{"code": "not_found"}]}
    assert await console.refused(ann, DISABLE_BATCH, input={"id": made["batch"]["id"]}) == "forbidden"


async def test_a_code_is_withdrawn(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    one, other = await make(console, 2)
    await redeem(console, ann, other)

    async def disable(number: int) -> Any:
        return (await console.ask(admin, DISABLE, input={"id": to_id("RedemptionCode", number)}))["codeDisable"]

    assert await disable(1) == {"code": {"state": "DISABLED"}, "errors": []}
    assert await disable(2) == {"code": {"state": "REDEEMED"}, "errors": []}
    assert await disable(3) == {"code": None, "errors": [{"code": "not_found"}]}
    assert (await redeem(console, ann, one))["errors"] == [{"code": "code_disabled", "parameters": []}]


async def test_a_code_is_redeemed_once(console):
    ann, bob = await console.user("ann", balance="1"), await console.user("bob")
    (code,) = await make(console)

    assert await redeem(console, ann, code) == {"amount": "5", "balance": {"total": "6"}, "errors": []}
    refused = {"amount": None, "balance": None, "errors": [{"code": "code_used", "parameters": []}]}
    assert [await redeem(console, who, code) for who in (ann, bob)] == [refused, refused]
    assert [await console.sum_of(who.account) for who in (ann, bob)] == ["6", "0"]


async def test_of_many_who_redeem_a_code_at_once_one_gets_it(console):
    people = [await console.user(f"user-{number}") for number in range(5)]
    (code,) = await make(console)

    answers = await asyncio.gather(*(redeem(console, who, code) for who in people))

    assert sorted(each["amount"] or "" for each in answers) == ["", "", "", "", "5"]
    assert sorted([await console.sum_of(who.account) for who in people]) == ["0", "0", "0", "0", "5"]


async def test_with_a_key_the_same_asked_again_is_answered_the_same(console):
    ann = await console.user("ann")
    one, other = await make(console, 2)

    first = await redeem(console, ann, one, idempotencyKey="key-1")
    again = await redeem(console, ann, one.lower(), idempotencyKey="key-1")
    reused = await redeem(console, ann, other, idempotencyKey="key-1")

    assert first == again == {"amount": "5", "balance": {"total": "5"}, "errors": []}
    assert reused["errors"] == [{"code": "key_reused", "parameters": []}]
    assert await console.sum_of(ann.account) == "5"


@pytest.mark.parametrize(("code", "refusal"), [("nonsense", "code_mistyped"), (FOREIGN, "code_unknown")])
async def test_what_is_no_code_is_refused_and_soon_not_looked_at(console, clock: Clock, code: str, refusal: str):
    ann, bob = await console.user("ann"), await console.user("bob")
    (good,) = await make(console)
    most = CODES_PER_USER[0].most
    for _ in range(most):
        assert [error["code"] for error in (await redeem(console, ann, code))["errors"]] == [refusal]

    (error,) = (await redeem(console, ann, good))["errors"]

    assert error["code"] == "too_many_attempts"
    assert error["parameters"][0]["name"] == "retry_after"
    assert await console.sum_of(ann.account) == "0"
    assert (await redeem(console, bob, good))["amount"] == "5", "others are not in the way"


async def test_good_codes_are_no_tries(console):
    ann = await console.user("ann")
    made = await make(console, CODES_PER_USER[0].most + 1)

    assert [(await redeem(console, ann, code))["amount"] for code in made] == ["5"] * len(made)


async def test_one_person_makes_codes_worth_only_so_much(console):
    rule = SecondPerson(Amount.parse("100"))
    console.snapshot = replace(console.snapshot, console=replace(console.snapshot.console, second_person=rule))
    admin = await console.user("admin", role=Role.ADMIN)

    async def made(count: int, key: str) -> Any:
        asked = {"name": "spring", "count": count, "amount": "10", "idempotencyKey": key}
        return (await console.ask(admin, CREATE, input=asked))["codeBatchCreate"]

    refused = {"code": "second_person_needed", "path": ["amount"], "parameters": [{"name": "above", "value": "100"}]}
    assert await made(11, "a") == {"batch": None, "codes": None, "errors": [refused]}
    assert len((await made(6, "b"))["codes"]) == 6
    assert (await made(5, "c"))["errors"] == [refused]
    assert len((await made(4, "d"))["codes"]) == 4
    assert await console.database.fetch("SELECT COUNT(*) FROM code") == [(10,)]
