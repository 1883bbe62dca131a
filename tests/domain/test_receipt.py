from __future__ import annotations

from fractions import Fraction

import pytest

from clinx.domain.money import Amount
from clinx.domain.pricing import Price, Quote, QuoteLine, Rate, Rates
from clinx.domain.receipt import Factor, Receipt, read, written
from clinx.domain.usage import Unit, Usage

PRICE = Price((Rates({Unit.INPUT: Rate(Fraction("2.5"), 10**6), Unit.OUTPUT: Rate(Fraction(10), 10**6)}),))
VIP = Factor(Fraction("0.8"), group="vip")
RULE = Factor(Fraction("0.5"), rule="happy hour: x 2 of vip")


def quoted(multiplier: str = "0.4") -> Quote:
    return PRICE.quote(Usage(input=8, output=51), Fraction(multiplier), {})


def test_it_is_written_as_lines_that_people_can_read() -> None:
    assert written(quoted(), [str(VIP), str(RULE)]) == (
        "8 input at 2.5/1000000",
        "51 output at 10/1000000",
        "x 0.8 of vip",
        "x 0.5 by happy hour: x 2 of vip",
    )


def test_what_is_written_is_read_again_and_comes_to_the_charge() -> None:
    receipt = read(written(quoted(), [str(VIP), str(RULE)]), quoted().total)

    assert receipt == Receipt(quoted().lines, (VIP, RULE), Amount(212_000))
    assert receipt is not None
    assert (receipt.multiplier, receipt.is_whole) == (Fraction("0.4"), True)


def test_nothing_is_written_where_nothing_was_priced() -> None:
    assert written(PRICE.quote(Usage(call=1), Fraction(1), {}), [str(VIP)]) == ()
    assert read((), Amount(0)) is None


def test_a_factor_may_be_nobody_s() -> None:
    receipt = read(written(quoted("0.3"), [str(Factor(Fraction("0.3")))]), quoted("0.3").total)

    assert receipt is not None
    assert (receipt.factors, receipt.is_whole) == ((Factor(Fraction("0.3")),), True)


def test_a_rate_is_written_to_its_last_digit() -> None:
    rate = Rate(Fraction("0.000000000000000001"), 3)

    receipt = read([str(QuoteLine(Unit.CALL, 1, rate)), str(Factor(Fraction(1, 3)))], Amount(0))

    assert receipt is not None
    assert (receipt.lines[0].rate, receipt.factors[0].factor) == (rate, Fraction(1, 3))


def test_what_an_earlier_version_wrote_is_read_as_far_as_it_goes() -> None:
    receipt = read(["8 input at 1e-05/1", "x 5E-7 by night"], Amount(212_000))

    assert receipt is not None
    assert receipt.lines == (QuoteLine(Unit.INPUT, 8, Rate(Fraction("0.00001"), 1)),)
    assert receipt.factors == (Factor(Fraction("0.0000005"), rule="night"),)
    assert not receipt.is_whole


@pytest.mark.parametrize(
    "text",
    [
        "estimated: metered",
        "8 souls at 2.5/1000000",
        "8 input at 2.5/0",
        "8 input at 1/0/5",
        "8 input at ./5",
        "x . of y",
    ],
)
def test_what_is_no_line_is_a_note(text: str) -> None:
    assert read([text], Amount(5)) == Receipt((), (), Amount(5), (text,))


def test_what_no_ledger_could_hold_comes_to_nothing() -> None:
    receipt = read([f"{10**18} input at 1000/1"], Amount(5))

    assert receipt is not None
    assert not receipt.is_whole
