import pytest

from clinx.domain.money import MAX_NANO, NANO, ZERO, Amount, round_half_up, round_up


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("-0", 0),
        ("1", NANO),
        ("2.50", 2_500_000_000),
        ("-0.000000001", -1),
        ("+3", 3 * NANO),
        ("1e-9", 1),
        ("9223372036.854775807", MAX_NANO),
        (" 1 ", NANO),
        ("0.000002", 2_000),  # One quota unit of other systems, 1/500,000, is exactly 2,000 nano-units.
    ],
)
def test_decimal_strings_are_read_exactly(text: str, nano: int):
    assert Amount.parse(text) == Amount(nano)


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "-Infinity", "0.0000000001", "1,5", "0x10"])
def test_what_is_no_amount_is_refused(text: str):
    with pytest.raises(ValueError, match=r"amount|nano"):
        Amount.parse(text)


@pytest.mark.parametrize("text", ["9223372036.854775808", "1e30", "1e999999999", "1e-999999999", "-1e31"])
def test_what_no_column_holds_is_refused_cheaply(text: str):
    with pytest.raises(OverflowError, match="out of range"):
        Amount.parse(text)


def test_arithmetic_stays_within_the_column():
    assert Amount(5) - Amount(7) == Amount(-2) == -Amount(2)
    assert bool(Amount(1)) is True
    assert bool(ZERO) is False
    assert sorted([Amount(2), Amount(-1)]) == [Amount(-1), Amount(2)]
    with pytest.raises(OverflowError):
        _ = Amount(MAX_NANO) + Amount(1)
    with pytest.raises(OverflowError):
        _ = Amount(-MAX_NANO) - Amount(1)


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "0"), (1, "0.000000001"), (-1, "-0.000000001"), (2_500_000, "0.0025"), (-3 * NANO, "-3"), (10 * NANO, "10")],
)
def test_the_shortest_exact_string_is_written(nano: int, text: str):
    assert str(Amount(nano)) == text


@pytest.mark.parametrize(
    ("numerator", "denominator", "half_up", "up"),
    [(0, 1, 0, 0), (1, 3, 0, 1), (1, 2, 1, 1), (3, 2, 2, 2), (149, 100, 1, 2), (4, 2, 2, 2)],
)
def test_rounding(numerator: int, denominator: int, half_up: int, up: int):
    assert round_half_up(numerator, denominator) == Amount(half_up)
    assert round_up(numerator, denominator) == Amount(up)


@pytest.mark.parametrize(("numerator", "denominator"), [(-1, 1), (1, 0), (1, -1)])
def test_only_charges_are_rounded(numerator: int, denominator: int):
    with pytest.raises(ValueError, match="quotient"):
        round_half_up(numerator, denominator)
