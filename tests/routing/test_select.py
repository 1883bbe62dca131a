from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from clinx.domain.catalog import Channel
from clinx.domain.steering import Strategy
from clinx.routing.select import by_weight, ordered
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


class Seen:
    """Knows what it is told."""

    def __init__(self, busy: Mapping[str, int], seconds: Mapping[str, float]) -> None:
        self._busy = busy
        self._seconds = seconds

    def under_way(self, channel: Channel) -> int:
        return self._busy.get(channel.name, 0)

    def latency(self, channel: Channel, model: str) -> float:
        assert model == "m"
        return self._seconds.get(channel.name, 0.0)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Strategy.IN_ORDER, "abcd"),
        (Strategy.LEAST_BUSY, "bacd"),
        (Strategy.LOWEST_LATENCY, "dbac"),
        (Strategy.CHEAPEST, "cbad"),
    ],
)
def test_a_tier_is_ordered_as_its_strategy_says(strategy: Strategy, expected: str) -> None:
    seen = Seen({"a": 1, "b": 2, "c": 5}, {"a": 1.0, "b": 0.5, "c": 0.5})
    costs = {"a": 30, "b": 20, "c": 10, "d": None}
    tier = [replace(route, cost=costs[route.channel.name]) for route in _routes(a=1, b=4, c=1, d=0)]

    assert "".join(_names(ordered(tier, strategy, random.Random(3), seen))) == expected


def test_who_is_not_known_is_tried_by_one_call_at_a_time() -> None:
    tier = _routes(known=1, unknown=1)

    for busy, first in ((0, "unknown"), (1, "known")):
        seen = Seen({"unknown": busy}, {"known": 9.0})
        assert _names(ordered(tier, Strategy.LOWEST_LATENCY, random.Random(3), seen))[0] == first


def test_what_a_strategy_leaves_equal_is_drawn_by_weight() -> None:
    tier, draw, idle = _routes(a=1, b=3), random.Random(5), Seen({}, {})

    firsts = [_names(ordered(tier, Strategy.CHEAPEST, draw, idle))[0] for _ in range(2000)]

    assert abs(firsts.count("b") - 1500) < 100
