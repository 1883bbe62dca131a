"""Prices and the one function that applies them.

`Price.quote` serves the relay, estimates, tests, plan and explain alike. It is exact: rates are rationals, the sum is
rational, and only the total is rounded, once, half up (accounting.md, rule 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from operator import mul
from typing import Final, Protocol

from msgspec import Struct

from clinx.domain.figures import exact
from clinx.domain.money import NANO, Amount, round_half_up, round_up
from clinx.domain.usage import ANSWER_UNITS, PROMPT_UNITS, Unit, Usage, counts_of

_FALLBACK: Final[Mapping[Unit, Unit]] = {
    Unit.OUTPUT: Unit.INPUT,
    Unit.CACHE_READ: Unit.INPUT,
    Unit.CACHE_WRITE: Unit.INPUT,
    Unit.CACHE_WRITE_1H: Unit.CACHE_WRITE,
    Unit.REASONING: Unit.OUTPUT,
    Unit.AUDIO_INPUT: Unit.INPUT,
    Unit.AUDIO_OUTPUT: Unit.OUTPUT,
    Unit.IMAGE_INPUT: Unit.INPUT,
    Unit.IMAGE_OUTPUT: Unit.OUTPUT,
}
"""A token bucket without a rate of its own costs what its parent costs: an unnamed token is never free."""


class Condition(Protocol):
    """A compiled expression over the facts of a request; raises nothing."""

    @property
    def source(self) -> str:
        """The expression as the operator wrote it."""
        ...

    def __call__(self, facts: Mapping[str, object]) -> bool:
        """Decide for one request."""
        ...


_UNITS: Final = tuple(Unit)


@dataclass(frozen=True, slots=True)
class Rate:
    """Money for one unit: ``amount`` (exact, in currency) per ``per`` units."""

    amount: Fraction
    per: int
    text: str = field(init=False, repr=False, compare=False)
    """``2.5/1000000``: what a line of a quote shows."""

    def __post_init__(self) -> None:
        """Write the text once, not at every quote."""
        object.__setattr__(self, "text", f"{exact(self.amount)}/{self.per}")

    @property
    def nano_per_unit(self) -> Fraction:
        """The exact rate of one unit, in nano-units."""
        return self.amount * NANO / self.per


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates that apply together: one row of a price."""

    by_unit: Mapping[Unit, Rate]
    upto: int | None = None
    """The row applies to prompts of at most this many tokens; None means to any."""
    applied: tuple[tuple[Unit, Rate], ...] = field(init=False, repr=False, compare=False)
    """Each unit that has a rate, by itself or by a parent."""
    scaled: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The rates of ``applied`` as integers: nano-units x ``scale``."""
    scale: int = field(init=False, repr=False, compare=False)
    _dearest: tuple[int, int] = field(init=False, repr=False, compare=False)
    """The highest scaled rates of a prompt's token and an answer's token."""
    _others: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The scaled rates of what is no token: calls, images, seconds…"""
    _counts: Callable[[Usage], tuple[int, ...]] = field(init=False, repr=False, compare=False)
    _counts_others: Callable[[Usage], tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Bring all rates to one denominator, so that a quote is integer arithmetic."""
        found = {unit: rate for unit in _UNITS if (rate := self.rate(unit)) is not None}
        scale = lcm(*(rate.nano_per_unit.denominator for rate in found.values()))
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "applied", tuple(found.items()))
        object.__setattr__(self, "scaled", tuple(int(rate.nano_per_unit * scale) for rate in found.values()))
        object.__setattr__(self, "_counts", counts_of(tuple(found)))
        self._prepare_ceiling(dict(zip(found, self.scaled, strict=True)))

    def _prepare_ceiling(self, scaled: Mapping[Unit, int]) -> None:
        dearest = tuple(max(scaled.get(unit, 0) for unit in kind) for kind in (PROMPT_UNITS, ANSWER_UNITS))
        others = tuple(unit for unit in scaled if unit not in PROMPT_UNITS + ANSWER_UNITS)
        object.__setattr__(self, "_dearest", dearest)
        object.__setattr__(self, "_others", tuple(scaled[unit] for unit in others))
        object.__setattr__(self, "_counts_others", counts_of(others))

    def rate(self, unit: Unit) -> Rate | None:
        """Return the unit's own rate or its parent's; None when the unit costs nothing under this price."""
        wanted: Unit | None = unit
        while wanted is not None:
            if (found := self.by_unit.get(wanted)) is not None:
                return found
            wanted = _FALLBACK.get(wanted)
        return None

    def exact(self, usage: Usage) -> int:
        """Return the price of the usage, exactly, in nano-units x ``scale``."""
        return sum(map(mul, self._counts(usage), self.scaled))

    def cost(self, usage: Usage) -> Amount | None:
        """Return what the usage costs whoever pays these rates: the price of this row alone, rounded once, half up.

        None where that is more than a ledger holds: a slip in what a vendor is said to take is to lose no charge.
        """
        try:
            return round_half_up(self.exact(usage), self.scale)
        except OverflowError:
            return None

    def most(self, usage: Usage, multiplier: Fraction) -> Amount:
        """Price the usage as if every token were of the dearest kind; rounded up."""
        prompt, answer = self._dearest
        others = sum(map(mul, self._counts_others(usage), self._others))
        exact = usage.input_tokens * prompt + usage.output_tokens * answer + others
        return round_up(exact * multiplier.numerator, self.scale * multiplier.denominator)

    def used(self, usage: Usage) -> tuple[QuoteLine, ...]:
        """Return a line for every bucket that holds something and has a rate."""
        pairs = zip(self.applied, self._counts(usage), strict=True)
        return tuple([QuoteLine(unit, count, rate) for (unit, rate), count in pairs if count])


@dataclass(frozen=True, slots=True)
class PriceCase:
    """Rates that replace the usual ones when a condition on the request holds."""

    condition: Condition
    rates: Rates


class QuoteLine(Struct, frozen=True):
    """One bucket of a quote."""

    unit: Unit
    count: int
    rate: Rate

    @property
    def amount(self) -> Fraction:
        """The line's exact price in currency, not rounded and without the group's multiplier."""
        return self.rate.amount * self.count / self.rate.per

    def __str__(self) -> str:
        """Write ``1200 input at 2.5/1000000``: what logs and explain print."""
        return f"{self.count} {self.unit!s} at {self.rate.text}"


class Quote(Struct, frozen=True):
    """Usage priced: lines, the group's multiplier, and the total, rounded once."""

    lines: tuple[QuoteLine, ...]
    multiplier: Fraction
    total: Amount


@dataclass(frozen=True, slots=True)
class Price:
    """A model's price: tiers by prompt length, and cases by request. A free price has no tiers."""

    tiers: tuple[Rates, ...]
    cases: tuple[PriceCase, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether nothing under this price costs anything."""
        rows = (*self.tiers, *(case.rates for case in self.cases))
        return not any(any(row.scaled) for row in rows)

    def rates(self, prompt_tokens: int, facts: Mapping[str, object]) -> Rates:
        """Choose the row: the first case whose condition holds, else the first tier that is wide enough."""
        for case in self.cases:
            if case.condition(facts):
                return case.rates
        for tier in self.tiers:
            if tier.upto is None or prompt_tokens <= tier.upto:
                return tier
        return self.tiers[-1] if self.tiers else FREE_RATES

    def _row(self, usage: Usage, facts: Mapping[str, object]) -> Rates:
        if len(self.tiers) == 1 and not self.cases:
            return self.tiers[0]  # What is too long for the last tier is of it, too.
        return self.rates(usage.input_tokens, facts)

    def total(self, usage: Usage, multiplier: Fraction, facts: Mapping[str, object]) -> Amount:
        """Price the usage without lines."""
        return _total(self._row(usage, facts), usage, multiplier)

    def ceiling(self, usage: Usage, multiplier: Fraction, facts: Mapping[str, object]) -> Amount:
        """Price the most an exchange may use, whatever bucket its tokens end up in; rounded up.

        A hold must cover its charge: each token of the prompt is taken at the dearest rate a prompt may have, each of
        the answer at the dearest of an answer. Of tiers the dearest counts, for the prompt's length is only bounded.
        """
        if len(self.tiers) == 1 and not self.cases:
            return self.tiers[0].most(usage, multiplier)
        rows = self._rows(usage.input_tokens, facts)
        return max((rates.most(usage, multiplier) for rates in rows), default=Amount(0))

    def _rows(self, prompt_tokens: int, facts: Mapping[str, object]) -> tuple[Rates, ...]:
        """Return the rows that may apply to a prompt of at most so many tokens."""
        for case in self.cases:
            if case.condition(facts):
                return (case.rates,)
        reach = next(
            (i for i, t in enumerate(self.tiers) if t.upto is None or prompt_tokens <= t.upto), len(self.tiers)
        )
        return self.tiers[: reach + 1]

    def quote(self, usage: Usage, multiplier: Fraction, facts: Mapping[str, object]) -> Quote:
        """Price the usage, with a line for every bucket that holds something and has a rate."""
        rates = self._row(usage, facts)
        return Quote(rates.used(usage), multiplier, _total(rates, usage, multiplier))


def _total(rates: Rates, usage: Usage, multiplier: Fraction) -> Amount:
    return round_half_up(rates.exact(usage) * multiplier.numerator, rates.scale * multiplier.denominator)


FREE_RATES: Final = Rates({})
FREE: Final = Price(())
"""``price: free`` in the tree."""
