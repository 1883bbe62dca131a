"""Currencies as payment providers count them: whole numbers of a smallest unit."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from msgspec import Struct

_WHOLE: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THOUSANDTHS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_HUNDREDTHS_IN_NAME: Final = frozenset({"ISK", "UGX"})
"""Counted in hundredths, but only whole units can be paid."""


class Currency(Struct, frozen=True):
    """A currency: how many digits its smallest unit is behind the point, and what a price is a multiple of."""

    code: str
    """As ISO 4217 has it: ``USD``."""
    digits: int
    step: int = 1
    """In smallest units; a price is a multiple of it, so that two decimals write it exactly."""

    @classmethod
    def of(cls, code: str) -> Currency:
        """Return the currency of a code; one that is not known here has two digits."""
        if code in _WHOLE:
            return cls(code, 0)
        if code in _THOUSANDTHS:
            return cls(code, 3, 10)
        return cls(code, 2, 100 if code in _HUNDREDTHS_IN_NAME else 1)

    def round_up(self, units: Fraction) -> int:
        """Return the smallest price, in smallest units, that is not below so many whole units."""
        numerator, denominator = (units * 10**self.digits / self.step).as_integer_ratio()
        return -(-numerator // denominator) * self.step

    def units(self, price: int) -> Fraction:
        """Return a price in whole units, exactly."""
        return Fraction(price, 10**self.digits)

    def write(self, price: int) -> str:
        """Write a price with two decimals: ``73.00``, also where the currency has none."""
        hundredths, rest = divmod(price * 100, 10**self.digits)
        if rest:
            raise ValueError(f"not a price in {self.code}: {price}")
        return f"{hundredths // 100}.{hundredths % 100:02d}"
