"""Bounds that a plan must keep: ``price_change > 20%`` denies it. A closed set of measures, a comparison, a number."""

from __future__ import annotations

import argparse
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from clinx.config.diagnostics import did_you_mean
from clinx.config.rule_changes import Change
from clinx.domain.figures import decimal, percent, share
from clinx.relay.inquiries.plan_sections import Outcome

Figure = Fraction | None
"""None is more than any number: what was free costs something now."""

_BOUND: Final = re.compile(r"\s*([a-z_]+)\s*(>=|>|==)\s*([0-9]+(?:\.[0-9]+)?)\s*(%?)\s*")
_COMPARE: Final[Mapping[str, Callable[[Fraction, Fraction], bool]]] = MappingProxyType(
    {">": operator.gt, ">=": operator.ge, "==": operator.eq}
)


@dataclass(frozen=True, slots=True)
class Measure:
    """Something of a plan that has a size."""

    read: Callable[[Outcome], Figure]
    is_percentage: bool = False
    needs_replay: bool = False


def _count(read: Callable[[Outcome], int]) -> Measure:
    return Measure(lambda outcome: Fraction(read(outcome)))


def _unbounded(outcome: Outcome, figure: Fraction) -> Figure:
    return None if outcome.effects.steepest.unbounded else figure


def _cost_change(outcome: Outcome) -> Figure:
    total = outcome.replayed.total if outcome.replayed is not None else None
    if total is None or total.before == total.after:
        return Fraction(0)
    change = share(total.before, total.after)
    return None if change is None else abs(change)


def _refused(outcome: Outcome) -> Figure:
    refused = outcome.replayed.refused.values() if outcome.replayed is not None else ()
    return Fraction(sum(each.calls for each in refused))


def _limits_changed(outcome: Outcome) -> int:
    """Count the rules that limit and the channels' own limits that are not what they were."""
    rules = sum(each.is_limit for each in outcome.effects.rules)
    return rules + sum(key.key == "limits" for each in outcome.effects.channels_changed for key in each.keys)


MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "price_change": Measure(
            lambda it: _unbounded(it, max(it.effects.steepest.up, it.effects.steepest.down)), is_percentage=True
        ),
        "price_increase": Measure(lambda it: _unbounded(it, it.effects.steepest.up), is_percentage=True),
        "price_decrease": Measure(lambda it: it.effects.steepest.down, is_percentage=True),
        "groups_lost": _count(lambda it: len(it.effects.groups_lost)),
        "models_gained": _count(lambda it: sum(len(each.models_gained) for each in it.effects.groups)),
        "models_lost": _count(lambda it: sum(len(each.models_lost) for each in it.effects.groups)),
        "channels_gained": _count(lambda it: sum(len(each.channels_gained) for each in it.effects.groups)),
        "channels_lost": _count(lambda it: sum(len(each.channels_lost) for each in it.effects.groups)),
        "channels_unreachable": _count(lambda it: len({*it.effects.channels_unreachable, *it.stranded})),
        "rules_changed": _count(lambda it: len(it.effects.rules)),
        "rules_removed": _count(lambda it: sum(each.change is Change.REMOVED for each in it.effects.rules)),
        "limits_changed": _count(_limits_changed),
        "tokens_losing": _count(lambda it: len(it.losses)),
        "cost_change": Measure(_cost_change, is_percentage=True, needs_replay=True),
        "calls_refused": Measure(_refused, needs_replay=True),
    }
)
"""Everything that can be bounded."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A comparison that must not hold."""

    text: str
    name: str
    compare: str
    number: Fraction

    @property
    def measure(self) -> Measure:
        """What it is about."""
        return MEASURES[self.name]

    def broken(self, outcome: Outcome) -> str | None:
        """Return what was found, if it denies the plan."""
        found = self.measure.read(outcome)
        if found is None:
            return (
                f"{self.text}: {self.name} has no bound: something that cost nothing, or had no such row, has a price"
            )
        if not _COMPARE[self.compare](found, self.number):
            return None
        shown = percent(found).lstrip("+") if self.measure.is_percentage else decimal(found)
        return f"{self.text}: {self.name} is {shown}"


def bound(text: str) -> Bound:
    """Read a bound from the command line."""
    found = _BOUND.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"not a bound such as 'price_change > 20%': {text!r}")
    name, compare, number, sign = found.groups()
    measure = MEASURES.get(name)
    if measure is None:
        hint = did_you_mean(name, MEASURES) or f"known are {', '.join(MEASURES)}"
        raise argparse.ArgumentTypeError(f"no measure {name!r}; {hint}")
    if measure.is_percentage is not bool(sign):
        raise argparse.ArgumentTypeError(
            f"{name} is {'a percentage: write 20%' if measure.is_percentage else 'a number'}"
        )
    return Bound(" ".join(text.split()), name, compare, Fraction(number) / (100 if sign else 1))
