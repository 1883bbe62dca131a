"""How commands write figures: exact decimals, percentages, amounts, names that may be anybody's text."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from clinx.domain.money import Amount

_DIGITS: Final = 12
"""After the point, where a fraction has no end."""


def decimal(value: Fraction | None) -> str:
    """Write ``2.5``; a dash where there is nothing."""
    if value is None:
        return "-"
    scaled, rest = divmod(abs(value.numerator) * 10**_DIGITS, value.denominator)
    whole, part = divmod(scaled + (2 * rest >= value.denominator), 10**_DIGITS)
    shown = f"{whole}.{part:0{_DIGITS}d}".rstrip("0").rstrip(".")
    return f"-{shown}" if value < 0 else shown


def exact(value: Fraction) -> str:
    """Write all of it: ``2.5``, and ``1/3`` where its decimals have no end."""
    denominator, digits = value.denominator, 0
    while denominator % 10 == 0:
        denominator //= 10
        digits += 1
    for factor in (2, 5):  # At most one of them is left.
        while denominator % factor == 0:
            denominator //= factor
            digits += 1
    if denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    whole, part = divmod(abs(value.numerator) * 10**digits // value.denominator, 10**digits)
    shown = f"{whole}.{part:0{digits}d}" if digits else str(whole)
    return f"-{shown}" if value < 0 else shown


def percent(change: Fraction | None) -> str:
    """Write ``+12.5%``; nothing where no percentage says it."""
    if change is None:
        return ""
    tenths = round(abs(change) * 1000)
    sign = "-" if change < 0 else "+"
    return f"{sign}{tenths // 10}{f'.{tenths % 10}' if tenths % 10 else ''}%" if tenths else "0%"


def share(before: int, after: int) -> Fraction | None:
    """Return by which part a sum moved; None where there was nothing before."""
    return Fraction(after - before, before) if before else None


def money(nano: int) -> str:
    """Write an amount."""
    return str(Amount(nano))


def printable(text: str) -> str:
    """Return a text that cannot do anything to a terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)
