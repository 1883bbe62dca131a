"""Prices as operators write them, to `clinx.domain.pricing`: exact rationals, checked for sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from clinx.config.conditions import PRICE_NAMES, ConditionError, compile_condition
from clinx.config.diagnostics import Diagnostic
from clinx.config.nodes import Mark, Node
from clinx.config.schema import CostShape, FlatPrice, ModelShape, PriceCase, PriceTier, RatioPrice, UnitRates
from clinx.domain import pricing
from clinx.domain.pricing import FREE, Price, Rate, Rates
from clinx.domain.usage import Unit

SINGLY: Final = frozenset({Unit.IMAGE, Unit.SECOND, Unit.SEARCH, Unit.CALL})
"""Units that are priced one by one, whatever ``per`` says of tokens and characters."""

RATIO_CURRENCY: Final = "USD"
RATIO_UNIT: Final = Fraction(2)
"""Currency units per million prompt tokens at ratio 1."""
MILLION: Final = 10**6


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of rates and where it stands."""

    units: UnitRates
    per: int | None
    mark: Mark


def compile_price(shape: ModelShape, node: Node, currency: str, found: list[Diagnostic]) -> Price | None:
    """Return the price of a model; None when there is none or a broken one, which is then in ``found``."""
    if shape.ratio is not None:
        return _ratio(shape, node, currency, found)
    mark = node.at(("price",))
    match shape.price:
        case None:
            found.append(mark.finding("E205", "a model needs a price", "price: free, if it costs nothing"))
            return None
        case "free":
            return FREE
        case FlatPrice() as flat:
            return _flat(flat, node, found)
        case tiers:
            return _tiers(tiers, node, found)


def compile_cost(shape: CostShape, mark: Mark, found: list[Diagnostic]) -> Rates | None:
    """Return what a channel pays."""
    return _rates(_Row(shape, shape.per, mark), None, found)


def _flat(flat: FlatPrice, node: Node, found: list[Diagnostic]) -> Price | None:
    rates = _rates(_Row(flat, flat.per, node.at(("price",))), None, found)
    cases = [_case(case, flat.per, _Place(node, ("price", "when", i)), found) for i, case in enumerate(flat.when)]
    kept = tuple(case for case in cases if case is not None)
    return None if rates is None or len(kept) < len(cases) else Price((rates,), kept)


@dataclass(frozen=True, slots=True)
class _Place:
    node: Node
    path: tuple[str | int, ...]

    def at(self, *more: str | int) -> Mark:
        return self.node.at((*self.path, *more))


def _case(case: PriceCase, per: int | None, place: _Place, found: list[Diagnostic]) -> pricing.PriceCase | None:
    rates = _rates(_Row(case, case.per or per, place.at()), None, found)
    try:
        condition = compile_condition(case.if_, PRICE_NAMES)
    except ConditionError as error:
        found.append(place.at("if").finding("E306", f"condition: {error}", error.hint))
        return None
    return None if rates is None else pricing.PriceCase(condition, rates)


def _tiers(tiers: Sequence[PriceTier], node: Node, found: list[Diagnostic]) -> Price | None:
    before = len(found)
    rows = [_rates(_Row(tier, tier.per, node.at(("price", i))), tier.upto, found) for i, tier in enumerate(tiers)]
    bounds = [tier.upto for tier in tiers]
    if bounds[-1] is not None:
        place = node.at(("price", len(tiers) - 1, "upto"))
        found.append(place.finding("E305", "the last tier must be open", 'leave out "upto"'))
    for i, bound in enumerate(bounds[:-1]):
        previous = bounds[i - 1] if i else 0
        if bound is None:
            found.append(node.at(("price", i)).finding("E305", "only the last tier may be open", 'add "upto"'))
        elif previous is not None and bound <= previous:
            found.append(node.at(("price", i, "upto")).finding("E305", "tiers must ascend"))
    kept = tuple(row for row in rows if row is not None)
    return None if len(found) > before else Price(kept)


def _rates(row: _Row, upto: int | None, found: list[Diagnostic]) -> Rates | None:
    amounts: dict[Unit, Fraction] = {
        unit: amount for unit in Unit if (amount := getattr(row.units, unit.value)) is not None
    }
    if not amounts:
        found.append(row.mark.finding("E305", "a price must name a unit", "price: free, if it costs nothing"))
        return None
    if row.per is None and not amounts.keys() <= SINGLY:
        found.append(row.mark.finding("E305", 'missing "per"', "how many tokens the amounts are for: per: 1M"))
        return None
    per = row.per or 1
    return Rates({unit: Rate(amount, 1 if unit in SINGLY else per) for unit, amount in amounts.items()}, upto)


def _ratio(shape: ModelShape, node: Node, currency: str, found: list[Diagnostic]) -> Price | None:
    mark = node.key_at(("ratio",))
    if shape.price is not None:
        found.append(mark.finding("E305", "a model has a price or a ratio, not both"))
        return None
    if currency != RATIO_CURRENCY:
        message = f"ratios mean {RATIO_CURRENCY}, and the currency is {currency}"
        found.append(mark.finding("E305", message, "write the price in the currency"))
        return None
    assert shape.ratio is not None  # noqa: S101  (the caller has looked)
    return Price((Rates(_ratio_rates(shape.ratio)),))


def _ratio_rates(ratio: RatioPrice) -> dict[Unit, Rate]:
    one = ratio.model * RATIO_UNIT
    audio = None if ratio.audio is None else one * ratio.audio
    factors: dict[Unit, Fraction | None] = {
        Unit.INPUT: one,
        Unit.OUTPUT: one if ratio.completion is None else one * ratio.completion,
        Unit.CACHE_READ: None if ratio.cache is None else one * ratio.cache,
        Unit.CACHE_WRITE: None if ratio.cache_write is None else one * ratio.cache_write,
        Unit.AUDIO_INPUT: audio,
        Unit.AUDIO_OUTPUT: None
        if ratio.audio_completion is None
        else (audio if audio is not None else one) * ratio.audio_completion,
    }
    return {unit: Rate(amount, MILLION) for unit, amount in factors.items() if amount is not None}
