import pytest

from clinx.domain.ledger import EntryKind, Reservation, ReservationState
from clinx.domain.money import ZERO, Amount
from clinx.storage import ledger, reconciliation, request_logs, reservations
from clinx.storage.audit import Breach, Compared, Window
from clinx.storage.database import Database
from clinx.storage.ledger import NewEntry
from clinx.storage.program import Program
from clinx.storage.reservations import NewReservation
from support.database import START, request_log

FIVE = Amount(5)


async def write(database: Database, program: Program[None]) -> None:
    await database.atomically(program)


async def charge(database: Database, event: str, user_id: int = 1) -> None:
    lines = ((f"user:{user_id}", -FIVE), ("revenue", FIVE))
    await write(database, ledger.append([NewEntry(event, to, nano, EntryKind.CHARGE, START) for to, nano in lines]))


async def reserve(database: Database, id_: str) -> None:
    await write(database, reservations.insert([NewReservation(Reservation(id_, 1, 1, FIVE, "r"), START, None)], START))
    await write(database, reservations.resolve([(id_, ReservationState.SETTLED, FIVE)]))


async def newest(database: Database) -> int:
    return (await database.fetch("SELECT MAX(id) FROM entry"))[0][0]


@pytest.mark.parametrize("event", ["settle:r1", "settle:r1:1", "settle:r1:3", "settle:007", "settle:007:2"])
async def test_a_settlement_is_told_by_its_request_in_both_ways_of_naming_it(database: Database, event: str):
    id_ = event.split(":")[1]
    await charge(database, event)
    await reserve(database, id_)
    await write(database, request_logs.append([request_log(id_, charge=FIVE)]))

    assert await database.look(reconciliation.resolutions(Window())) == Compared(1, [])
    assert await database.look(reconciliation.logs(Window())) == Compared(1, [])


@pytest.mark.parametrize("first", ["settle:r1", "settle:r1:1"])
async def test_a_request_is_settled_once_however_it_is_named(database: Database, first: str):
    second = "settle:r1:2"
    await charge(database, first)
    before = await newest(database)
    await charge(database, second)

    found = (await database.look(reconciliation.resolutions(Window(before)))).breaches

    assert found == [Breach(f"{second} settled", 1, 2, ("user:1",))]


async def test_requests_whose_names_begin_alike_are_not_the_same(database: Database):
    for event in ("settle:r", "settle:r1", "settle:r11", "settle:1", "settle:r1a:1"):
        await charge(database, event)

    assert await database.look(reconciliation.resolutions(Window())) == Compared(5, [])


async def test_what_was_compared_before_is_not_compared_again(database: Database):
    await charge(database, "settle:r1")
    await write(database, request_logs.append([request_log("r1", charge=Amount(6))]))
    found = [Breach("log of settle:r1", FIVE, Amount(6), ("user:1",))]

    assert (await database.look(reconciliation.logs(Window()))).breaches == found
    assert (await database.look(reconciliation.logs(Window(await newest(database), START)))).breaches == []


async def test_a_settlement_whose_log_was_trimmed_is_not_missed(database: Database):
    await charge(database, "settle:r1")

    assert await database.look(reconciliation.logs(Window())) == Compared(0, [])


async def test_a_log_of_nobody_is_a_breach_without_an_account(database: Database):
    await write(database, request_logs.append([request_log("r1", charge=FIVE)]))

    found = (await database.look(reconciliation.logs(Window()))).breaches

    assert found == [Breach("log of settle:r1", ZERO, FIVE)]


async def test_spend_is_compared_for_charges_that_it_counted(database: Database):
    await charge(database, "settle:older:1")
    assert await database.look(reconciliation.spend()) == []

    await charge(database, "settle:r2", 2)
    assert await database.look(reconciliation.spend()) == [Breach("spend of user:2", FIVE, ZERO, ("user:2",))]
