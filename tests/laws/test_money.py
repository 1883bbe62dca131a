from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from clinx.domain.money import MAX_NANO, NANO, Amount, round_half_up, round_up

amounts = st.integers(-MAX_NANO, MAX_NANO).map(Amount)


@given(amounts)
def test_what_is_written_is_read_back(amount: Amount):
    assert Amount.parse(str(amount)) == amount
    assert Decimal(str(amount)) * NANO == amount.nano


@given(st.integers(0, 10**30), st.integers(1, 10**15))
def test_rounding_is_the_nearest_and_never_below_for_holds(numerator: int, denominator: int):
    exact = Fraction(numerator, denominator)
    if exact >= MAX_NANO:
        return
    nearest, above = round_half_up(numerator, denominator).nano, round_up(numerator, denominator).nano
    assert -Fraction(1, 2) < nearest - exact <= Fraction(1, 2)
    assert 0 <= above - exact < 1


@given(st.integers(0, MAX_NANO // 2000))
def test_quota_units_of_other_systems_convert_without_rounding(quota: int):
    assert Fraction(quota, 500_000) * NANO == Amount(quota * 2000).nano
