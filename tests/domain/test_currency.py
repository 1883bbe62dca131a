from fractions import Fraction

import pytest

from clinx.domain.currency import Currency


@pytest.mark.parametrize(
    ("code", "units", "price", "written"),
    [
        ("USD", "10", 1000, "10.00"),
        ("CNY", "73.001", 7301, "73.01"),
        ("JPY", "100.2", 101, "101.00"),
        ("KWD", "1.2341", 1240, "1.24"),
        ("ISK", "5.01", 600, "6.00"),
        ("UGX", "5", 500, "5.00"),
        ("USD", "0.0000001", 1, "0.01"),
    ],
)
def test_a_price_is_rounded_up_to_what_can_be_paid(code: str, units: str, price: int, written: str):
    currency = Currency.of(code)

    assert currency.round_up(Fraction(units)) == price
    assert currency.write(price) == written
    assert currency.units(price) == Fraction(written)


def test_what_two_decimals_cannot_write_is_no_price():
    with pytest.raises(ValueError, match="not a price in KWD: 1234"):
        Currency.of("KWD").write(1234)
