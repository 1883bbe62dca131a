"""How far rules that multiply may move what callers pay. For whom they hold is not asked: it is a bound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Final

from clinx.config.rule_changes import RuleChange
from clinx.config.snapshot import Snapshot
from clinx.policies.rule import Multiply

_ONE: Final = Fraction(1)
_SAME_CALLS: Final = frozenset({"multiply.price", "description"})
"""Keys that say nothing of whom a rule holds for."""


@dataclass(frozen=True, slots=True)
class FactorMoves:
    """Bounds of what all changed rules together multiply prices by, after by before."""

    up: Fraction = _ONE
    down: Fraction = _ONE
    unbounded: bool = False
    """A rule that made something free does not any more."""


STILL: Final = FactorMoves()
"""No rule moves anything."""


def factor_moves(before: Snapshot, after: Snapshot, changes: Iterable[RuleChange]) -> FactorMoves:
    """Return how far the rules that changed move prices, whoever they hold for."""
    up, down, unbounded = _ONE, _ONE, False
    for change in changes:
        old, new = _factor(before, change.name), _factor(after, change.name)
        pairs = _pairs(change, old, new)
        ratios = [now / was for was, now in pairs if was]
        up, down = up * max(_ONE, *ratios), down * min(_ONE, *ratios)
        unbounded = unbounded or any(now and not was for was, now in pairs)
    return FactorMoves(up, down, unbounded)


def _factor(snapshot: Snapshot, name: str) -> Fraction:
    rule = snapshot.policies.named(name)
    return rule.verb.price if rule is not None and isinstance(rule.verb, Multiply) else _ONE


def _pairs(change: RuleChange, old: Fraction, new: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Return what a call may be multiplied by before and after: of one the rule does not hold for, it is 1."""
    if change.keys and {key.key for key in change.keys} <= _SAME_CALLS:
        return [(_ONE, _ONE), (old, new)]
    return list(product({old, _ONE}, {new, _ONE}))
