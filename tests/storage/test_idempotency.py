from datetime import timedelta

from clinx.storage import idempotency
from clinx.storage.database import Database
from clinx.storage.idempotency import Remembered
from support.database import START

LATER = START + timedelta(minutes=5)


async def test_a_key_is_taken_by_the_first(database: Database):
    assert await database.atomically(idempotency.begin(7, "k", "op", "d", START)) is None
    assert await database.atomically(idempotency.begin(7, "k", "other", "e", LATER)) == Remembered(
        "op", "d", None, START
    )
    assert await database.atomically(idempotency.begin(8, "k", "op", "d", START)) is None


async def test_a_result_is_written_once(database: Database):
    await database.atomically(idempotency.begin(7, "k", "op", "d", START))
    for result in ("first", "second"):
        await database.atomically(idempotency.finish(7, "k", result))

    assert await database.atomically(idempotency.begin(7, "k", "op", "d", LATER)) == Remembered(
        "op", "d", "first", START
    )
    await database.atomically(idempotency.give_up(7, "k"))
    assert await database.atomically(idempotency.take_over(7, "k", LATER, LATER)) is False
    assert await database.fetch("SELECT result FROM idempotency") == [("first",)]


async def test_what_was_left_lying_is_taken_over_once(database: Database):
    await database.atomically(idempotency.begin(7, "k", "op", "d", START))

    early = START - timedelta(microseconds=1)
    assert await database.atomically(idempotency.take_over(7, "k", early, LATER)) is False
    assert await database.atomically(idempotency.take_over(7, "k", START, LATER)) is True
    assert await database.atomically(idempotency.take_over(7, "k", START, LATER)) is False


async def test_what_is_given_up_or_old_is_forgotten(database: Database):
    for key in ("a", "b"):
        await database.atomically(idempotency.begin(7, key, "op", "d", START))

    await database.atomically(idempotency.give_up(7, "a"))
    assert await database.atomically(idempotency.prune(START)) == 0
    assert await database.atomically(idempotency.prune(LATER)) == 1
