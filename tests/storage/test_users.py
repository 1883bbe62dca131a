from dataclasses import replace

import pytest

from clinx.domain.identity import Role, Status, User
from clinx.storage import users
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.users import NewUser
from support.database import START

ANN = NewUser("ann", Role.USER, "default", START)


async def test_a_user_comes_back_as_it_was_written(database: Database):
    user = await database.atomically(users.insert(ANN))

    assert user == User(user.id, "ann", Role.USER, Status.ACTIVE, "default", START)
    assert await users.find(database, "ann") == user
    assert await users.get(database, user.id) == user
    assert await users.everyone(database) == [user]
    assert await database.fetch("SELECT balance, held FROM account WHERE name = $1", user.account) == [(0, 0)]


async def test_a_taken_name_leaves_nothing_behind(database: Database):
    user = await database.atomically(users.insert(ANN))

    with pytest.raises(StorageRefused):
        await database.atomically(users.insert(ANN))

    assert await users.everyone(database) == [user]


async def test_a_change_is_written_or_says_that_nobody_is_there(database: Database):
    user = await database.atomically(users.insert(ANN))
    changed = replace(user, role=Role.ADMIN, status=Status.DISABLED, group="vip")

    assert await database.atomically(users.update(changed)) is True
    assert await database.atomically(users.update(replace(changed, id=999))) is False

    assert await users.everyone(database) == [changed]
    assert await users.find(database, "bob") is None
    assert await users.get(database, 999) is None
