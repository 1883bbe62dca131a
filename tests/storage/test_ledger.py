import pytest
from msgspec.structs import replace

from clinx.domain.ledger import Balance, EntryKind
from clinx.domain.money import MAX_NANO, ZERO, Amount
from clinx.storage import ledger
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused
from clinx.storage.ledger import Account, Movement, NewEntry
from clinx.storage.program import Program, execute
from support.database import START, make_user

ENTRY = NewEntry("grant:1", "promo", Amount(-5), EntryKind.GRANT, START, "rev", "why")


async def test_accounts_are_read_and_missing_ones_are_absent(database: Database):
    user = await make_user(database, balance="1")

    locked = await database.atomically(ledger.lock_accounts([user.account, "promo", "user:999"]))

    assert locked == {
        user.account: Account(Balance(Amount.parse("1"), ZERO)),
        "promo": Account(Balance(Amount.parse("-1"), ZERO)),
    }
    assert await database.atomically(_read_nothing()) == {}


async def test_a_frozen_account_says_so(database: Database):
    user = await make_user(database, balance="1")

    def freeze() -> Program[int]:
        return (yield from execute("UPDATE account SET frozen_at = 1 WHERE name = $1", user.account))

    await database.atomically(freeze())

    assert await database.atomically(ledger.lock_accounts([user.account])) == {
        user.account: Account(Balance(Amount.parse("1"), ZERO), frozen=True)
    }


async def test_what_is_leased_is_not_available(database: Database):
    user = await make_user(database, balance="1")
    await database.atomically(
        ledger.move([Movement(user.account, held=Amount(400_000_000), leased=Amount(600_000_000), guarded=True)])
    )

    for movement in (
        Movement(user.account, held=Amount(1), guarded=True),
        Movement(user.account, leased=Amount(1), guarded=True),
        Movement(user.account, total=Amount(-1), guarded=True),
    ):
        with pytest.raises(StorageConflict):
            await database.atomically(ledger.move([movement]))

    assert await database.atomically(ledger.lock_accounts([user.account])) == {
        user.account: Account(Balance(Amount.parse("1"), Amount(400_000_000), Amount(600_000_000)))
    }


def _read_nothing() -> Program[dict[str, Account]]:
    yield from ()
    return (yield from ledger.lock_accounts([]))


async def test_movements_are_all_or_none(database: Database):
    user = await make_user(database, balance="1")

    for movement in (Movement("user:999", Amount(1)), Movement("promo", held=Amount(1), guarded=True)):
        with pytest.raises(StorageConflict):
            await database.atomically(ledger.move([Movement(user.account, Amount(7), Amount(3)), movement]))
    await database.atomically(ledger.move([Movement(user.account, Amount(-7), Amount(3))]))

    assert await database.atomically(ledger.lock_accounts([user.account])) == {
        user.account: Account(Balance(Amount(999_999_993), Amount(3)))
    }


async def test_a_sum_never_outgrows_its_column(database: Database):
    await database.atomically(ledger.move([Movement("revenue", Amount(MAX_NANO))]))

    with pytest.raises(StorageRefused):
        await database.atomically(ledger.move([Movement("revenue", Amount(1))]))

    assert (await database.fetch("SELECT balance FROM account WHERE name = 'revenue'")) == [(MAX_NANO,)]


async def test_an_event_has_one_entry_for_an_account(database: Database):
    await database.atomically(ledger.append([ENTRY]))

    written = [("grant:1", "promo", Amount(-5))]
    assert await database.atomically(ledger.written(["grant:2", "grant:1"])) == written
    assert await database.atomically(ledger.written(["grant:2", "grant:"])) == []
    with pytest.raises(StorageRefused):
        await database.atomically(ledger.append([ENTRY]))


async def test_events_that_were_written_are_known_once(database: Database):
    await database.atomically(ledger.append([ENTRY, replace(ENTRY, account="user:1", amount=Amount(5))]))

    assert await database.atomically(ledger.known(["grant:2", "grant:1", "grant:"])) == {"grant:1"}
    assert await database.atomically(ledger.known([])) == set()


async def test_opening_an_account_twice_is_harmless(database: Database):
    for _ in range(2):
        await database.atomically(ledger.open_account("clearing:stripe"))

    assert await database.fetch("SELECT balance, held FROM account WHERE name = 'clearing:stripe'") == [(0, 0)]
