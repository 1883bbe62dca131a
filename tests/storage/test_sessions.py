from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.storage import sessions, users
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.sessions import NewSession
from support.database import START, make_user

HOUR = timedelta(hours=1)
NEW = NewSession(1, 1, "password", "192.0.2.1", "a browser", START, START + HOUR)


async def test_a_session_comes_back_with_its_user_as_both_were_written(database: Database):
    user = await make_user(database)
    session = await database.atomically(sessions.insert(replace(NEW, user_id=user.id), "d"))

    assert await sessions.find(database, "d") == (session, user)
    assert await sessions.find(database, "e") is None
    assert (session.created_at, session.seen_at, session.stepped_up_at) == (START, START, START)
    assert session.expires_at == START + HOUR


async def test_a_digest_is_taken_once(database: Database):
    user = await make_user(database)
    await database.atomically(sessions.insert(replace(NEW, user_id=user.id), "d"))

    with pytest.raises(StorageRefused):
        await database.atomically(sessions.insert(replace(NEW, user_id=user.id), "d"))


async def test_a_list_has_what_has_not_ended_the_latest_used_first(database: Database):
    user = await make_user(database)
    new = replace(NEW, user_id=user.id)
    first, second = [await database.atomically(sessions.insert(new, digest)) for digest in "ab"]
    await database.atomically(sessions.insert(replace(new, epoch=0), "c"))
    await database.atomically(sessions.insert(replace(new, expires_at=START), "d"))
    await database.atomically(sessions.touch(first.id, START + HOUR / 2, START))

    assert await sessions.of_user(database, user, START) == [replace(first, seen_at=START + HOUR / 2), second]
    raised = await database.atomically(users.raise_epoch(user.id))
    assert raised is not None
    assert await sessions.of_user(database, raised, START) == []


async def test_a_use_is_written_unless_a_later_one_was(database: Database):
    user = await make_user(database)
    session = await database.atomically(sessions.insert(replace(NEW, user_id=user.id), "d"))

    assert await database.atomically(sessions.touch(session.id, START + HOUR, START)) is True
    assert await database.atomically(sessions.touch(session.id, START + HOUR, START)) is False


async def test_sessions_are_removed_one_by_one_all_but_one_and_by_age(database: Database):
    user = await make_user(database)
    new = replace(NEW, user_id=user.id)
    made = [await database.atomically(sessions.insert(new, digest)) for digest in "abcd"]

    assert await database.atomically(sessions.remove(user.id + 1, made[0].id)) is False
    assert await database.atomically(sessions.remove(user.id, made[0].id)) is True
    assert await database.atomically(sessions.remove_all(user.id, but=made[1].id)) == 2
    assert await database.atomically(sessions.prune(START + HOUR - timedelta(microseconds=1))) == 0
    assert await database.atomically(sessions.prune(START + HOUR)) == 1
    assert await database.atomically(sessions.remove_all(user.id)) == 0


async def test_one_session_too_many_ends_the_one_that_was_used_longest_ago(database: Database):
    user, other = await make_user(database), await make_user(database, "bob")
    await database.atomically(sessions.insert(replace(NEW, user_id=other.id), "other"))
    made = [
        await database.atomically(sessions.insert(replace(NEW, user_id=user.id), f"d{index}"))
        for index in range(sessions.MOST)
    ]
    await database.atomically(sessions.touch(made[0].id, START + HOUR / 2, START))

    last = await database.atomically(sessions.insert(replace(NEW, user_id=user.id), "last"))

    kept = {session.id for session in await sessions.of_user(database, user, START)}
    assert kept == {session.id for session in (made[0], *made[2:], last)}
    assert await sessions.find(database, "d1") is None
    assert await sessions.find(database, "other") is not None
