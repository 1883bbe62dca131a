import asyncio

from clinx.accounts import users
from clinx.accounts.passwords import Passwords
from clinx.accounts.root import ensure_root
from clinx.domain.identity import Role
from clinx.storage.database import Database
from support.database import START, make_user


async def test_the_first_start_makes_root_with_a_random_password(database: Database):
    password = await ensure_root(database, START)

    assert password is not None
    root = await users.find(database, "root")
    assert (root.role, root.group) == (Role.ROOT, "default")
    assert await Passwords(database).is_right(root, password) is True
    assert await ensure_root(database, START) is None


async def test_where_somebody_is_root_nobody_is_made(database: Database):
    user = await users.change(database, await make_user(database), role=Role.ROOT, at=START)

    assert await ensure_root(database, START) is None
    assert await users.everyone(database) == [user]


async def test_an_ordinary_user_of_that_name_stays_one(database: Database):
    user = await make_user(database, "root")

    assert await ensure_root(database, START) is None
    assert await users.everyone(database) == [user]


async def test_of_many_processes_one_makes_it(database: Database):
    made = await asyncio.gather(*(ensure_root(database, START) for _ in range(3)))

    assert sum(password is not None for password in made) == 1
    assert [user.name for user in await users.everyone(database)] == ["root"]
