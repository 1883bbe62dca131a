from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from clinx.domain.catalog import Channel, Group
from clinx.domain.operation import Operation
from clinx.domain.override import Aspect, Override
from clinx.errors import NoChannel
from clinx.routing.health import Health
from clinx.routing.overrides import Overlay, laid_over
from clinx.routing.plan import plan
from clinx.routing.table import RouteTable
from support.channels import channel
from support.database import START

CHANNELS = {
    each.name: each
    for each in (channel("a", priority=1), channel("b", weight=2), channel("c"), channel("d", models={"x-*": "x-*"}))
}
TABLE = RouteTable.build(CHANNELS.values())


def override(id_: int, name: str, aspect: Aspect, value: int, *, hours: int = 1) -> Override:
    return Override(name, aspect, value, "down", "ann", START, START + timedelta(hours=hours), id_)


def tiers(table: RouteTable, model: str = "m") -> list[list[str]]:
    return [[route.channel.name for route in tier] for tier in table.tiers("default", model)]


class Wall:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def wall() -> Wall:
    return Wall()


def over(*overrides: Override) -> RouteTable:
    return laid_over(overrides, TABLE, CHANNELS)


def test_a_disabled_channel_is_in_no_tier() -> None:
    assert tiers(over(override(1, "a", Aspect.DISABLED, 1))) == [["b", "c"]]
    assert tiers(over(override(1, "a", Aspect.DISABLED, 0))) == [["a"], ["b", "c"]]


def test_weight_and_priority_are_those_of_the_override() -> None:
    table = over(override(1, "c", Aspect.PRIORITY, 9), override(2, "b", Aspect.WEIGHT, 0))

    assert tiers(table) == [["c"], ["a"], ["b"]]
    assert table.tiers("default", "m")[2][0].channel.weight == 0
    assert CHANNELS["b"].weight == 2


def test_the_later_override_of_an_aspect_counts() -> None:
    assert tiers(over(override(1, "c", Aspect.PRIORITY, 9), override(2, "c", Aspect.PRIORITY, -9)))[-1] == ["c"]


def test_what_only_disabled_channels_offer_is_still_known_and_cannot_be_served() -> None:
    table = over(override(1, "d", Aspect.DISABLED, 1))

    assert "x-*" in table.models("default")
    with pytest.raises(NoChannel):
        _plan(table, "x-1")


def _plan(table: RouteTable, model: str) -> None:
    group = Group("default")
    plan(
        table,
        {"default": group},
        group=group,
        model=model,
        operation=Operation.CHAT,
        dialect="openai_chat",
        draw=random.Random(1),
        health=Health(lambda: 0.0),
    )


def test_nothing_is_built_where_nothing_is_overridden(wall: Wall) -> None:
    overlay = Overlay(wall.now)

    assert overlay.routes(TABLE, CHANNELS) is TABLE
    overlay.take([override(1, "gone", Aspect.WEIGHT, 1)], CHANNELS)
    assert overlay.routes(TABLE, CHANNELS) is TABLE


def test_a_table_is_laid_over_once_for_each_tree(wall: Wall) -> None:
    overlay = Overlay(wall.now)
    overlay.take([override(1, "a", Aspect.WEIGHT, 5)], CHANNELS)
    other = RouteTable.build(CHANNELS.values())

    first = overlay.routes(TABLE, CHANNELS)

    assert first is not TABLE
    assert overlay.routes(other, CHANNELS) is not first
    assert overlay.routes(TABLE, CHANNELS) is first
    for _ in range(10):
        overlay.routes(RouteTable.build(CHANNELS.values()), CHANNELS)
    assert overlay.routes(TABLE, CHANNELS) is not first


def test_an_override_ends_by_itself(wall: Wall, caplog: pytest.LogCaptureFixture) -> None:
    overlay = Overlay(wall.now)
    overlay.take([override(1, "a", Aspect.DISABLED, 1), override(2, "b", Aspect.DISABLED, 1, hours=2)], CHANNELS)
    assert tiers(overlay.routes(TABLE, CHANNELS)) == [["c"]]

    wall.time += timedelta(hours=1)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert tiers(overlay.routes(TABLE, CHANNELS)) == [["a"], ["c"]]
    assert [record.message for record in caplog.records] == ["override.ended"]
    wall.time += timedelta(hours=1)
    assert overlay.active() == ()
    assert overlay.routes(TABLE, CHANNELS) is TABLE


def test_counting_only_looks_for_another_thread_may_do_it(wall: Wall, caplog: pytest.LogCaptureFixture) -> None:
    overlay = Overlay(wall.now)
    overlay.take([override(1, "a", Aspect.DISABLED, 1), override(2, "b", Aspect.DISABLED, 1, hours=2)], CHANNELS)
    above = overlay.routes(TABLE, CHANNELS)
    before = (overlay._active, overlay._tables)
    caplog.clear()

    assert overlay.count == 2
    wall.time += timedelta(hours=1)
    assert overlay.count == 1
    assert (overlay._active, overlay._tables, caplog.records) == (*before, [])
    assert overlay.routes(TABLE, CHANNELS) is not above


def test_whether_a_channel_is_disabled_is_what_the_later_override_says_until_it_ends(wall: Wall) -> None:
    overlay = Overlay(wall.now)
    assert not overlay.is_disabled("a")
    overlay.take([override(1, "a", Aspect.DISABLED, 1), override(2, "a", Aspect.WEIGHT, 0)], CHANNELS)
    assert (overlay.is_disabled("a"), overlay.is_disabled("b")) == (True, False)

    wall.time += timedelta(hours=1)
    assert not overlay.is_disabled("a")
    overlay.take([override(id_, "b", Aspect.DISABLED, id_ % 2, hours=3) for id_ in (3, 4)], CHANNELS)
    assert not overlay.is_disabled("b")


def test_the_log_says_once_what_begins_ends_and_hangs_in_the_air(wall: Wall, caplog: pytest.LogCaptureFixture) -> None:
    overlay, one, stray = Overlay(wall.now), override(1, "a", Aspect.WEIGHT, 5), override(2, "gone", Aspect.WEIGHT, 5)

    def said(overrides: Iterable[Override], channels: dict[str, Channel]) -> list[tuple[str, object]]:
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            overlay.take(overrides, channels)
        return [(record.message, record.__dict__["override"]) for record in caplog.records]

    assert said([one, stray], CHANNELS) == [
        ("override.begun", 1),
        ("override.begun", 2),
        ("override.without_channel", 2),
    ]
    assert said([one, stray], CHANNELS) == []
    assert said([one, stray], {}) == [("override.without_channel", 1)]
    assert said([stray], {}) == [("override.ended", 1)]
