from datetime import timedelta

import pytest

from clinx.domain.ledger import Reservation, ReservationState
from clinx.domain.money import Amount
from clinx.storage import reservations, task_holds
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict
from clinx.storage.reservations import NewReservation
from clinx.storage.task_holds import StoredTaskHold
from support.database import ORIGIN, START

END = START + timedelta(hours=1)


def task(id_: str, amount: int = 5) -> NewReservation:
    return NewReservation(Reservation(id_, 1, 2, Amount(amount), "r1"), END, None, '{"kind":"video"}')


async def test_a_task_s_hold_comes_back_and_an_exchange_s_is_none(database: Database):
    exchange = NewReservation(Reservation("req-2", 1, 2, Amount(5), "r1"), END, ORIGIN)
    await database.atomically(reservations.insert([task("req-1"), exchange], START))

    assert await task_holds.find(database, "req-1") == StoredTaskHold(
        Reservation("req-1", 1, 2, Amount(5), "r1"), ReservationState.OPEN, END, None, '{"kind":"video"}'
    )
    assert await task_holds.find(database, "req-2") is None
    assert await task_holds.find(database, "req-3") is None
    assert await database.atomically(task_holds.lock("req-2")) is None


async def test_open_ones_are_paged_by_id(database: Database):
    exchange = NewReservation(Reservation("b", 1, 2, Amount(5), "r1"), END, ORIGIN)
    await database.atomically(reservations.insert([task("c"), task("a"), task("d"), exchange, task("e")], START))
    await database.atomically(reservations.resolve([("d", ReservationState.SETTLED, Amount(1))]))

    first = await task_holds.find_open(database, limit=2)
    second = await task_holds.find_open(database, after=first[-1].reservation.id)

    assert [[hold.reservation.id for hold in page] for page in (first, second)] == [["a", "c"], ["e"]]


async def test_only_an_open_one_is_extended(database: Database):
    await database.atomically(reservations.insert([task("a"), task("b")], START))
    await database.atomically(reservations.resolve([("b", ReservationState.EXPIRED, None)]))
    later = END + timedelta(hours=1)

    await database.atomically(task_holds.extend("a", Amount(7), later))
    with pytest.raises(StorageConflict):
        await database.atomically(task_holds.extend("b", Amount(7), later))

    extended, expired = await task_holds.find(database, "a"), await task_holds.find(database, "b")
    assert extended is not None
    assert expired is not None
    assert (extended.reservation.amount, extended.expires_at) == (Amount(7), later)
    assert (expired.reservation.amount, expired.expires_at) == (Amount(5), END)
