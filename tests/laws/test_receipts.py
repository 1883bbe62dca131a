"""What is written down of a charge comes to the charge, whatever the price, the group and the rules."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from clinx.domain.money import NANO, round_half_up
from clinx.domain.pricing import Price, Rate, Rates
from clinx.domain.receipt import Factor, Receipt, read, written
from clinx.domain.usage import Unit, Usage

amounts = st.decimals(0, 1000, places=18, allow_nan=False).map(Fraction)
rates = st.dictionaries(
    st.sampled_from(list(Unit)), st.builds(Rate, amounts, st.sampled_from([1, 3, 60, 1000, 10**6])), min_size=1
)
usages = st.builds(Usage, **{unit.value: st.integers(0, 10**4) for unit in Unit})
names = st.text(min_size=1)
numbers = st.decimals(0, 3, places=18, allow_nan=False).map(Fraction)
groups = st.none() | st.builds(Factor, numbers, names) | st.builds(Factor, numbers)
rules = st.lists(st.builds(Factor, numbers, st.none(), names), max_size=3)


@given(rates, usages, groups, rules)
def test_lines_times_factors_are_the_charge(
    by_unit: dict[Unit, Rate], usage: Usage, group: Factor | None, said: list[Factor]
) -> None:
    factors = said if group is None else [group, *said]
    multiplier = Fraction(1)
    for each in factors:
        multiplier *= each.factor
    quote = Price((Rates(by_unit),)).quote(usage, multiplier, {})

    receipt = read(written(quote, map(str, factors)), quote.total)

    if not quote.lines:
        assert receipt is None
        return
    assert receipt is not None
    assert receipt == Receipt(quote.lines, tuple(factors), quote.total)
    exact = sum((line.count * line.rate.amount / line.rate.per for line in receipt.lines), Fraction(0)) * NANO
    for each in receipt.factors:
        exact *= each.factor
    assert round_half_up(exact.numerator, exact.denominator) == quote.total
    assert receipt.is_whole


@given(st.lists(st.text(), min_size=1))
def test_whatever_is_stored_can_be_read(texts: list[str]) -> None:
    receipt = read(texts, round_half_up(5, 1))

    assert receipt is not None
    assert len(receipt.lines) + len(receipt.factors) + len(receipt.notes) == len(texts)
