from __future__ import annotations

import random
from collections.abc import Sequence

from clinx.routing.select import by_weight
from clinx.routing.table import Route
from support.channels import channel


class Numbers:
    """Draws what it is told."""

    def __init__(self, *numbers: float) -> None:
        self._numbers = list(numbers)

    def random(self) -> float:
        return self._numbers.pop(0)


def _routes(**weights: int) -> tuple[Route, ...]:
    return tuple(Route(channel(name, weight=weight), "m") for name, weight in weights.items())


def _names(routes: Sequence[Route]) -> list[str]:
    return [route.channel.name for route in routes]


def test_each_draw_takes_from_those_that_are_left() -> None:
    tier = _routes(a=1, b=2, c=1)

    assert _names(by_weight(tier, Numbers(0.0, 0.0, 0.0))) == ["a", "b", "c"]
    assert _names(by_weight(tier, Numbers(0.25, 0.5, 0.0))) == ["b", "c", "a"]
    assert _names(by_weight(tier, Numbers(0.999999999, 0.999999999, 0.5))) == ["c", "b", "a"]


def test_a_single_route_needs_no_draw() -> None:
    assert _names(by_weight(_routes(a=0), Numbers())) == ["a"]


def test_weight_zero_comes_only_when_nothing_else_is_left() -> None:
    draw = random.Random(7)

    orders = {tuple(_names(by_weight(_routes(a=0, b=1, c=0), draw))) for _ in range(100)}

    assert orders == {("b", "a", "c"), ("b", "c", "a")}
