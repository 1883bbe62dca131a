"""Orderings of equals. Pure: randomness and what is known of channels are passed in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final, Protocol, assert_never

from clinx.domain.catalog import Channel
from clinx.domain.steering import Strategy
from clinx.routing.table import Route

_LAST: Final = float("inf")
_UNTRIED: Final = 1e6
"""Seconds; more than any average."""


class Draw(Protocol):
    """What `random.Random` offers and we need."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...


class Known(Protocol):
    """What is known of channels, by `Health`."""

    def under_way(self, channel: Channel) -> int:
        """Return how many attempts are under way."""
        ...

    def latency(self, channel: Channel, model: str) -> float:
        """Return the average seconds to the first content; 0.0 when nothing is known."""
        ...


def ordered(tier: Sequence[Route], strategy: Strategy, draw: Draw, known: Known) -> Sequence[Route]:
    """Order a tier. Whatever the strategy leaves equal is drawn by weight."""
    if strategy is Strategy.WEIGHTED or len(tier) == 1:
        return by_weight(tier, draw)
    match strategy:
        case Strategy.IN_ORDER:
            return tier
        case Strategy.LEAST_BUSY:
            return _least(tier, draw, lambda route: _share(known.under_way(route.channel) + 1, route))
        case Strategy.LOWEST_LATENCY:
            return _least(tier, draw, lambda route: _expected(route, known))
        case Strategy.CHEAPEST:
            return _least(tier, draw, lambda route: _LAST if route.cost is None else route.cost)
        case _:
            assert_never(strategy)


def by_weight(tier: Sequence[Route], draw: Draw) -> Sequence[Route]:
    """Draw every route of a tier without replacement, each time by its weight among those left.

    A route of weight 0 comes only when no other is left, and then as an equal among its like.
    """
    if len(tier) == 1:
        return tier
    left = list(tier)
    return [left.pop(_next(left, draw)) for _ in tier]


def _least(tier: Sequence[Route], draw: Draw, key: Callable[[Route], float]) -> Sequence[Route]:
    return sorted(by_weight(tier, draw), key=key)


def _share(busy: int, route: Route) -> float:
    weight = route.channel.weight
    return busy / weight if weight else _LAST


def _expected(route: Route, known: Known) -> float:
    """Return what one attempt more has to expect: the average, for each that is in the line.

    Who is not known is tried, by one call at a time: the others wait for what it finds out.
    """
    seconds, busy = known.latency(route.channel, route.upstream_model), known.under_way(route.channel)
    return seconds * (busy + 1) if seconds or not busy else _UNTRIED + busy


def _next(left: Sequence[Route], draw: Draw) -> int:
    weights = [route.channel.weight for route in left]
    total = sum(weights)
    if not total:
        return int(draw.random() * len(left))
    # An integer mark keeps the shares exact: it is below the total whatever the rounding of the product.
    mark = min(int(draw.random() * total), total - 1)
    return bisect_right(list(accumulate(weights)), mark)
