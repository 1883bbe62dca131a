from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from clinx.domain.money import Amount
from clinx.policies.budget import BudgetRule, Per, begin, next_period, number
from clinx.policies.subject import Scope
from clinx.state.base import Purse
from clinx.state.keys import PURSE_LIFETIME
from support.gates import subject

LAST = datetime(2031, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)
"""The last half second of a year."""


@pytest.mark.parametrize(
    ("per", "first", "following"),
    [
        (Per.HOUR, datetime(2031, 12, 31, 23, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC)),
        (Per.DAY, datetime(2031, 12, 31, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC)),
        (Per.MONTH, datetime(2031, 12, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC)),
        (Per.TOTAL, datetime(1970, 1, 1, tzinfo=UTC), None),
    ],
)
def test_periods_are_those_of_the_calendar(per: Per, first: datetime, following: datetime | None) -> None:
    assert (begin(per, LAST), next_period(per, LAST)) == (first, following)
    assert number(per, first) == number(per, LAST)
    if following is not None:
        assert number(per, following) == number(per, LAST) + 1


@pytest.mark.parametrize("per", Per)
def test_periods_are_the_same_for_processes_in_any_zone(per: Per) -> None:
    there = LAST.astimezone(timezone(timedelta(hours=-8)))

    assert (begin(per, there), next_period(per, there)) == (begin(per, LAST), next_period(per, LAST))
    assert number(per, there) == number(per, LAST)


def test_a_purse_is_of_the_rule_its_period_and_the_subject() -> None:
    rule = BudgetRule("cap", Amount(100), Per.MONTH, (Scope.TOKEN, Scope.MODEL))

    claim = rule.claim(subject(), LAST)

    assert claim == Purse("clinx:purse:cap:month:token=70,model=gpt-4o", 100, 2031 * 12 + 11, PURSE_LIFETIME)


def test_a_spent_budget_says_when_it_begins_anew() -> None:
    error = BudgetRule("cap", Amount(100_000_000_000), Per.MONTH, message="Ask finance.").refusal(LAST)

    assert error.message == "Ask finance. The budget 'cap' of 100 per month for this token is spent."
    assert (error.hint, error.retry_after) == ("It begins anew at 2032-01-01 00:00 UTC.", 1.0)


def test_one_without_periods_says_nothing_of_when() -> None:
    error = BudgetRule("gift", Amount(5_000_000_000), Per.TOTAL, (Scope.USER,)).refusal(LAST)

    assert (error.message, error.hint, error.retry_after) == (
        "The budget 'gift' of 5 for this user is spent.",
        None,
        None,
    )
