from clinx.storage import passwords
from clinx.storage.database import Database
from support.database import START, make_user


async def test_a_hash_takes_the_place_of_the_one_before(database: Database):
    user = await make_user(database)
    assert await passwords.hash_of(database, user.id) is None

    for hash_ in ("first", "second"):
        await database.atomically(passwords.save(user.id, hash_, START))
        assert await passwords.hash_of(database, user.id) == hash_


async def test_a_hash_is_upgraded_only_from_what_was_read(database: Database):
    user = await make_user(database)
    await database.atomically(passwords.save(user.id, "first", START))

    assert await database.atomically(passwords.upgrade(user.id, "other", "second")) is False
    assert await database.atomically(passwords.upgrade(user.id, "first", "second")) is True
    assert await passwords.hash_of(database, user.id) == "second"
