from datetime import timedelta

from clinx.accounts.tokens import Limits
from clinx.domain.ledger import Origin
from clinx.domain.money import ZERO, Amount
from clinx.storage import leases, ledger, nodes, reservations
from clinx.storage.database import Database
from clinx.storage.leases import Lease
from clinx.storage.ledger import Movement
from clinx.storage.program import Program
from clinx.storage.reservations import BudgetMovement
from support.database import ORIGIN, START, make_caller, make_user

NEXT = Origin(ORIGIN.node, ORIGIN.epoch + 1)
OTHER = Origin("other", 1)


def lease(granted: int, returned: int = 0, spent: int = 0) -> Lease:
    return Lease(Amount(granted), Amount(returned), Amount(spent))


async def write(database: Database, origin: Origin, **totals: Lease) -> None:
    rows = [(scope.replace("_", ":"), totals[scope]) for scope in sorted(totals)]
    await database.atomically(leases.write(origin, rows, START))


async def test_the_totals_of_one_life_are_written_over_and_read(database: Database):
    await write(database, ORIGIN, user_1=lease(5), token_2=lease(4))
    await write(database, OTHER, user_1=lease(9))
    await write(database, ORIGIN, user_1=lease(10, 2, 3))
    await database.atomically(leases.write(ORIGIN, [], START))

    assert await database.atomically(leases.lock(ORIGIN, ["user:1", "token:2", "user:3"])) == {
        "user:1": lease(10, 2, 3),
        "token:2": lease(4),
    }
    assert lease(10, 2, 3).unspent == Amount(5)
    assert await database.atomically(leases.lock(NEXT, ["user:1"])) == {}
    assert (await database.fetch("SELECT COUNT(*) FROM lease"))[0][0] == 3


async def test_others_are_counted_while_they_have_something(database: Database):
    await write(database, ORIGIN, user_1=lease(5))
    await write(database, NEXT, user_1=lease(5))
    await write(database, OTHER, user_1=lease(5), user_2=lease(5, 2, 3))

    assert await database.atomically(leases.others(ORIGIN, ["user:1", "user:2", "user:3"])) == {"user:1": 2}
    assert await database.atomically(leases.others(Origin("third", 1), ["user:1"])) == {"user:1": 3}


async def test_the_leases_of_dead_lives_are_returned_to_their_accounts_and_tokens(database: Database):
    caller = await make_caller(database, limits=Limits(budget=Amount(100)))
    other = await make_user(database, "bob")
    user, token = caller.user.account, f"token:{caller.token.id}"
    for origin in (ORIGIN, NEXT, OTHER):
        totals = [(token, lease(7, 1, 2)), (user, lease(10, 1, 2)), (other.account, lease(3, 1, 2))]
        await database.atomically(leases.write(origin, totals, START))
    await database.atomically(ledger.move([Movement(user, leased=Amount(21))]))
    await database.atomically(reservations.move_budgets([BudgetMovement(caller.token.id, leased=Amount(12))]))

    assert await database.atomically(leases.close_epochs(ORIGIN.node, NEXT.epoch)) == 2
    assert await database.atomically(leases.close_epochs(ORIGIN.node, NEXT.epoch)) == 0

    assert await database.fetch("SELECT leased FROM account WHERE name = $1", user) == [(14,)]
    assert await database.fetch("SELECT leased FROM account WHERE name = $1", other.account) == [(0,)]
    assert await database.fetch("SELECT leased FROM token") == [(8,)]
    assert await database.atomically(leases.lock(ORIGIN, [user, token])) == {
        user: lease(10, 8, 2),
        token: lease(7, 5, 2),
    }
    assert await database.atomically(leases.lock(NEXT, [user])) == {user: lease(10, 1, 2)}

    assert await database.atomically(leases.close_epochs(ORIGIN.node, NEXT.epoch + 1)) == 2
    assert await database.fetch("SELECT leased FROM account WHERE name = $1", user) == [(7,)]


async def test_only_closed_leases_of_ended_lives_are_forgotten(database: Database):
    def begin(at_least: int) -> Program[object]:
        return nodes.begin(ORIGIN.node, "host", START, at_least)

    await database.atomically(begin(0))
    await write(database, ORIGIN, user_1=lease(5, 5), user_2=lease(5, 4))
    later = START + timedelta(seconds=1)
    assert await database.atomically(leases.prune(later)) == 0

    await database.atomically(begin(0))
    await write(database, NEXT, user_1=lease(5, 5))
    await write(database, OTHER, user_1=lease(5, 5))

    assert await database.atomically(leases.prune(START)) == 0
    assert await database.atomically(leases.prune(later)) == 1
    assert await database.atomically(leases.lock(ORIGIN, ["user:1", "user:2"])) == {"user:2": lease(5, 4)}
    assert Lease().unspent == ZERO
