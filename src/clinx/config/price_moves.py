"""How the prices of two snapshots differ, in money and in percent; exact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from clinx.config.rule_factors import STILL, FactorMoves
from clinx.config.snapshot import Snapshot
from clinx.domain.pricing import FREE_RATES, Price, Rate, Rates
from clinx.domain.usage import Unit
from clinx.routing.plan import offered


@dataclass(frozen=True, slots=True)
class PriceMove:
    """One rate of one model that is another than before."""

    model: str
    row: str
    """Which row of the price: ``up to 200000``, ``if request.n > 1``; empty where there is one."""
    unit: Unit
    before: Fraction | None
    """The amount for ``per`` units; None where there was no such row."""
    after: Fraction | None
    per: int

    @property
    def change(self) -> Fraction | None:
        """By which part it moved: 1/5 is a fifth more. None where a row is new or gone, or was free."""
        if self.before is None or self.after is None or not self.before:
            return None
        return self.after / self.before - 1


@dataclass(frozen=True, slots=True)
class MultiplierMove:
    """A group's factor on every price that is another than before."""

    group: str
    before: Fraction
    after: Fraction

    @property
    def change(self) -> Fraction | None:
        """By which part it moved; None where everything was free."""
        return self.after / self.before - 1 if self.before else None


@dataclass(frozen=True, slots=True)
class Steepest:
    """The furthest that any price moves for any group that is offered the model before and after."""

    up: Fraction = Fraction(0)
    down: Fraction = Fraction(0)
    """A positive number."""
    unbounded: bool = False
    """Something that cost nothing costs something now, or a row is new or gone: no percentage says it."""


def price_moves(before: Snapshot, after: Snapshot) -> tuple[PriceMove, ...]:
    """Return every rate that moved, by name, row and unit, of what both price.

    A name that a pattern priced before and an entry of its own prices now has moved, if it costs something else.
    """
    names = sorted({*_names(before), *_names(after)})
    return tuple(move for name in names for move in _moved(before, after, name))


def multiplier_moves(before: Snapshot, after: Snapshot) -> tuple[MultiplierMove, ...]:
    """Return every group's factor that moved, of the groups that both have."""
    common = sorted(before.groups.keys() & after.groups.keys())
    pairs = ((name, before.groups[name].multiplier, after.groups[name].multiplier) for name in common)
    return tuple(MultiplierMove(*each) for each in pairs if each[1] != each[2])


def steepest(before: Snapshot, after: Snapshot, rules: FactorMoves = STILL) -> Steepest:
    """Return how far prices move, the factors of groups and of rules included."""
    found = Steepest()
    factors = {move.group: move.change for move in multiplier_moves(before, after)}
    moved: defaultdict[str, list[Fraction | None]] = defaultdict(list)
    for move in price_moves(before, after):
        moved[move.model].append(move.change)
    for name in before.groups.keys() & after.groups.keys():
        lists = [offered(each.routes, each.groups, each.groups[name]) for each in (before, after)]
        common = {*lists[0]} & {*lists[1]}
        # A model whose price stands still moves with the group's factor.
        moves = [change for model in common for change in moved.get(model, ())] + [Fraction(0)] * bool(common)
        found = _steeper(found, moves, factors.get(name, Fraction(0)), rules)
    return found


def _steeper(
    found: Steepest, moves: Sequence[Fraction | None], factor: Fraction | None, rules: FactorMoves
) -> Steepest:
    if not moves:
        return found
    unbounded = found.unbounded or rules.unbounded or factor is None or None in moves
    whole = [(1 + move) * (1 + (factor or 0)) for move in moves if move is not None]
    up, down = (each * rules.up - 1 for each in whole), (1 - each * rules.down for each in whole)
    return Steepest(max([found.up, *up]), max([found.down, *down]), unbounded)


def _names(snapshot: Snapshot) -> Iterator[str]:
    """Yield what is priced, and what is offered under a pattern's price."""
    yield from snapshot.models
    yield from (pattern.text for pattern, _ in snapshot.patterns)
    yield from (name for channel in snapshot.channels.values() for name in channel.models)


def _moved(before: Snapshot, after: Snapshot, name: str) -> Iterator[PriceMove]:
    old, new = before.model(name), after.model(name)
    if old is not None and new is not None:
        yield from _moves(name, old.price, new.price)


def _moves(model: str, before: Price, after: Price) -> Iterator[PriceMove]:
    old, new = _rows(before), _rows(after)
    for row in dict.fromkeys((*old, *new)):
        one, other = old.get(row), new.get(row)
        named = {*(one.by_unit if one is not None else ()), *(other.by_unit if other is not None else ())}
        for unit in (each for each in Unit if each in named):
            rates = [None if each is None else each.rate(unit) for each in (one, other)]
            per = max((rate.per for rate in rates if rate is not None), default=1)
            was, now = (None if each is None else _amount(each.rate(unit), per) for each in (one, other))
            if was != now:
                yield PriceMove(model, row, unit, was, now, per)


def _amount(rate: Rate | None, per: int) -> Fraction:
    return Fraction(0) if rate is None else rate.amount * per / rate.per


def _rows(price: Price) -> dict[str, Rates]:
    tiers = price.tiers or (FREE_RATES,)
    rows = {"" if tier.upto is None and len(tiers) == 1 else _tier(tier): tier for tier in tiers}
    return {**rows, **{f"if {case.condition.source}": case.rates for case in price.cases}}


def _tier(tier: Rates) -> str:
    return "above" if tier.upto is None else f"up to {tier.upto}"
