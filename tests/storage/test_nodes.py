from datetime import timedelta

from clinx.domain.ledger import Origin
from clinx.domain.money import ZERO, Amount
from clinx.storage import leases, nodes
from clinx.storage.database import Database
from clinx.storage.leases import Lease
from clinx.storage.nodes import Node
from support.database import START

LATER = START + timedelta(minutes=1)


async def test_each_beginning_is_a_new_life(database: Database):
    assert not await database.atomically(nodes.exists("a"))
    assert await database.atomically(nodes.begin("a", "host", START, 0)) == (Origin("a", 1), (0, 0))
    assert await database.atomically(nodes.begin("a", "host", START, 0)) == (Origin("a", 2), (0, 0))
    assert await database.atomically(nodes.begin("b", "host", START, 0)) == (Origin("b", 1), (0, 0))
    assert await database.atomically(nodes.exists("a"))


async def test_a_life_is_above_what_the_journal_has_seen(database: Database):
    assert await database.atomically(nodes.begin("a", "host", START, 7)) == (Origin("a", 8), (0, 0))
    assert await database.atomically(nodes.begin("a", "host", START, 8)) == (Origin("a", 9), (0, 0))
    assert await database.atomically(nodes.begin("a", "host", START, 3)) == (Origin("a", 10), (0, 0))


async def test_a_position_moves_only_from_where_it_is(database: Database):
    await database.atomically(nodes.begin("a", "host", START, 0))

    assert await database.atomically(nodes.advance(Origin("a", 1), (0, 0), (1, 500)))
    assert not await database.atomically(nodes.advance(Origin("a", 1), (0, 0), (1, 900)))
    assert not await database.atomically(nodes.advance(Origin("a", 1), (1, 499), (1, 900)))
    assert not await database.atomically(nodes.advance(Origin("unknown", 1), (0, 0), (1, 1)))
    assert not await database.atomically(nodes.advance(Origin("a", 2), (1, 500), (1, 900)))  # Not the life it is in.

    assert await database.atomically(nodes.position("a")) == (1, 500)
    assert await database.atomically(nodes.position("unknown")) == (0, 0)
    assert await database.atomically(nodes.begin("a", "host", START, 0)) == (Origin("a", 2), (1, 500))
    assert not await database.atomically(nodes.advance(Origin("a", 1), (1, 500), (1, 900)))  # Somebody took over.
    assert (await database.atomically(nodes.epoch("a")), await database.atomically(nodes.epoch("unknown"))) == (2, 0)


async def test_nodes_that_were_not_seen_are_listed_with_what_they_owe(database: Database):
    for name in ("lost", "idle", "alive"):
        await database.atomically(nodes.begin(name, "host", START, 0))
    await database.atomically(nodes.seen("alive", LATER))
    borrowed = [("token:1", Lease(Amount(9))), ("user:1", Lease(Amount(9), Amount(2), Amount(3)))]
    await database.atomically(leases.write(Origin("lost", 1), borrowed, START))

    assert await database.atomically(nodes.stale(START)) == []
    assert await database.atomically(nodes.stale(LATER)) == [
        Node("idle", 1, "host", START, ZERO),
        Node("lost", 1, "host", START, Amount(4)),
    ]
