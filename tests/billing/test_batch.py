import pytest

from clinx.billing.batch import execute
from clinx.billing.operations import Hold, Record
from clinx.domain.ledger import Reservation
from clinx.domain.money import Amount
from clinx.storage import ledger, request_logs
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused
from clinx.storage.ledger import Movement
from support.database import START, make_caller, request_log


async def test_a_batch_is_one_transaction(database: Database):
    caller = await make_caller(database, balance="1")
    fine = Hold(Reservation("fine", caller.user.id, caller.token.id, Amount(1), "r1"), START)
    unstorable = Hold(Reservation("x" * 10 + "\ud800", caller.user.id, caller.token.id, Amount(1), "r1"), START)

    with pytest.raises(StorageRefused):
        await database.atomically(execute([fine, Record(request_log("log")), unstorable], START))

    assert await request_logs.latest(database) == []
    assert await database.fetch("SELECT id FROM reservation") == []


async def test_nothing_to_do_is_fine(database: Database):
    assert await database.atomically(execute([], START)) == []


async def test_a_guarded_movement_refuses_in_the_statement_itself(database: Database):
    caller = await make_caller(database, balance="1")

    with pytest.raises(StorageConflict):
        await database.atomically(
            ledger.move([Movement(caller.user.account, held=Amount.parse("1.000000001"), guarded=True)])
        )

    assert (await database.fetch("SELECT held FROM account WHERE name = $1", caller.user.account))[0][0] == 0
