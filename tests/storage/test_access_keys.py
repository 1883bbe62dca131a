from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.domain.session import AccessKey
from clinx.storage import access_keys
from clinx.storage.access_keys import NewAccessKey
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from support.database import START, make_user

HOUR = timedelta(hours=1)
NEW = NewAccessKey(1, "ci", "ck-ab…wxyz", ["a:b", "ä:c"], START, START + HOUR)


async def test_a_key_comes_back_with_its_user_as_both_were_written(database: Database):
    user = await make_user(database)
    key = await database.atomically(access_keys.insert(replace(NEW, user_id=user.id), "d"))

    assert key == AccessKey(key.id, user.id, "ci", "ck-ab…wxyz", ("a:b", "ä:c"), START + HOUR, START, None, None)
    assert await access_keys.find(database, "d") == (key, user)
    assert await access_keys.find(database, "e") is None
    assert await access_keys.of_user(database, user.id) == [key]


async def test_a_digest_is_taken_once(database: Database):
    await database.atomically(access_keys.insert(NEW, "d"))

    with pytest.raises(StorageRefused):
        await database.atomically(access_keys.insert(NEW, "d"))


async def test_a_use_is_written_unless_a_later_one_was(database: Database):
    key = await database.atomically(access_keys.insert(NEW, "d"))

    assert await database.atomically(access_keys.touch(key.id, START + HOUR, START)) is True
    assert await database.atomically(access_keys.touch(key.id, START + HOUR, START)) is False
    assert await access_keys.of_user(database, 1) == [replace(key, used_at=START + HOUR)]


async def test_a_key_is_revoked_once_and_by_its_owner(database: Database):
    key = await database.atomically(access_keys.insert(NEW, "d"))
    await database.atomically(access_keys.insert(NEW, "e"))

    assert await database.atomically(access_keys.revoke(2, key.id, START)) is None
    assert await database.atomically(access_keys.revoke(1, key.id, START)) == replace(key, revoked_at=START)
    assert await database.atomically(access_keys.revoke(1, key.id, START)) is None
    assert await database.atomically(access_keys.revoke_all(1, START)) == 1


async def test_of_revoked_keys_the_latest_are_kept(database: Database):
    good = await database.atomically(access_keys.insert(NEW, "good"))
    for index in range(access_keys.REVOKED + 2):
        key = await database.atomically(access_keys.insert(NEW, f"d{index}"))
        await database.atomically(access_keys.revoke(1, key.id, START))
    last = await database.atomically(access_keys.insert(NEW, "last"))

    kept = await access_keys.of_user(database, 1)
    assert [key.id for key in kept if key.revoked_at is None] == [good.id, last.id]
    assert sum(key.revoked_at is not None for key in kept) == access_keys.REVOKED
    assert await access_keys.find(database, "d0") is None
