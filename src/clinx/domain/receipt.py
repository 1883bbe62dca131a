"""What was charged, written down line by line so that people, programs and the next version can read it.

A receipt is kept as short texts, one for each line and each factor: ``8 input at 2.5/1000000``, ``x 0.8 of vip`` (the
group that served), ``x 0.5 by happy-hour`` (a rule). The sum of its lines, times its factors, rounded once, is the
charge. A group's factor is left out where it is one and the group is the caller's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from msgspec import Struct

from clinx.domain.figures import exact
from clinx.domain.money import NANO, Amount, round_half_up
from clinx.domain.pricing import Quote, QuoteLine, Rate
from clinx.domain.usage import Unit

_LINE: Final = re.compile(r"(\d+) (\w+) at ([\d./e+-]+)/(\d+)")
_FACTOR: Final = re.compile(r"x ([\d./eE+-]+)(?: (of|by) (.+))?", re.DOTALL)
_UNITS: Final = {unit.value: unit for unit in Unit}


class Factor(Struct, frozen=True):
    """What the sum of the lines is multiplied by, and on whose account."""

    factor: Fraction
    group: str | None = None
    """The group that served, if it is that group's multiplier."""
    rule: str | None = None
    """The rule that says so, if one does."""

    def __str__(self) -> str:
        """Write ``x 0.8 of vip``: what is kept, and what logs print."""
        name = f" of {self.group}" if self.group is not None else f" by {self.rule}" if self.rule is not None else ""
        return f"x {exact(self.factor)}{name}"


class Receipt(Struct, frozen=True):
    """Why something cost what it cost."""

    lines: tuple[QuoteLine, ...]
    factors: tuple[Factor, ...]
    total: Amount
    notes: tuple[str, ...] = ()
    """What is written down besides, such as on what terms a call was charged whose process died."""

    @classmethod
    def of(cls, quote: Quote, factors: Iterable[Factor]) -> Receipt:
        """Return the receipt of a quote, whose multiplier is the product of the factors."""
        return cls(quote.lines, tuple(factors), quote.total)

    @property
    def multiplier(self) -> Fraction:
        """The product of the factors."""
        product = Fraction(1)
        for each in self.factors:
            product *= each.factor
        return product

    @property
    def is_whole(self) -> bool:
        """Whether lines and factors come to the total.

        They do not where less was written down: by an earlier version, or of a call that nobody saw the end of.
        """
        nano = sum((line.amount for line in self.lines), Fraction(0)) * self.multiplier * NANO
        try:
            return round_half_up(nano.numerator, nano.denominator) == self.total
        except OverflowError:
            return False


def written(quote: Quote, factors: Iterable[str]) -> tuple[str, ...]:
    """Write a quote down with its factors, each as it writes itself; nothing where nothing was priced."""
    return (*[str(line) for line in quote.lines], *factors) if quote.lines else ()


def read(texts: Iterable[str], total: Amount) -> Receipt | None:
    """Read what was written down, as far as it goes; None where nothing was."""
    lines: list[QuoteLine] = []
    factors: list[Factor] = []
    notes: list[str] = []
    for text in texts:
        if (line := _line(text)) is not None:
            lines.append(line)
        elif (factor := _factor(text)) is not None:
            factors.append(factor)
        else:
            notes.append(text)
    if not (lines or factors or notes):
        return None
    return Receipt(tuple(lines), tuple(factors), total, tuple(notes))


def _line(text: str) -> QuoteLine | None:
    found = _LINE.fullmatch(text)
    unit = _UNITS.get(found[2]) if found is not None else None
    amount = None if found is None else _fraction(found[3])
    if found is None or unit is None or amount is None or not int(found[4]):
        return None
    return QuoteLine(unit, int(found[1]), Rate(amount, int(found[4])))


def _factor(text: str) -> Factor | None:
    found = _FACTOR.fullmatch(text)
    factor = None if found is None else _fraction(found[1])
    if found is None or factor is None:
        return None
    return Factor(factor, found[3] if found[2] == "of" else None, found[3] if found[2] == "by" else None)


def _fraction(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
