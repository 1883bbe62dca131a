"""The gate, over counters of this process and, where there is one, over Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from clinx.domain.money import Amount
from clinx.domain.usage import Usage
from clinx.errors import BudgetSpent, LimitsUnavailable, RateLimited
from clinx.policies.budget import BudgetRule, Per
from clinx.policies.gate import RENEW_SECONDS, Gate, Outcome, Rule, Ticket
from clinx.policies.limit import LimitRule, Measure
from clinx.policies.subject import Scope, Subject
from clinx.state.base import Change, Claim, Counters, Purse, Refused, Slots, StateAway, Taken, Unknown
from clinx.state.memory import MemoryCounters
from support.counters import Counting
from support.database import Clock
from support.gates import Entrance, subject

DONE = Outcome(success=True, usage=Usage(input=60, output=40), charge=Amount(300))
FAILED = Outcome(success=False)


def requests(counting: Counting, most: int, **more: Any) -> LimitRule:
    return LimitRule(f"requests-{counting.id}", Measure.REQUESTS, most, 60_000, **more)


def budget(name: str, nano: int, per: Per = Per.DAY, **more: Any) -> BudgetRule:
    return BudgetRule(f"budget-{name}", Amount(nano), per, **more)


async def passes(gate: Gate, rules: Sequence[Rule], who: Subject | None = None) -> bool:
    try:
        await gate.enter(rules, who or subject())
    except (RateLimited, BudgetSpent):
        return False
    return True


async def test_without_rules_nothing_is_taken_and_nothing_told(counting: Counting) -> None:
    entrance = Entrance.over(counting)

    assert await entrance.gate.enter((), subject()) is None
    await entrance.gate.leave(None, DONE)


async def test_each_subject_is_counted_apart(counting: Counting) -> None:
    gate, rule = Entrance.over(counting).gate, requests(counting, 1)

    passed = [await passes(gate, [rule], subject(user)) for user in (1, 2, 1)]

    assert passed == [True, True, False]


async def test_a_refusal_takes_nothing_of_any_rule_and_says_which_one_it_was(counting: Counting) -> None:
    entrance = Entrance.over(counting)
    wide = requests(counting, 3)
    narrow = LimitRule(f"narrow-{counting.id}", Measure.REQUESTS, 1, 60_000, of=(Scope.TOKEN,))
    assert await passes(entrance.gate, [wide, narrow])

    with pytest.raises(RateLimited, match="narrow") as refused:
        await entrance.gate.enter([wide, narrow], subject())

    assert refused.value.retry_after == 61
    assert entrance.refused == [narrow.name]
    assert [await passes(entrance.gate, [wide]) for _ in range(3)] == [True, True, False]


async def test_a_failed_request_is_given_back_where_only_successes_count(counting: Counting) -> None:
    gate, rule = Entrance.over(counting).gate, requests(counting, 1, success_only=True)
    await gate.leave(await gate.enter([rule], subject()), FAILED)
    await gate.leave(await gate.enter([rule], subject()), DONE)

    assert not await passes(gate, [rule])


async def test_what_did_not_begin_is_given_back_whole_and_spends_no_budget(counting: Counting) -> None:
    gate = Entrance.over(counting).gate
    slots = LimitRule(f"slots-{counting.id}", Measure.CONCURRENCY, 1)
    rules = [requests(counting, 1), slots, budget(counting.id, 1)]

    await gate.leave(await gate.enter(rules, subject()), None)

    assert [await passes(gate, rules) for _ in range(2)] == [True, False]


async def test_leaving_twice_gives_nothing_back_twice(counting: Counting) -> None:
    gate, rule = Entrance.over(counting).gate, requests(counting, 2, success_only=True)
    first = await gate.enter([rule], subject())
    await gate.enter([rule], subject())
    await gate.leave(first, FAILED)
    await gate.leave(first, FAILED)

    assert [await passes(gate, [rule]) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(("measure", "most"), [(Measure.TOKENS, 150), (Measure.AMOUNT, 450)])
async def test_tokens_and_money_let_in_until_what_was_used_reaches_the_limit(
    counting: Counting, measure: Measure, most: int
) -> None:
    gate = Entrance.over(counting).gate
    rule = LimitRule(f"{measure}-{counting.id}", measure, most, 60_000)
    for _ in range(2):
        await gate.leave(await gate.enter([rule], subject()), DONE)
    full = await passes(gate, [rule])
    await counting.advance(61)

    assert not full
    assert await passes(gate, [rule])


async def test_a_slot_is_free_when_its_call_has_ended_and_not_before(counting: Counting) -> None:
    gate = Entrance.over(counting).gate
    rule = LimitRule(f"slots-{counting.id}", Measure.CONCURRENCY, 1)
    ticket = await gate.enter([rule], subject())
    for _ in range(3):
        await counting.advance(50)
        await gate.renew()
    while_running = await passes(gate, [rule])
    await gate.leave(ticket, FAILED)

    assert not while_running
    assert await passes(gate, [rule])


async def test_a_budget_begins_with_what_the_ledger_says_and_asks_once(counting: Counting) -> None:
    entrance = Entrance.over(counting)
    entrance.ledger = Amount(500)
    rule = budget(counting.id, 1000, of=(Scope.USER,))
    for _ in range(2):
        await entrance.gate.leave(await entrance.gate.enter([rule], subject()), DONE)

    with pytest.raises(BudgetSpent, match=rule.name) as refused:
        await entrance.gate.enter([rule], subject())

    assert entrance.asked == [(subject(), (Scope.USER,), counting.clock.instant)]
    assert refused.value.retry_after == 86_400
    assert refused.value.hint == "It begins anew at 2030-01-02 00:00 UTC."
    await counting.advance(86_400)
    assert await passes(entrance.gate, [rule])
    assert len(entrance.asked) == 1


async def test_many_first_calls_ask_the_ledger_once(counting: Counting) -> None:
    entrance = Entrance.over(counting)
    rule = budget(counting.id, 1000)

    await asyncio.gather(*(entrance.gate.enter([rule], subject()) for _ in range(20)))

    assert len(entrance.asked) == 1


async def test_what_the_ledger_cannot_say_is_not_guessed(counting: Counting) -> None:
    entrance = Entrance.over(counting)
    entrance.ledger = None

    with pytest.raises(LimitsUnavailable):
        await entrance.gate.enter([budget(counting.id, 1000)], subject())


async def test_answers_tell_what_is_left_of_the_tightest_limit_of_requests(counting: Counting) -> None:
    gate = Entrance.over(counting).gate
    fixed = LimitRule(f"fixed-{counting.id}", Measure.REQUESTS, 5, 3_600_000, sliding=False)
    tokens = LimitRule(f"tokens-{counting.id}", Measure.TOKENS, 5, 60_000)
    await counting.advance(600)

    ticket = await gate.enter([requests(counting, 60), fixed, tokens], subject())
    only_tokens = await gate.enter([tokens], subject())

    assert isinstance(ticket, Ticket)
    assert isinstance(only_tokens, Ticket)
    assert ticket.headers == {
        "x-ratelimit-limit-requests": "5",
        "x-ratelimit-remaining-requests": "4",
        "x-ratelimit-reset-requests": "3000s",
    }
    assert only_tokens.headers == {}


class Shared:
    """Counters that processes share, and that may be away."""

    def __init__(self, clock: Clock) -> None:
        self.inner: Counters = MemoryCounters(clock.now)
        self.away = False

    def _ask(self) -> Counters:
        if self.away:
            raise StateAway("away")
        return self.inner

    async def take(self, holder: str, claims: Sequence[Claim]) -> Taken | Refused | Unknown:
        return await self._ask().take(holder, claims)

    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        await self._ask().settle(holder, changes)

    async def tell(self, purse: Purse, amount: int) -> None:
        await self._ask().tell(purse, amount)

    async def renew(self, held: Sequence[tuple[str, Slots]]) -> None:
        await self._ask().renew(held)

    async def close(self) -> None:
        await self.inner.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(clock: Clock) -> Shared:
    return Shared(clock)


async def test_while_shared_counters_are_away_this_process_counts_for_itself_and_says_so(
    shared: Shared, clock: Clock
) -> None:
    entrance, rule = Entrance.of(shared, clock), LimitRule("few", Measure.REQUESTS, 2, 60_000)
    assert [await passes(entrance.gate, [rule]) for _ in range(3)] == [True, True, False]
    shared.away = True
    while_away = [await passes(entrance.gate, [rule]) for _ in range(3)]
    shared.away = False

    assert while_away == [True, True, False]
    assert entrance.unshared == 3
    assert not await passes(entrance.gate, [rule])


async def test_what_one_absence_counted_is_not_remembered_in_the_next(shared: Shared, clock: Clock) -> None:
    entrance, rule = Entrance.of(shared, clock), LimitRule("few", Measure.REQUESTS, 1, 3_600_000)
    shared.away = True
    assert await passes(entrance.gate, [rule])
    shared.away = False
    await passes(entrance.gate, [rule])
    shared.away = True

    assert await passes(entrance.gate, [rule])


async def test_a_closed_rule_refuses_while_they_are_away(shared: Shared, clock: Clock) -> None:
    entrance = Entrance.of(shared, clock)
    rules = [LimitRule("open", Measure.REQUESTS, 1, 60_000), budget("closed", 9, closed=True)]
    shared.away = True

    with pytest.raises(LimitsUnavailable) as refused:
        await entrance.gate.enter(rules, subject())

    assert (refused.value.retry_after, entrance.unshared) == (1.0, 0)


async def test_what_was_spent_meanwhile_is_told_when_they_are_back(shared: Shared, clock: Clock) -> None:
    entrance, rule = Entrance.of(shared, clock), budget("owed", 1000)
    before = await entrance.gate.enter([rule], subject())
    shared.away = True
    meanwhile = [await entrance.gate.enter([rule], subject()) for _ in range(2)]
    for ticket in (before, *meanwhile):
        await entrance.gate.leave(ticket, DONE)
    await entrance.gate.renew()
    shared.away = False
    assert await passes(entrance.gate, [rule])

    await entrance.gate.renew()
    await entrance.gate.renew()
    ticket = await entrance.gate.enter([rule], subject())
    await entrance.gate.leave(ticket, DONE)

    assert not await passes(entrance.gate, [rule])


async def test_what_a_purse_is_told_anew_by_the_ledger_is_not_told_twice(shared: Shared, clock: Clock) -> None:
    entrance, rule = Entrance.of(shared, clock), budget("lost", 1000)
    ticket = await entrance.gate.enter([rule], subject())
    shared.away = True
    await entrance.gate.leave(ticket, DONE)
    shared.away, shared.inner = False, MemoryCounters(clock.now)
    entrance.ledger = Amount(300)

    assert await passes(entrance.gate, [rule])
    await entrance.gate.renew()
    for _ in range(2):
        await entrance.gate.leave(await entrance.gate.enter([rule], subject()), DONE)

    assert await passes(entrance.gate, [rule])


async def test_slots_that_this_process_counts_are_kept_while_others_cannot_be(shared: Shared, clock: Clock) -> None:
    entrance, rule = Entrance.of(shared, clock), LimitRule("few", Measure.CONCURRENCY, 1)
    await entrance.gate.enter([rule], subject())
    shared.away = True
    await entrance.gate.enter([rule], subject())

    for _ in range(6):
        clock.advance(RENEW_SECONDS)
        await entrance.gate.renew()

    assert not await passes(entrance.gate, [rule])
