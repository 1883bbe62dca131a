from collections.abc import Sequence
from datetime import timedelta

import pytest

from clinx.accounts import users
from clinx.domain.identity import Role, Status, User
from clinx.storage import user_lists
from clinx.storage import users as stored_users
from clinx.storage.database import Database
from clinx.storage.user_lists import UserFilter, UserOrder
from support.database import START

ALL = UserFilter()


async def people(database: Database) -> dict[str, User]:
    made: dict[str, User] = {}
    for number, (name, role, group) in enumerate(
        [("carl", Role.USER, "vip"), ("Ann", Role.ADMIN, "default"), ("a_b", Role.USER, "default")]
    ):
        at = START + timedelta(hours=number)
        made[name] = await users.create(database, name, at=at, role=role, group=group)
    await database.atomically(stored_users.set_email(made["carl"].id, "an.other@example.org", START))
    await users.change(database, made["a_b"], at=START, status=Status.DISABLED)
    return made


def names(found: Sequence[User]) -> list[str]:
    return [user.name for user in found]


@pytest.mark.parametrize(
    ("order", "expected"),
    [(UserOrder.NEWEST, ["a_b", "Ann", "carl"]), (UserOrder.OLDEST, ["carl", "Ann", "a_b"])],
    ids=["newest", "oldest"],
)
async def test_users_are_listed_a_page_at_a_time(database: Database, order: UserOrder, expected: list[str]):
    await people(database)

    first = await user_lists.page(database, ALL, order, after=None, limit=2)
    rest = await user_lists.page(database, ALL, order, after=first[-1].id, limit=2)

    assert names(first) + names(rest) == expected


async def test_users_are_listed_by_name(database: Database):
    for name in ("carl", "ann", "bob"):
        await users.create(database, name, at=START)

    first = await user_lists.page(database, ALL, UserOrder.NAME, after=None, limit=2)
    rest = await user_lists.page(database, ALL, UserOrder.NAME, after="bob", limit=2)

    assert (names(first), names(rest)) == (["ann", "bob"], ["carl"])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (UserFilter(search="AN"), ["carl", "Ann"]),
        (UserFilter(search="a_"), ["a_b"]),
        (UserFilter(search="%"), []),
        (UserFilter(search="a\\"), []),
        (UserFilter(search="c\x00\ud800a"), ["carl"]),
        (UserFilter(role=Role.ADMIN), ["Ann"]),
        (UserFilter(status=Status.DISABLED), ["a_b"]),
        (UserFilter(group="vip"), ["carl"]),
        (UserFilter(group="\x00vip\ud800"), ["carl"]),
        (UserFilter(search="a", role=Role.USER, status=Status.ACTIVE), ["carl"]),
    ],
    ids=lambda wanted: repr(wanted)[:60].encode("ascii", "backslashreplace").decode(),
)
async def test_all_that_is_given_must_hold(database: Database, wanted: UserFilter, expected: list[str]):
    await people(database)

    assert names(await user_lists.page(database, wanted, UserOrder.OLDEST, after=None, limit=9)) == expected
    assert await user_lists.count(database, wanted, most=9) == len(expected)


async def test_users_are_counted_as_far_as_anybody_wants(database: Database):
    await people(database)

    assert await user_lists.count(database, ALL, most=2) == 2
    assert await user_lists.count(database, ALL, most=5) == 3
