from datetime import UTC, datetime, timedelta

import pytest

from clinx.accounts import tokens
from clinx.billing import statement
from clinx.billing.vault import Vault
from clinx.domain.ledger import Balance
from clinx.domain.money import ZERO, Amount
from clinx.errors import TokenDisabled
from clinx.storage import spend
from clinx.storage.database import Database
from clinx.storage.spend import Spend, SpendKey
from clinx.storage.statements import Allowance, OpenHold, SpendBy, Spent
from support.database import START, fund, make_caller, make_token, make_user


async def test_a_new_user_has_nothing(database: Database):
    user = await make_user(database)

    assert await statement.balance(database, user) == Balance(ZERO, ZERO)
    assert await statement.entries(database, user) == []
    assert await statement.spend(database, user, START.date(), START.date()) == []


async def test_open_holds_are_listed_with_their_end(database: Database, vault: Vault):
    ann, bob = await make_caller(database, "ann", balance="5"), await make_caller(database, "bob", balance="5")
    held = [
        await vault.reserve(caller, Amount(n), request_id=f"req-{n}", revision="r1", lifetime=timedelta(hours=9 - n))
        for n, caller in enumerate((ann, bob, ann, ann), 1)
    ]
    await vault.release(held[2], log=None)

    assert await statement.holds(database, ann.user) == [
        OpenHold("req-4", ann.token.id, Amount(4), START + timedelta(hours=5)),
        OpenHold("req-1", ann.token.id, Amount(1), START + timedelta(hours=8)),
    ]
    assert [hold.id for hold in await statement.holds(database, ann.user, limit=1)] == ["req-4"]


async def test_entries_are_paged_from_the_newest(database: Database):
    user = await make_user(database)
    for amount in ("1", "2", "3"):
        await fund(database, user, amount)

    first = await statement.entries(database, user, limit=2)
    second = await statement.entries(database, user, before=first[-1].id, limit=2)

    assert [str(entry.amount) for entry in first + second] == ["3", "2", "1"]


async def test_spend_is_a_user_s_a_token_s_or_everyone_s(database: Database):
    ann, bob = await make_caller(database, "ann"), await make_caller(database, "bob")
    other = (await make_token(database, ann.user, name="other")).token
    day = (START - datetime(1970, 1, 1, tzinfo=UTC)).days
    sums = [(ann.user.id, ann.token.id, 1), (ann.user.id, other.id, 2), (bob.user.id, bob.token.id, 4)]
    await database.atomically(
        spend.add(
            Spend(SpendKey.of(user, day, token, "gpt-4o", "default"), 1, Amount(n), 3, 5) for user, token, n in sums
        )
    )
    today, tomorrow = START.date(), START.date() + timedelta(days=1)

    assert await statement.spend(database, ann.user, today, today) == [Spent(2, Amount(3), 6, 10)]
    assert await statement.spend(database, ann.user, today, today, token=other) == [Spent(1, Amount(2), 3, 5)]
    assert await statement.spend(database, bob.user, today, today, token=other) == []
    assert await statement.spend(database, None, today, today, by={SpendBy.DAY}) == [
        Spent(3, Amount(7), 9, 15, day=today)
    ]
    assert await statement.spend(database, ann.user, tomorrow, tomorrow) == []


async def test_a_deleted_token_has_no_allowance(database: Database):
    caller = await make_caller(database, balance="5")
    assert await statement.allowance(database, caller.token) == Allowance(ZERO, Amount.parse("5"), budgeted=False)

    await tokens.delete(database, caller.token, at=START)

    with pytest.raises(TokenDisabled):
        await statement.allowance(database, caller.token)
