from datetime import timedelta

from clinx.domain.ledger import EntryKind
from clinx.domain.money import Amount
from clinx.storage import ledger, refunds
from clinx.storage.database import Database
from clinx.storage.ledger import NewEntry
from clinx.storage.refunds import Charge
from support.database import START

SECOND = timedelta(seconds=1)
CHARGE = Charge("settle:r", "user:1", Amount(7), START)


async def write(database: Database, *lines: tuple[str, str, int, EntryKind], at=START) -> None:
    entries = [NewEntry(event, account, Amount(amount), kind, at) for event, account, amount, kind in lines]
    await database.atomically(ledger.append(entries))


async def test_the_line_of_the_user_is_the_charge(database: Database):
    await write(
        database,
        ("settle:r", "user:1", -7, EntryKind.CHARGE),
        ("settle:r", "revenue", 7, EntryKind.CHARGE),
        ("grant:r", "user:1", -7, EntryKind.GRANT),
    )

    assert await database.atomically(refunds.find_charge("settle:r")) == CHARGE
    assert await database.atomically(refunds.find_charge("settle:other")) is None
    assert await database.atomically(refunds.find_charge("grant:r")) is None


async def test_the_refunds_of_a_charge_are_told_from_all_else(database: Database):
    await write(
        database,
        ("refund:r:a", "user:1", 2, EntryKind.REFUND),
        ("refund:r:a", "revenue", -2, EntryKind.REFUND),
        ("refund:r2:a", "user:1", 3, EntryKind.REFUND),
        ("refund:r:b", "user:2", 4, EntryKind.REFUND),
        ("refund:r:g", "user:1", 5, EntryKind.GRANT),
    )
    await write(database, ("refund:r:early", "user:1", 1, EntryKind.REFUND), at=START - SECOND)
    await write(database, ("refund:r:%_", "user:1", 6, EntryKind.REFUND), at=START + SECOND)

    found = await database.atomically(refunds.of_charge(CHARGE, "refund:r:"))

    assert found == {"refund:r:a": Amount(2), "refund:r:%_": Amount(6)}
