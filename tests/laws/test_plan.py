"""Laws of the plan: it is a permutation of what is offered, and its draws follow the weights."""

from __future__ import annotations

import math
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from clinx.domain.catalog import Channel, Group
from clinx.domain.operation import Operation
from clinx.routing.health import Health
from clinx.routing.plan import plan
from clinx.routing.table import RouteTable
from support.channels import channel

GROUP = Group("default")
DRAWS = 2000

spots = st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 9)), min_size=1, max_size=6)
"""(priority, weight) of each channel."""


def _channels(places: list[tuple[int, int]]) -> dict[str, Channel]:
    return {str(i): channel(str(i), priority=priority, weight=weight) for i, (priority, weight) in enumerate(places)}


def _order(table: RouteTable, draw: random.Random) -> list[str]:
    made = plan(
        table,
        {"default": GROUP},
        group=GROUP,
        model="m",
        operation=Operation.CHAT,
        dialect="openai_chat",
        draw=draw,
        health=Health(lambda: 0.0),
    )
    return [candidate.channel.name for candidate in made.candidates]


@given(spots, st.integers(0, 2**32))
def test_a_plan_holds_every_channel_once_by_priority_with_weight_zero_last_in_its_tier(
    places: list[tuple[int, int]], seed: int
) -> None:
    channels = _channels(places)

    order = _order(RouteTable.build(channels.values()), random.Random(seed))

    assert sorted(order) == sorted(channels)
    ranks = [(-channels[name].priority, channels[name].weight == 0) for name in order]
    assert ranks == sorted(ranks)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=4).filter(lambda weights: sum(weights) > 0), st.integers(0, 99))
def test_the_first_and_the_second_draw_follow_the_weights(weights: list[int], seed: int) -> None:
    table = RouteTable.build(_channels([(0, weight) for weight in weights]).values())
    draw = random.Random(seed)

    orders = [_order(table, draw) for _ in range(DRAWS)]

    total = sum(weights)
    firsts = Counter(order[0] for order in orders)
    for index, weight in enumerate(weights):
        assert _is_near(firsts[str(index)], DRAWS, weight / total)
    for index, weight in enumerate(weights):
        after = [order[1] for order in orders if order[0] == str(index)]
        left = total - weight
        for other, share in enumerate(weights):
            if other != index and left:
                assert _is_near(after.count(str(other)), len(after), share / left)


def _is_near(seen: int, draws: int, share: float) -> bool:
    """Within five standard deviations, and one draw for the smallest counts."""
    return abs(seen - draws * share) <= 5 * math.sqrt(draws * share * (1 - share)) + 1
