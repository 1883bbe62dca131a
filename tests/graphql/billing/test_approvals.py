from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from clinx.accounts import users
from clinx.domain.console import SecondPerson
from clinx.domain.identity import Role, Status, User
from clinx.domain.money import Amount
from clinx.graphql.ids import to_id
from support.database import START

RULE = SecondPerson(Amount.parse("100"), timedelta(days=2))
ADJUST = """
mutation ($input: UserAdjustBalanceInput!) {
  userAdjustBalance(input: $input) { balance { total } repeated proposal { id by state } errors { code } }
}"""
APPROVE = """
mutation ($input: BalanceAdjustmentInput!) {
  balanceAdjustmentApprove(input: $input) {
    adjustment { state decidedBy { name } decidedAt } balance { total } repeated errors { code }
  }
}"""
REJECT = """
mutation ($input: BalanceAdjustmentInput!) {
  balanceAdjustmentReject(input: $input) { adjustment { state decidedBy { name } } repeated errors { code } }
}"""


@pytest.fixture(autouse=True)
def _rule(console):
    console.snapshot = replace(console.snapshot, console=replace(console.snapshot.console, second_person=RULE))


@pytest.fixture
async def people(console) -> tuple[User, User, User]:
    """A user and two operators."""
    operators = [await console.user(name, role=Role.ADMIN) for name in ("ada", "bea")]
    return await console.user("ann"), operators[0], operators[1]


async def adjust(console, who: User, whom: User, by: str = "200") -> Any:
    asked = {"user": to_id("User", whom.id), "by": by, "reason": "sorry", "idempotencyKey": "key-1"}
    return (await console.ask(who, ADJUST, input=asked))["userAdjustBalance"]


async def propose(console, who: User, whom: User) -> str:
    return (await adjust(console, who, whom))["proposal"]["id"]


async def done(console, text: str, who: User, id_: str, **how: Any) -> Any:
    (payload,) = (await console.ask(who, text, context=console.context(who, **how), input={"id": id_})).values()
    return payload


async def failed(console, text: str, who: User, id_: str, **how: Any) -> str:
    (error,) = (await done(console, text, who, id_, **how))["errors"]
    return error["code"]


async def test_much_is_given_when_another_person_approves_it(console, people):
    ann, ada, bea = people
    told = await adjust(console, ada, ann)
    assert (told["balance"], told["repeated"], told["errors"]) == ({"total": "0"}, False, [])
    assert (told["proposal"]["by"], told["proposal"]["state"]) == ("200", "PENDING")
    number = told["proposal"]["id"]

    given = await done(console, APPROVE, bea, number)

    assert given == {
        "adjustment": {"state": "APPROVED", "decidedBy": {"name": "bea"}, "decidedAt": "2030-01-01T00:00:00Z"},
        "balance": {"total": "200"},
        "repeated": False,
        "errors": [],
    }
    assert await done(console, APPROVE, bea, number) == {**given, "repeated": True}
    again = await adjust(console, ada, ann)
    assert (again["repeated"], again["proposal"]["state"]) == (True, "APPROVED")
    assert await console.sum_of(ann.account) == "200"


async def test_many_approvals_at_once_give_once(console, people):
    ann, ada, bea = people
    number = await propose(console, ada, ann)

    told = await asyncio.gather(*(done(console, APPROVE, bea, number) for _ in range(4)))

    assert [each["repeated"] for each in told].count(False) == 1
    assert await console.sum_of(ann.account) == "200"


async def test_nobody_approves_what_they_proposed_or_what_is_for_themselves(console, people):
    ann, ada, bea = people
    number = await propose(console, ada, ann)
    root = await console.user("rod", role=Role.ROOT)
    for_bea = await propose(console, root, bea)

    assert await failed(console, APPROVE, ada, number) == "not_the_proposer"
    assert await failed(console, APPROVE, bea, for_bea) == "not_yourself"
    assert await failed(console, APPROVE, ada, for_bea) == "role_too_low"
    assert [await console.sum_of(each.account) for each in (ann, bea)] == ["0", "0"]


async def test_an_approval_takes_a_person_with_a_fresh_proof(console, people):
    ann, ada, bea = people
    number = await propose(console, ada, ann)

    by_key = console.context(bea, access_key=1)
    assert await console.refused(bea, APPROVE, context=by_key, input={"id": number}) == "session_required"
    assert await failed(console, APPROVE, bea, number, is_fresh=False) == "step_up_required"
    assert await console.refused(ann, APPROVE, input={"id": number}) == "forbidden"
    assert await console.sum_of(ann.account) == "0"


