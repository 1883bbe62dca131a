import pytest

from clinx.billing import transfer
from clinx.billing.transfer import Cause, Transfer, describe
from clinx.domain.ledger import PROMO, EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage import statements
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused
from clinx.storage.program import Program, execute
from support.database import START, make_user

FIVE = Amount.parse("5")


def reward(event: str, target: str, amount: Amount = FIVE, source: str = PROMO) -> Transfer:
    return Transfer(event, source, target, amount, EntryKind.REWARD, START, "{}")


async def lines(database: Database) -> list[tuple[object, ...]]:
    rows = await database.fetch("SELECT event, account, amount, kind, detail FROM entry ORDER BY event, account")
    return [tuple(row) for row in rows]


async def test_entries_and_sums_of_several_transfers_are_written_together(database: Database):
    user = await make_user(database)

    await database.atomically(
        transfer.execute(reward("b", user.account), reward("a", "invite:7", -FIVE), reward("c", user.account))
    )

    assert await lines(database) == [
        ("a", "invite:7", -FIVE.nano, "reward", "{}"),
        ("a", "promo", FIVE.nano, "reward", "{}"),
        ("b", "promo", -FIVE.nano, "reward", "{}"),
        ("b", user.account, FIVE.nano, "reward", "{}"),
        ("c", "promo", -FIVE.nano, "reward", "{}"),
        ("c", user.account, FIVE.nano, "reward", "{}"),
    ]
    assert (await statements.balance(database, user.account)).total == Amount.parse("10")
    assert (await statements.balance(database, "invite:7")).total == -FIVE
    assert (await statements.balance(database, PROMO)).total == -FIVE


async def test_only_what_a_user_may_spend_is_announced(database: Database):
    user = await make_user(database)

    await database.atomically(transfer.execute(reward("a", user.account), reward("b", "invite:7")))
    await database.atomically(transfer.execute(reward("c", user.account, -FIVE)))

    assert [tuple(row) for row in await database.fetch("SELECT topic, subject FROM announcement")] == [
        ("funds", user.account)
    ]


async def test_an_event_is_written_once(database: Database):
    user = await make_user(database)
    await database.atomically(transfer.execute(reward("a", user.account)))

    with pytest.raises(StorageRefused):
        await database.atomically(transfer.execute(reward("a", user.account)))

    assert (await statements.balance(database, user.account)).total == FIVE
    assert len(await lines(database)) == 2


async def test_an_account_that_is_locked_is_opened_first_and_read(database: Database):
    user = await make_user(database, balance="5")

    balances = await database.atomically(transfer.lock([user.account, "invite:7"]))

    assert {name: balance.total for name, balance in balances.items()} == {user.account: FIVE, "invite:7": ZERO}


async def test_a_lost_race_is_run_again_a_few_times(database: Database):
    runs: list[int] = []

    def losing(times: int) -> Program[int]:
        runs.append(times)
        yield from execute("UPDATE account SET balance = balance WHERE name = 'promo'")
        if len(runs) < times:
            raise StorageConflict("somebody was first")
        return len(runs)

    assert await transfer.persist(database, lambda: losing(5)) == 5

    runs.clear()
    with pytest.raises(StorageConflict):
        await transfer.persist(database, lambda: losing(6))
    assert len(runs) == 5


def test_what_is_written_with_an_entry_is_storable_json():
    detail = Cause("cli:root", "a\x00b" + "x" * 2000, "k").detail(charge="settle:r")

    assert detail == '{"actor":"cli:root","reason":"a\ufffdb' + "x" * 997 + '","charge":"settle:r"}'
    assert describe(name='"') == '{"name":"\\""}'


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_a_cause_has_a_key(key: str):
    with pytest.raises(ValueError, match="a key has 1 to 128 characters"):
        Cause("cli:root", "why", key)
