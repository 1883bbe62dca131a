from __future__ import annotations

from clinx.domain.ledger import Balance
from clinx.domain.money import ZERO, Amount
from clinx.graphql.following.purses import Purses
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.database import fund, make_user

NEVER = 3600.0
ONE = Amount.parse("1")


def has(amount: str) -> Balance:
    return Balance(Amount.parse(amount), ZERO)


async def test_a_balance_is_told_at_once_and_when_it_moved(database: Database, supervisor: Supervisor):
    purses = Purses(database, supervisor, every=0.01)
    ann = await make_user(database, balance="1")

    with purses.follow(ann.id) as purse:
        first = await purse.changed()
        await fund(database, ann, "2")
        second = await purse.changed()

    assert (first, second) == (has("1"), has("3"))


async def test_an_announcement_spares_the_wait(database: Database, supervisor: Supervisor):
    purses = Purses(database, supervisor, every=NEVER)
    ann = await make_user(database, balance="1")

    with purses.follow(ann.id) as purse:
        await purse.changed()
        await fund(database, ann, "2")
        purses.wake()

        assert await purse.changed() == has("3")


async def test_all_are_read_together(database: Database, supervisor: Supervisor, counted: list[str]):
    purses = Purses(database, supervisor, every=NEVER)
    ann, bob = await make_user(database, "ann", balance="1"), await make_user(database, "bob")
    counted.clear()

    with purses.follow(ann.id) as one, purses.follow(ann.id) as again, purses.follow(bob.id) as other:
        told = [await each.changed() for each in (one, again, other)]

    assert told == [has("1"), has("1"), has("0")]
    assert len(counted) == 1
