import asyncio
from datetime import timedelta
from typing import Any

import pytest

from clinx.domain.console import Language
from clinx.domain.identity import User
from clinx.domain.money import NANO, Amount
from clinx.storage import low_balances
from clinx.storage.codec import micros
from clinx.storage.database import Database
from clinx.storage.low_balances import LowBalance
from clinx.storage.program import Program, execute
from support.database import START, Clock, make_user

HOUR = timedelta(hours=1)


async def watched(database: Database, name: str = "ann", *, balance: str = "1", at: int | None = 2, **row: Any) -> User:
    """A user with a verified address who wants to be told."""
    user = await make_user(database, name)
    await set_balance(database, user, balance)
    values = {"email": f"{name}@example.org", "email_verified_at": micros(START), **row}
    await change(database, user, low_balance_at=None if at is None else at * NANO, **values)
    return user


async def set_balance(database: Database, user: User, balance: str) -> None:
    await database.atomically(
        execute("UPDATE account SET balance = $2 WHERE name = $1", user.account, Amount.parse(balance).nano)
    )


async def change(database: Database, user: User, **values: Any) -> None:
    def program() -> Program[None]:
        for column, value in values.items():
            yield from execute(f'UPDATE "user" SET {column} = $2 WHERE id = $1', user.id, value)  # noqa: S608

    await database.atomically(program())


async def untold(database: Database, limit: int = 100) -> list[LowBalance]:
    return await database.look(low_balances.untold(limit))


async def names(database: Database) -> list[str]:
    return [each.name for each in await untold(database)]


async def tell_all(database: Database, clock: Clock) -> list[str]:
    found = await untold(database)
    return [each.name for each in await database.atomically(low_balances.claim(found, clock.now()))]


async def forget(database: Database, clock: Clock) -> int:
    notes = await database.look(low_balances.recovered(HOUR, clock.now(), 100))
    return await database.atomically(low_balances.forget(notes))


async def test_who_has_less_than_they_want_is_found_with_all_that_a_notice_needs(database: Database):
    user = await watched(database, language="zh", display_name="Ann A.", notify_webhook="sealed")

    (found,) = await untold(database)
    assert found == LowBalance(
        user_id=user.id,
        name="Ann A.",
        email="ann@example.org",
        language=Language.CHINESE,
        balance=Amount.parse("1"),
        threshold=Amount.parse("2"),
        sealed_webhook="sealed",
    )
    assert found.receiver == user.account
    assert "sealed" not in repr(found)


@pytest.mark.parametrize(("balance", "low"), [("1.999999999", True), ("2", False), ("-5", True), ("2.1", False)])
async def test_low_is_below_the_threshold(database: Database, balance: str, low: bool):
    await watched(database, balance=balance)

    assert await names(database) == (["ann"] if low else [])


@pytest.mark.parametrize(
    "row",
    [
        {"at": None},
        {"status": "disabled"},
        {"email": None},
        {"email_verified_at": None},
        {"notify_email": False},
    ],
    ids=str,
)
async def test_who_cannot_or_does_not_want_to_be_told_is_not_found(database: Database, row: dict[str, Any]):
    await watched(database, **row)

    assert await names(database) == []


@pytest.mark.parametrize("row", [{"email": None}, {"email_verified_at": None}, {"notify_email": False}], ids=str)
async def test_a_webhook_does_without_an_address(database: Database, row: dict[str, Any]):
    await watched(database, notify_webhook="sealed", **row)

    assert [(each.email, each.sealed_webhook) for each in await untold(database)] == [(None, "sealed")]


async def test_where_no_mail_is_sent_only_webhooks_are_left(database: Database):
    await watched(database)
    await watched(database, "bob", notify_webhook="sealed")

    found = await database.look(low_balances.untold(10, by_email=False))
    assert [(each.name, each.email, each.sealed_webhook) for each in found] == [("bob", None, "sealed")]


async def test_there_are_at_most_so_many_and_each_is_told_once(database: Database, clock: Clock):
    for name in ("ann", "bob", "cid"):
        await watched(database, name)

    first = await untold(database, limit=2)
    assert [each.name for each in first] == ["ann", "bob"]
    assert await database.atomically(low_balances.claim(first, clock.now())) == first
    assert await database.atomically(low_balances.claim(first, clock.now())) == []
    assert await names(database) == ["cid"]


async def test_of_two_processes_one_tells(database: Database, database_url: str, clock: Clock):
    for name in ("ann", "bob", "cid"):
        await watched(database, name)
    other = await Database.connect(database_url)
    found = await untold(database)
    claims = (each.atomically(low_balances.claim(found, clock.now())) for each in (database, other) for _ in range(3))
    told = [low.name for claimed in await asyncio.gather(*claims) for low in claimed]
    await other.close()

    assert sorted(told) == ["ann", "bob", "cid"]


async def test_a_crossing_is_one_notice_and_the_next_one_another(database: Database, clock: Clock):
    user = await watched(database)
    assert await tell_all(database, clock) == ["ann"]

    clock.advance(7 * 86400)
    assert await forget(database, clock) == 0
    assert await tell_all(database, clock) == []

    await set_balance(database, user, "11")
    assert await forget(database, clock) == 1
    assert await tell_all(database, clock) == []
    await set_balance(database, user, "1")
    assert await tell_all(database, clock) == ["ann"]


async def test_a_balance_that_swings_is_not_a_notice_each_time(database: Database, clock: Clock):
    user = await watched(database)
    assert await tell_all(database, clock) == ["ann"]

    clock.advance(HOUR.total_seconds() - 1)
    await set_balance(database, user, "11")
    assert await forget(database, clock) == 0
    await set_balance(database, user, "1")
    assert await tell_all(database, clock) == []

    await set_balance(database, user, "11")
    clock.advance(1)
    assert await forget(database, clock) == 1


@pytest.mark.parametrize("values", [{"low_balance_at": None}, {"low_balance_at": NANO // 2}], ids=str)
async def test_who_asks_for_less_starts_anew(database: Database, clock: Clock, values: dict[str, Any]):
    user = await watched(database)
    await tell_all(database, clock)
    clock.advance(HOUR.total_seconds())
    await change(database, user, **values)

    assert await forget(database, clock) == 1


async def test_so_many_at_most_start_anew_at_a_time(database: Database, clock: Clock):
    for name in ("ann", "bob", "cid"):
        user = await watched(database, name)
        await tell_all(database, clock)
        await set_balance(database, user, "10")
    clock.advance(HOUR.total_seconds())

    notes = await database.look(low_balances.recovered(HOUR, clock.now(), 2))
    assert await database.atomically(low_balances.forget(notes)) == 2
    assert await database.atomically(low_balances.forget(notes)) == 0
    assert await forget(database, clock) == 1


async def test_notes_of_other_kinds_stay(database: Database, clock: Clock):
    await database.atomically(
        execute("INSERT INTO notice (receiver, kind, subject, at) VALUES ('webhook:x', 'channel_opened', 'main', 0)")
    )

    assert await forget(database, clock) == 0


async def test_looking_reads_no_users_but_those_who_want_to_be_told(database: Database):
    if database.location.path is None:
        pytest.skip("PostgreSQL plans by the size of its tables")
    step = next(low_balances.untold(10))
    plan = await database.fetch(f"EXPLAIN QUERY PLAN {step.sql}", *step.values)
    text = " | ".join(str(row[-1]) for row in plan)

    assert "user_low_balance" in text
    assert "SEARCH a USING INDEX" in text
