from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.domain.session import Challenge
from clinx.storage import challenges
from clinx.storage.challenges import NewChallenge
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from support.database import START

END = START + timedelta(minutes=10)
NEW = NewChallenge("verify", 7, "a@example.org", {"next": "/"}, START, END)


async def test_a_challenge_comes_back_as_it_was_written_and_once(database: Database):
    made = await database.atomically(challenges.insert(NEW, "d"))

    assert made == Challenge(made.id, "verify", 7, "a@example.org", {"next": "/"}, 0, START, END)
    assert await database.atomically(challenges.claim("reset", "d", START)) is None
    assert await database.atomically(challenges.claim("verify", "d", END)) is None
    assert await database.atomically(challenges.claim("verify", "d", START)) == made
    assert await database.atomically(challenges.claim("verify", "d", START)) is None


async def test_a_digest_is_taken_once(database: Database):
    await database.atomically(challenges.insert(NEW, "d"))

    with pytest.raises(StorageRefused):
        await database.atomically(challenges.insert(NEW, "d"))


async def test_tries_are_counted_up_to_the_most(database: Database):
    await database.atomically(challenges.insert(NEW, "d", "c"))

    tried = [await database.atomically(challenges.try_secret("verify", "d", START, 2)) for _ in range(3)]
    assert [None if found is None else found.tries for found in tried] == [1, 2, None]
    assert await database.atomically(challenges.try_code("verify", "a@example.org", "c", START, 2)) is None
    found = await database.atomically(challenges.try_code("verify", "a@example.org", "c", START, 3))
    assert found is not None
    assert found.tries == 3


async def test_a_wrong_code_is_counted_though_nothing_comes_of_it(database: Database):
    await database.atomically(challenges.insert(NEW, "d", "c"))

    assert await database.atomically(challenges.try_code("verify", "a@example.org", "x", START, 5)) is None
    assert await database.fetch("SELECT tries, used_at FROM challenge") == [(1, None)]


async def test_a_new_code_takes_the_place_of_the_old_and_leaves_others(database: Database):
    await database.atomically(challenges.insert(NEW, "plain"))
    await database.atomically(challenges.insert(NEW, "old", "c"))
    await database.atomically(challenges.insert(NEW, "new", "c"))

    assert await database.fetch("SELECT digest FROM challenge ORDER BY digest") == [("new",), ("plain",)]


async def test_all_that_is_open_for_a_user_is_dropped(database: Database):
    for digest in ("used", "open"):
        await database.atomically(challenges.insert(NEW, digest))
    await database.atomically(challenges.insert(replace(NEW, kind="reset"), "another"))
    await database.atomically(challenges.insert(replace(NEW, user_id=8), "of another"))
    await database.atomically(challenges.insert(replace(NEW, user_id=None), "nobody's"))
    await database.atomically(challenges.claim("verify", "used", START))

    assert await database.atomically(challenges.drop_all(9)) == 0
    assert await database.atomically(challenges.drop_all(7)) == 2

    left = await database.fetch("SELECT digest FROM challenge ORDER BY digest")
    assert left == [("nobody's",), ("of another",), ("used",)]


async def test_of_one_kind_a_user_has_the_latest_few(database: Database):
    await database.atomically(challenges.insert(replace(NEW, kind="reset"), "another kind"))
    await database.atomically(challenges.insert(replace(NEW, user_id=8), "somebody else's"))
    for index in range(challenges.MOST + 2):
        await database.atomically(challenges.insert(NEW, f"d{index:02}"))
        await database.atomically(challenges.insert(replace(NEW, user_id=None), f"n{index:02}"))

    sql = "SELECT digest FROM challenge WHERE user_id = $1 AND kind = 'verify' ORDER BY id"
    assert await database.fetch(sql, 7) == [(f"d{index:02}",) for index in range(2, challenges.MOST + 2)]
    assert await database.fetch("SELECT COUNT(*) FROM challenge") == [(2 + challenges.MOST + challenges.MOST + 2,)]


async def test_old_ones_are_removed(database: Database):
    await database.atomically(challenges.insert(NEW, "d"))

    assert await database.atomically(challenges.prune(END - timedelta(microseconds=1))) == 0
    assert await database.atomically(challenges.prune(END)) == 1
