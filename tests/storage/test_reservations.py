from datetime import datetime, timedelta

import pytest

from clinx.accounts.tokens import Limits
from clinx.domain.identity import Status
from clinx.domain.ledger import Origin, Reservation, ReservationState
from clinx.domain.money import MAX_NANO, ZERO, Amount
from clinx.storage import reservations
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused
from clinx.storage.program import Program
from clinx.storage.reservations import BudgetMovement, NewReservation, StoredReservation, TokenBudget
from support.database import ORIGIN, START, make_caller

ONE = Reservation("one", 1, 2, Amount(3), "rev")
TWO = Reservation("two", 1, 2, Amount(4), "rev")
SOON, LATER = START + timedelta(seconds=1), START + timedelta(hours=1)


def new(reservation: Reservation, expires_at: datetime, origin: Origin | None = ORIGIN) -> NewReservation:
    return NewReservation(reservation, expires_at, origin)


async def test_a_reservation_is_written_read_and_resolved(database: Database):
    await database.atomically(reservations.insert([new(ONE, SOON), new(TWO, LATER)], START))
    assert await database.atomically(reservations.lock(["one", "none"])) == {
        "one": StoredReservation(ONE, ReservationState.OPEN)
    }

    await database.atomically(reservations.resolve([("one", ReservationState.SETTLED, Amount(2))]))
    await database.atomically(reservations.resolve([("one", ReservationState.RELEASED, None)]))

    assert await database.fetch("SELECT id, state, charge FROM reservation ORDER BY id") == [
        ("one", "settled", 2),
        ("two", "open", None),
    ]
    with pytest.raises(StorageRefused):
        await database.atomically(reservations.insert([new(ONE, SOON)], START))


async def test_expired_ones_are_found_while_they_are_open(database: Database):
    await database.atomically(reservations.insert([new(ONE, SOON), new(TWO, LATER)], START))

    assert await database.atomically(reservations.lock_expired(START, 10)) == []
    assert await database.atomically(reservations.lock_expired(SOON, 10)) == [ONE]
    assert await database.atomically(reservations.lock_expired(LATER, 1)) == [ONE]
    await database.atomically(reservations.resolve([("one", ReservationState.EXPIRED, None)]))
    assert await database.atomically(reservations.lock_expired(LATER, 10)) == [TWO]


async def test_orphans_are_the_open_holds_of_a_nodes_earlier_lives(database: Database):
    lives = {"first": Origin("a", 1), "second": Origin("a", 2), "third": Origin("a", 3), "other": Origin("b", 1)}
    rows = [new(Reservation(name, 1, 2, Amount(3), "rev"), LATER, origin) for name, origin in lives.items()]
    task = NewReservation(Reservation("task", 1, 2, Amount(3), "rev"), LATER, None, terms="{}")
    await database.atomically(reservations.insert([*rows, task], START))

    def orphans(before: int, after: str = "", limit: int = 10) -> Program[list[Reservation]]:
        return reservations.lock_orphans("a", before, after, limit)

    assert [held.id for held in await database.atomically(orphans(3))] == ["first", "second"]
    assert [held.id for held in await database.atomically(orphans(3, limit=1))] == ["first"]
    assert [held.id for held in await database.atomically(orphans(3, after="first"))] == ["second"]
    assert await database.atomically(orphans(1)) == []
    await database.atomically(reservations.resolve([("first", ReservationState.EXPIRED, None)]))
    assert [held.id for held in await database.atomically(orphans(2))] == []
    assert await database.fetch("SELECT node, epoch, terms FROM reservation WHERE id IN ('other', 'task')") == [
        ("b", 1, None),
        (None, 0, "{}"),
    ]


async def test_budgets_carry_what_decides(database: Database):
    caller = await make_caller(database, limits=Limits(budget=Amount(10), expires_at=LATER))
    id_ = caller.token.id
    await database.atomically(
        reservations.move_budgets([BudgetMovement(id_, Amount(2), Amount(3), Amount(4), guarded=True)])
    )

    assert await database.atomically(reservations.lock_budgets([id_, 999])) == {
        id_: TokenBudget(Status.ACTIVE, Status.ACTIVE, LATER, Amount(10), Amount(2), Amount(3), Amount(4))
    }


async def test_a_budget_is_guarded_in_the_statement_itself(database: Database):
    id_ = (await make_caller(database, limits=Limits(budget=Amount(10)))).token.id

    with pytest.raises(StorageConflict):
        await database.atomically(reservations.move_budgets([BudgetMovement(id_, held=Amount(11), guarded=True)]))
    with pytest.raises(StorageConflict):
        await database.atomically(reservations.move_budgets([BudgetMovement(id_, leased=Amount(11), guarded=True)]))
    with pytest.raises(StorageConflict):
        await database.atomically(reservations.move_budgets([BudgetMovement(999, held=Amount(1), guarded=True)]))
    await database.atomically(
        reservations.move_budgets([BudgetMovement(999, Amount(1)), BudgetMovement(id_, Amount(11))])
    )
    with pytest.raises(StorageRefused):
        await database.atomically(reservations.move_budgets([BudgetMovement(id_, Amount(MAX_NANO))]))

    assert await database.fetch("SELECT spent, held FROM token") == [(11, ZERO.nano)]
