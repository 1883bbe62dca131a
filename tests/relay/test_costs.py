from fractions import Fraction

import pytest

from clinx.billing.estimate import Cover
from clinx.domain.ledger import Unresolved
from clinx.domain.money import Amount
from clinx.domain.pricing import Rate, Rates
from clinx.domain.usage import Unit
from clinx.relay.costs import if_killed
from support.channels import channel

COVER = Cover(100, 500, 2000)
"""What is held for: of a prompt 100 tokens, of its answer 500 so far."""


def rates(**nano: int) -> Rates:
    return Rates({Unit(unit): Rate(Fraction(amount, 10**9), 1) for unit, amount in nano.items()})


PAID = rates(input=2, output=10, reasoning=12, call=7)


@pytest.mark.parametrize(
    ("unresolved", "prompt_bytes", "made", "cost"),
    [
        (Unresolved.METERED, 80, 0, 20 * 2 + 7),
        (Unresolved.METERED, 80, 30, 20 * 2 + 30 * 10 + 7),
        (Unresolved.METERED, 8000, 30, 100 * 2 + 30 * 10 + 7),
        (Unresolved.METERED, 80, 900, 20 * 2 + 500 * 10 + 7),
        (Unresolved.HOLD, 80, 30, 100 * 2 + 500 * 12 + 7),
    ],
    ids=["prompt", "answer", "a prompt beyond the hold", "an answer beyond the hold", "all that is held"],
)
def test_a_killed_call_costs_what_it_is_charged_for(
    unresolved: Unresolved, prompt_bytes: int, made: int, cost: int
) -> None:
    assert if_killed(channel(cost=PAID, unresolved=unresolved), prompt_bytes, COVER, made) == Amount(cost)


def test_of_a_call_that_is_charged_nothing_nobody_knows_what_the_vendor_bills() -> None:
    assert if_killed(channel(cost=PAID, unresolved=Unresolved.VOID), 80, COVER, 30) is None


@pytest.mark.parametrize("unresolved", Unresolved)
def test_a_channel_that_says_nothing_costs_nobody_knows_what(unresolved: Unresolved) -> None:
    assert if_killed(channel(unresolved=unresolved), 80, COVER, 30) is None


@pytest.mark.parametrize("unresolved", [Unresolved.METERED, Unresolved.HOLD])
def test_what_no_ledger_holds_is_not_known(unresolved: Unresolved) -> None:
    assert if_killed(channel(cost=rates(input=10**19), unresolved=unresolved), 80, COVER) is None
