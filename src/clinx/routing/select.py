"""Orderings of equals. Pure: randomness is passed in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from clinx.routing.table import Route


class Draw(Protocol):
    """What `random.Random` offers and we need."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...


def by_weight(tier: Sequence[Route], draw: Draw) -> Sequence[Route]:
    """Draw every route of a tier without replacement, each time by its weight among those left.

    A route of weight 0 comes only when no other is left, and then as an equal among its like.
    """
    if len(tier) == 1:
        return tier
    left = list(tier)
    return [left.pop(_next(left, draw)) for _ in tier]


def _next(left: Sequence[Route], draw: Draw) -> int:
    weights = [route.channel.weight for route in left]
    total = sum(weights)
    if not total:
        return int(draw.random() * len(left))
    # An integer mark keeps the shares exact: it is below the total whatever the rounding of the product.
    mark = min(int(draw.random() * total), total - 1)
    return bisect_right(list(accumulate(weights)), mark)