async def test_what_somebody_proposed_who_may_not_any_more_is_not_approved(console, people):
    ann, ada, bea = people
    number = await propose(console, ada, ann)

    demoted = await users.change(console.database, ada, role=Role.USER, at=START)
    assert await failed(console, APPROVE, bea, number) == "proposer_not_allowed"
    restored = await users.change(console.database, demoted, role=Role.ADMIN, at=START)
    await users.change(console.database, restored, status=Status.DISABLED, at=START)
    assert await failed(console, APPROVE, bea, number) == "proposer_not_allowed"
    assert (await done(console, REJECT, bea, number))["adjustment"]["state"] == "REJECTED"


async def test_who_fell_below_whom_they_gave_to_gives_them_nothing(console, people):
    ann, _, bea = people
    roots = [await console.user(name, role=Role.ROOT) for name in ("rod", "ron")]
    for_himself, for_admin = await propose(console, roots[0], roots[0]), await propose(console, roots[1], bea)
    rod = await users.change(console.database, roots[0], role=Role.ADMIN, at=START)

    assert await failed(console, APPROVE, roots[1], for_himself) == "proposer_not_allowed"
    await users.change(console.database, rod, role=Role.ROOT, at=START)
    await users.change(console.database, roots[1], role=Role.ADMIN, at=START)
    assert (
        await failed(console, APPROVE, await console.user("rex", role=Role.ROOT), for_admin) == "proposer_not_allowed"
    )
    assert await console.sum_of(ann.account) == await console.sum_of(bea.account) == "0"


async def test_a_proposal_is_rejected_or_taken_back(console, people):
    ann, ada, bea = people
    number = await propose(console, ada, ann)

    told = await done(console, REJECT, ada, number)

    rejected = {"adjustment": {"state": "REJECTED", "decidedBy": {"name": "ada"}}, "errors": []}
    assert told == {**rejected, "repeated": False}
    assert await done(console, REJECT, ada, number) == {**rejected, "repeated": True}
    assert await failed(console, APPROVE, bea, number) == "adjustment_decided"
    assert await failed(console, REJECT, bea, number) == "adjustment_decided"
    assert await console.sum_of(ann.account) == "0"


@pytest.mark.parametrize("text", [APPROVE, REJECT], ids=["approve", "reject"])
async def test_what_is_not_there_or_too_old_is_said(console, people, clock, text: str):
    ann, ada, bea = people
    number = await propose(console, ada, ann)
    clock.advance(2 * 86_400)

    assert await failed(console, text, bea, number) == "adjustment_expired"
    assert await failed(console, text, bea, to_id("BalanceAdjustment", 999)) == "not_found"
    assert await failed(console, text, bea, to_id("User", ann.id)) == "invalid_id"
    assert await console.sum_of(ann.account) == "0"


async def test_both_persons_are_in_the_audit_log(console, people):
    ann, ada, bea = people
    await done(console, APPROVE, bea, await propose(console, ada, ann))

    rows = await console.database.fetch("SELECT actor, operation, after_json FROM audit_log ORDER BY id")

    assert [tuple(row) for row in rows] == [
        ("user:ada", "userAdjustBalance", '{"balance":"0"}'),
        (
            "user:bea",
            "balanceAdjustmentApprove",
            f'{{"user":{ann.id},"by":"200","proposer":"user:ada","state":"approved"}}',
        ),
    ]


async def test_who_gave_it_is_told_to_operators_alone(console, people):
    ann, ada, bea = people
    await done(console, APPROVE, bea, await propose(console, ada, ann))

    asked = """
    query ($filter: LedgerEntryFilter) {
      ledgerEntries(first: 1, filter: $filter) { edges { node { facts { name } } } }
    }"""
    seen = {who.name: await console.ask(who, asked, filter={"user": to_id("User", ann.id)}) for who in (ann, bea)}

    assert {
        name: [fact["name"] for fact in page["ledgerEntries"]["edges"][0]["node"]["facts"]]
        for name, page in seen.items()
    } == {"ann": ["reason"], "bea": ["actor", "reason", "approved_by"]}
