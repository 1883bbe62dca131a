from __future__ import annotations

from fractions import Fraction

import pytest

from clinx.domain.figures import decimal, exact, money, percent, printable, share


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(5, 2), "2.5"),
        (Fraction(-1, 4), "-0.25"),
        (Fraction(1, 3), "0.333333333333"),
        (Fraction(2, 3), "0.666666666667"),
        (Fraction(10**15), "1000000000000000"),
        (None, "-"),
    ],
)
def test_decimals_are_exact_where_they_end(value: Fraction | None, text: str) -> None:
    assert decimal(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(5, 2), "2.5"),
        (Fraction(-1, 4), "-0.25"),
        (Fraction("0.000000000000000001"), "0.000000000000000001"),
        (Fraction(1, 3), "1/3"),
        (Fraction(-5, 6), "-5/6"),
        (Fraction(0), "0"),
        (Fraction(1200), "1200"),
    ],
)
def test_nothing_of_a_number_is_left_out(value: Fraction, text: str) -> None:
    assert exact(value) == text
    assert Fraction(text) == value


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Fraction(1, 5), "+20%"),
        (Fraction(-1, 8), "-12.5%"),
        (Fraction(0), "0%"),
        (Fraction(1, 3), "+33.3%"),
        (None, ""),
    ],
)
def test_percentages_have_a_sign(change: Fraction | None, text: str) -> None:
    assert percent(change) == text


def test_a_share_of_nothing_is_none() -> None:
    assert share(0, 5) is None
    assert share(4, 5) == Fraction(1, 4)


def test_amounts_are_written_exactly() -> None:
    assert money(1_250_000_000) == "1.25"


def test_what_could_move_a_cursor_is_replaced() -> None:
    assert printable("a\x1b[2Jb\n") == "a�[2Jb�"
