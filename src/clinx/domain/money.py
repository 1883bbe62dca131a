"""Amounts: integers of nano-units of the ledger's one currency, and the only rounding in the house."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct

NANO: Final = 1_000_000_000
"""Nano-units in one unit of currency (1 USD = 10**9)."""

_MAX_EXPONENT: Final = 30
"""Beyond this an amount is out of range whatever its digits: keeps ``1e999999999`` from costing anything."""

MAX_NANO: Final = 2**63 - 1
"""What a signed 64-bit column holds; about 9.2 billion units of currency."""


class Amount(Struct, frozen=True, order=True, gc=False):
    """A signed sum of money, in nano-units."""

    nano: int

    def __post_init__(self) -> None:
        """Refuse what a ledger column cannot hold.

        Raises:
            OverflowError: the magnitude needs more than 63 bits.
        """
        if not -MAX_NANO <= self.nano <= MAX_NANO:
            message = f"amount out of range: {self.nano} nano"
            raise OverflowError(message)

    @classmethod
    def parse(cls, text: str) -> Amount:
        """Read a decimal string such as ``"2.50"``, exactly.

        Raises:
            ValueError: not a finite decimal number, or finer than one nano-unit.
            OverflowError: too large for the ledger.
        """
        try:
            value = Decimal(text)
        except ArithmeticError:
            message = f"not a decimal amount: {text!r}"
            raise ValueError(message) from None
        if not value.is_finite():
            message = f"not a finite amount: {text!r}"
            raise ValueError(message)
        if abs(value.adjusted()) > _MAX_EXPONENT:
            message = f"amount out of range: {text!r}"
            raise OverflowError(message)
        numerator, denominator = value.as_integer_ratio()
        nano, rest = divmod(numerator * NANO, denominator)
        if rest:
            message = f"finer than one nano-unit: {text!r}"
            raise ValueError(message)
        return cls(nano)

    def __add__(self, other: Amount) -> Amount:
        """Add two amounts of the same currency."""
        return Amount(self.nano + other.nano)

    def __sub__(self, other: Amount) -> Amount:
        """Subtract an amount of the same currency."""
        return Amount(self.nano - other.nano)

    def __neg__(self) -> Amount:
        """Turn a debit into a credit and back."""
        return Amount(-self.nano)

    def __bool__(self) -> bool:
        """Whether there is anything at all."""
        return self.nano != 0

    def __str__(self) -> str:
        """Write the shortest exact decimal string: ``0.0025``, ``-3``, ``0``."""
        sign = "-" if self.nano < 0 else ""
        whole, rest = divmod(abs(self.nano), NANO)
        return f"{sign}{whole}" + (f".{rest:09d}".rstrip("0") if rest else "")


ZERO: Final = Amount(0)


def round_half_up(numerator: int, denominator: int) -> Amount:
    """Turn an exact, non-negative quotient of nano-units into an Amount; halves go up.

    Raises:
        ValueError: a negative numerator or a denominator below one.
    """
    if numerator < 0 or denominator < 1:
        message = f"not a non-negative quotient: {numerator}/{denominator}"
        raise ValueError(message)
    return Amount((2 * numerator + denominator) // (2 * denominator))


def round_up(numerator: int, denominator: int) -> Amount:
    """Turn an exact, non-negative quotient into the smallest Amount not below it: for holds, which must suffice."""
    return Amount(-(-numerator // denominator))
