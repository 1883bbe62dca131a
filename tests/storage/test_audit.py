from collections.abc import Awaitable, Callable

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from clinx.domain.ledger import EntryKind
from clinx.domain.money import Amount
from clinx.storage import audit, ledger
from clinx.storage.audit import Breach, Sums, Window
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.ledger import NewEntry
from clinx.storage.models import EntryRow
from support.database import START, Clock, make_user


async def write(database: Database, event: str, *lines: tuple[str, int]) -> None:
    entries = [NewEntry(event, account, Amount(nano), EntryKind.GRANT, START) for account, nano in lines]
    await database.atomically(ledger.append(entries))


async def test_entries_are_summed_apart_on_both_sides_of_an_id(database: Database):
    await write(database, "a", ("user:1", 5), ("promo", -5))
    await write(database, "b", ("user:1", 7), ("promo", -7))
    await write(database, "c", ("user:2", 9), ("promo", -9))
    first = (await database.fetch("SELECT MIN(id) FROM entry"))[0][0]

    assert await database.look(audit.sums(0, first + 1)) == Sums(
        first + 5, 6, {"user:1": 5, "user:2": 0, "promo": -5}, {"user:1": 7, "user:2": 9, "promo": -16}
    )
    assert await database.look(audit.sums(first + 1, first + 3)) == Sums(
        first + 5, 4, {"user:1": 7, "user:2": 0, "promo": -7}, {"user:1": 0, "user:2": 9, "promo": -9}
    )


async def test_an_event_is_summed_as_a_whole_however_little_of_it_is_new(database: Database):
    await write(database, "right", ("user:1", 5), ("promo", -5))
    await write(database, "wrong", ("user:2", 5), ("user:1", -5), ("promo", -1))
    last = (await database.fetch("SELECT MAX(id) FROM entry"))[0][0]
    found = [Breach("wrong", Amount(0), Amount(-1), ("user:1", "user:2"))]

    assert await database.look(audit.unbalanced(Window())) == found
    assert await database.look(audit.unbalanced(Window(last - 3))) == found
    assert await database.look(audit.unbalanced(Window(last - 1))) == found
    assert await database.look(audit.unbalanced(Window(last))) == []


async def test_an_account_is_frozen_and_thawed_once(database: Database, clock: Clock):
    user = await make_user(database, balance="1")
    before = await database.fetch("SELECT name, balance, held, leased FROM account ORDER BY name")

    assert await database.atomically(audit.freeze([user.account, "user:99"], clock.now())) == [user.account]
    clock.advance(60)
    assert await database.atomically(audit.freeze([user.account], clock.now())) == []
    assert await database.atomically(audit.freeze([], clock.now())) == []
    stored = await database.fetch("SELECT name, frozen_at FROM account WHERE frozen_at IS NOT NULL")
    assert stored == [(user.account, 1_893_456_000_000_000)]

    assert await database.atomically(audit.thaw(user.account)) is True
    assert await database.atomically(audit.thaw(user.account)) is False
    assert await database.fetch("SELECT name, balance, held, leased FROM account ORDER BY name") == before


async def update(client: BaseDBAsyncClient) -> object:
    return await EntryRow.filter(event="a").using_db(client).update(amount=6)


async def save(client: BaseDBAsyncClient) -> object:
    row = await EntryRow.get(event="a", account="user:1", using_db=client)
    row.amount = 6
    return await row.save(using_db=client)


async def delete(client: BaseDBAsyncClient) -> object:
    return await (await EntryRow.get(event="a", account="user:1", using_db=client)).delete(using_db=client)


async def delete_all(client: BaseDBAsyncClient) -> object:
    return await EntryRow.all(using_db=client).delete()


@pytest.mark.parametrize("change", [update, save, delete, delete_all])
async def test_an_entry_cannot_be_changed_through_tortoise_either(
    database: Database, change: Callable[[BaseDBAsyncClient], Awaitable[object]]
):
    await write(database, "a", ("user:1", 5), ("promo", -5))
    before = await database.fetch("SELECT * FROM entry ORDER BY id")

    with pytest.raises(StorageRefused, match="append-only"), database.reading() as client:
        await change(client)

    assert await database.fetch("SELECT * FROM entry ORDER BY id") == before
