from clinx.accounts import users
from clinx.domain.identity import Status
from clinx.domain.money import ZERO
from clinx.storage import invitations
from clinx.storage.database import Database
from clinx.storage.invitations import Harvest, Invitation
from support.database import START, make_user


async def test_the_first_code_stays(database: Database):
    assert await database.atomically(invitations.offer(1, "AAAA")) == Invitation(1, "AAAA", None)
    assert await database.atomically(invitations.offer(1, "BBBB")) == Invitation(1, "AAAA", None)


async def test_a_taken_code_makes_no_row(database: Database):
    await database.atomically(invitations.offer(1, "AAAA"))

    assert await database.atomically(invitations.offer(2, "AAAA")) is None

    assert [tuple(row) for row in await database.fetch("SELECT user_id, code FROM invitation")] == [(1, "AAAA")]


async def test_a_code_is_its_active_owners(database: Database):
    user = await make_user(database)
    await database.atomically(invitations.offer(user.id, "AAAA"))
    assert await database.atomically(invitations.owner("AAAA")) == user.id
    assert await database.atomically(invitations.owner("BBBB")) is None

    await users.change(database, user, at=START, status=Status.DISABLED)
    assert await database.atomically(invitations.owner("AAAA")) is None


async def test_who_invited_is_written_once(database: Database):
    await database.atomically(invitations.offer(2, "BBBB"))

    assert await database.atomically(invitations.accept(2, 1, START)) is True
    assert await database.atomically(invitations.accept(2, 3, START)) is False
    assert await database.atomically(invitations.accept(9, 1, START)) is False

    assert await database.atomically(invitations.offer(2, "CCCC")) == Invitation(2, "BBBB", 1)
    assert await invitations.harvest(database, 1) == Harvest(1, ZERO)
    assert await invitations.harvest(database, 3) == Harvest(0, ZERO)
