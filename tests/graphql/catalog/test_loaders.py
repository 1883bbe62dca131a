from __future__ import annotations

import asyncio
from datetime import timedelta

from clinx.domain.override import Aspect, Override
from clinx.graphql.catalog.loaders import ActiveOverrides, Ways
from clinx.storage import overrides
from support.station import Station


async def test_overrides_of_many_channels_are_asked_for_at_once(station: Station) -> None:
    now = station.clock.now()
    for name, value in (("a", 1), ("b", 2), ("a", 3)):
        aspect = Aspect.PRIORITY if value == 3 else Aspect.WEIGHT
        wish = Override(name, aspect, value, "why", "me", now, now + timedelta(hours=1))
        await station.database.atomically(overrides.put(wish))
    loader = ActiveOverrides(station.context())

    found = await asyncio.gather(*map(loader.of, ("a", "b", "c")))

    assert [[each.value for each in one] for one in found] == [[1, 3], [2], []]


async def test_ways_are_those_of_this_process(station: Station) -> None:
    main = station.current.snapshot.channels["main"]
    turn = station.health.take(main, "fake-model")
    assert turn is not None

    ways = Ways(station.context())

    assert [way.model for way in ways.of("main")] == ["fake-model"]
    assert ways.of("other") == []
