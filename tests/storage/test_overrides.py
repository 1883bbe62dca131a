from datetime import timedelta

import pytest
from msgspec.structs import replace

from clinx.domain.override import Aspect, Override
from clinx.storage import overrides
from clinx.storage.database import Database
from clinx.storage.program import execute
from support.database import START

HOUR = timedelta(hours=1)
ONE = Override("main", Aspect.WEIGHT, 0, "slow", "ann", START, START + HOUR)


async def announced(database: Database) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in await database.fetch("SELECT topic, subject FROM announcement ORDER BY id")]


async def test_an_override_is_in_force_until_its_instant(database: Database):
    written = await database.atomically(overrides.put(ONE))

    assert written == replace(ONE, id=1)
    assert await overrides.active(database, START + HOUR - timedelta(microseconds=1)) == [written]
    assert await overrides.active(database, START + HOUR) == []
    assert await announced(database) == [("override", "main")]


async def test_a_newer_one_of_the_same_aspect_ends_the_older_and_only_that(database: Database):
    await database.atomically(overrides.put(ONE))
    other = await database.atomically(overrides.put(replace(ONE, aspect=Aspect.PRIORITY, value=-3)))
    newer = await database.atomically(overrides.put(replace(ONE, value=5, actor="bob", at=START + HOUR / 2)))

    assert await overrides.active(database, START + HOUR / 2) == [other, newer]
    assert await overrides.latest(database, limit=10) == [
        (newer, None, None),
        (other, None, None),
        (replace(ONE, id=1), START + HOUR / 2, "bob"),
    ]


async def test_what_a_later_release_overrides_is_passed_over(database: Database):
    written = await database.atomically(overrides.put(ONE))
    await database.atomically(
        execute(
            "INSERT INTO channel_override (channel, aspect, value, reason, actor, at, until)"
            " SELECT channel, 'mood', value, reason, actor, at, until FROM channel_override"
        )
    )

    assert await overrides.active(database, START) == [written]
    assert await overrides.latest(database, limit=10) == [(written, None, None)]


@pytest.mark.parametrize(("id_", "at"), [(2, START), (1, START + HOUR)])
async def test_what_is_not_in_force_cannot_be_dropped(database: Database, id_: int, at):
    await database.atomically(overrides.put(ONE))

    assert await database.atomically(overrides.drop(id_, "bob", at)) is None

    assert await overrides.latest(database, limit=1) == [(replace(ONE, id=1), None, None)]
    assert await announced(database) == [("override", "main")]


async def test_a_drop_is_announced_and_remembered(database: Database):
    written = await database.atomically(overrides.put(ONE))

    assert await database.atomically(overrides.drop(written.id, "bob", START)) == written

    assert await overrides.active(database, START) == []
    assert await overrides.latest(database, limit=1) == [(written, START, "bob")]
    assert await announced(database) == [("override", "main")] * 2
    assert await database.atomically(overrides.drop(written.id, "bob", START)) is None
