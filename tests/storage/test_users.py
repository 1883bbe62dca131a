from dataclasses import replace
from typing import Any

import pytest

from clinx.domain.console import Language
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
    assert await users.find(database, "a" * 65) is None
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
    changed = replace(user, group="vip", display_name="Ann", language=Language.CHINESE)
    written = replace(changed, version=2)

    assert await database.atomically(users.update(changed)) == written
    assert await database.atomically(users.update(replace(changed, id=999))) is None

    assert await users.everyone(database) == [written]
    assert await users.find(database, "bob") is None
    assert await users.get(database, 999) is None


@pytest.mark.parametrize("change", [{"role": Role.ADMIN}, {"status": Status.DISABLED}], ids=["role", "status"])
async def test_another_role_or_status_raises_the_epoch(database: Database, change: dict[str, Any]):
    user = await database.atomically(users.insert(ANN))

    changed = await database.atomically(users.update(replace(user, **change)))

    assert changed is not None
    assert changed == replace(user, **change, epoch=2, version=2)
    assert await database.atomically(users.update(changed)) == replace(changed, version=3)


async def test_a_change_of_an_older_version_changes_nothing(database: Database):
    user = await database.atomically(users.insert(ANN))

    assert await database.atomically(users.update(replace(user, group="vip"), expected=2)) is None
    assert await users.get(database, user.id) == user
    assert await database.atomically(users.update(replace(user, group="vip"), expected=1)) is not None


async def test_an_address_is_owned_by_who_verifies_it_first(database: Database):
    ann = await database.atomically(users.insert(replace(ANN, email="a@example.org")))
    bob = await database.atomically(users.insert(replace(ANN, name="bob", email="a@example.org")))
    assert await users.find_by_email(database, "a@example.org") is None

    verified = await database.atomically(users.set_email(bob.id, "a@example.org", START))

    assert verified == replace(bob, email_verified_at=START, version=2)
    assert await users.find_by_email(database, "a@example.org") == verified
    with pytest.raises(StorageRefused):
        await database.atomically(users.set_email(ann.id, "a@example.org", START))
    with pytest.raises(StorageRefused):
        await database.atomically(
            users.insert(replace(ANN, name="eve", email="a@example.org", email_verified_at=START))
        )
    assert await users.get(database, ann.id) == ann
    assert await database.atomically(users.set_email(999, None, None)) is None


async def test_an_epoch_is_raised(database: Database):
    user = await database.atomically(users.insert(ANN))

    assert await database.atomically(users.raise_epoch(user.id)) == replace(user, epoch=2, version=2)
    assert await database.atomically(users.raise_epoch(999)) is None


async def test_whether_there_is_a_root_is_known(database: Database):
    await database.atomically(users.insert(replace(ANN, name="root")))
    assert await users.has_root(database) is False

    await database.atomically(users.insert(replace(ANN, name="bob", role=Role.ROOT)))
    assert await users.has_root(database) is True
