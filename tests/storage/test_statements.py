from datetime import timedelta

from clinx.domain.ledger import Balance, EntryKind, LedgerEntry
from clinx.domain.money import ZERO, Amount
from clinx.storage import ledger, statements
from clinx.storage.database import Database
from clinx.storage.ledger import NewEntry
from clinx.storage.statements import DailySpend
from support.database import START


async def test_an_entry_comes_back_as_it_was_written(database: Database):
    await database.atomically(
        ledger.append([NewEntry("settle:a:1", "user:1", Amount(-5), EntryKind.CHARGE, START, "rev", "gpt-4o")])
    )

    (entry,) = await statements.entries(database, "user:1")
    assert entry == LedgerEntry(entry.id, "settle:a:1", "user:1", Amount(-5), EntryKind.CHARGE, START, "rev", "gpt-4o")


async def test_only_charges_are_spend(database: Database):
    noon = START + timedelta(hours=12)
    await database.atomically(
        ledger.append(
            [
                NewEntry("a", "user:1", Amount(-5), EntryKind.CHARGE, START),
                NewEntry("b", "user:1", Amount(-6), EntryKind.CHARGE, noon),
                NewEntry("c", "user:1", Amount(50), EntryKind.GRANT, noon),
                NewEntry("d", "user:2", Amount(-7), EntryKind.CHARGE, noon),
            ]
        )
    )

    assert await statements.spend_by_day(database, "user:1", START) == [DailySpend(START.date(), 2, Amount(11))]


async def test_an_account_never_used_has_nothing(database: Database):
    assert await statements.balance(database, "clearing:none") == Balance(ZERO, ZERO)


async def test_an_entry_without_its_balance_is_found(database: Database):
    assert await statements.discrepancies(database) == []

    await database.atomically(ledger.append([NewEntry("a", "promo", Amount(-5), EntryKind.GRANT, START)]))

    (found,) = await statements.discrepancies(database)
    assert (found.account, found.cached, found.actual) == (
        "promo",
        Balance(ZERO, ZERO),
        Balance(Amount(-5), ZERO),
    )
