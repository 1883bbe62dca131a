import pytest

from clinx.storage import identities
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from support.database import START, make_user


async def test_an_identity_leads_to_its_user(database: Database):
    user = await make_user(database)

    bound = await database.atomically(identities.insert(user.id, "github", "42", "ann\x00" + "x" * 300, START))

    assert await identities.find(database, "github", "42") == user
    assert await identities.find(database, "github", "43") is None
    assert await identities.of_user(database, user.id) == [bound]
    assert (len(bound.shown), bound.shown[:4]) == (255, "ann�")


async def test_an_identity_is_somebodys_once(database: Database):
    user = await make_user(database)
    await database.atomically(identities.insert(user.id, "github", "42", "ann", START))
    await database.atomically(identities.insert(user.id, "linuxdo", "42", "ann", START))

    with pytest.raises(StorageRefused):
        await database.atomically(identities.insert(user.id, "github", "42", "ann", START))


async def test_only_a_users_own_is_removed(database: Database):
    user = await make_user(database)
    bound = await database.atomically(identities.insert(user.id, "github", "42", "ann", START))

    assert await database.atomically(identities.remove(user.id + 1, bound.id)) is False
    assert await database.atomically(identities.remove(user.id, bound.id)) is True
    assert await identities.find(database, "github", "42") is None
