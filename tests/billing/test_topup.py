import asyncio

import pytest

from clinx.billing import statement, topup
from clinx.billing.topup import Cause, KeyReused
from clinx.domain.ledger import EntryKind
from clinx.domain.money import MAX_NANO, ZERO, Amount
from clinx.storage import statements
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from support.books import contradictions
from support.database import START, make_user

CAUSE = Cause("cli:root", "welcome", "key-1")
FIVE = Amount.parse("5")


async def test_a_grant_comes_out_of_promo(database: Database):
    user = await make_user(database)

    assert await topup.grant(database, user, FIVE, CAUSE, at=START) is True

    assert (await statement.balance(database, user)).total == FIVE
    assert (await statements.balance(database, "promo")).total == -FIVE
    (entry,) = await statement.entries(database, user)
    assert (entry.event, entry.kind, entry.amount, entry.detail) == (
        "grant:key-1",
        EntryKind.GRANT,
        FIVE,
        '{"actor":"cli:root","reason":"welcome"}',
    )
    assert await contradictions(database) == []


async def test_a_key_counts_once_however_often_and_however_parallel(database: Database):
    user = await make_user(database)

    written = await asyncio.gather(*(topup.grant(database, user, FIVE, CAUSE, at=START) for _ in range(20)))

    assert sorted(written) == [False] * 19 + [True]
    assert (await statement.balance(database, user)).total == FIVE


async def test_a_key_used_for_another_user_is_an_error_even_at_the_same_time(database: Database):
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")

    answers = await asyncio.gather(
        *(topup.grant(database, user, FIVE, CAUSE, at=START) for user in (ann, bob)), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["KeyReused", "bool"]
    assert (await statements.balance(database, "promo")).total == -FIVE
    assert await contradictions(database) == []


async def test_a_key_is_one_for_grants_and_adjustments_of_different_users_even_at_the_same_time(database: Database):
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")

    for attempt in range(10):
        cause = Cause("cli:root", "welcome", f"key-{attempt}")
        answers = await asyncio.gather(
            topup.grant(database, ann, FIVE, cause, at=START),
            topup.adjust(database, bob, FIVE, cause, at=START),
            return_exceptions=True,
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["KeyReused", "bool"]

    assert await contradictions(database) == []


@pytest.mark.parametrize("amount", ["6", "-5", "5.000000001"])
async def test_a_key_used_for_another_amount_is_an_error_and_changes_nothing(database: Database, amount: str):
    user = await make_user(database)
    await topup.grant(database, user, FIVE, CAUSE, at=START)
    again = topup.grant if Amount.parse(amount) > ZERO else topup.adjust

    with pytest.raises(KeyReused) as caught:
        await again(database, user, Amount.parse(amount), CAUSE, at=START)

    assert str(caught.value) == "the key was used before for another amount or user; nothing changed"
    assert (await statement.balance(database, user)).total == FIVE
    assert len(await statement.entries(database, user)) == 1


async def test_a_key_of_an_adjustment_is_none_for_a_grant_of_the_same_amount(database: Database):
    user = await make_user(database)
    assert await topup.adjust(database, user, FIVE, CAUSE, at=START) is True
    assert await topup.adjust(database, user, FIVE, CAUSE, at=START) is False

    with pytest.raises(KeyReused):
        await topup.grant(database, user, FIVE, CAUSE, at=START)

    assert (await statement.balance(database, user)).total == FIVE


async def test_another_reason_is_the_same_movement(database: Database):
    user = await make_user(database)
    await topup.grant(database, user, FIVE, CAUSE, at=START)

    assert await topup.grant(database, user, FIVE, Cause("cli:ann", "again", "key-1"), at=START) is False
    assert "welcome" in str((await statement.entries(database, user))[0].detail)


async def test_an_adjustment_may_take_a_balance_below_zero(database: Database):
    user = await make_user(database, balance="1")

    assert await topup.adjust(database, user, Amount.parse("-3"), CAUSE, at=START) is True

    assert (await statement.balance(database, user)).total == Amount.parse("-2")
    assert (await statements.balance(database, "adjust")).total == Amount.parse("3")
    assert await contradictions(database) == []


async def test_senseless_amounts_and_keys_are_refused(database: Database):
    user = await make_user(database)

    for amount in ("0", "-1"):
        with pytest.raises(ValueError, match="positive"):
            await topup.grant(database, user, Amount.parse(amount), CAUSE, at=START)
    with pytest.raises(ValueError, match="changes something"):
        await topup.adjust(database, user, Amount(0), CAUSE, at=START)
    for key in ("", "k" * 129):
        with pytest.raises(ValueError, match="key"):
            await topup.grant(database, user, FIVE, Cause("a", "b", key), at=START)

    assert await statement.entries(database, user) == []


async def test_a_balance_beyond_the_column_is_refused_and_nothing_changes(database: Database):
    user = await make_user(database)
    await topup.grant(database, user, Amount(MAX_NANO), CAUSE, at=START)

    with pytest.raises(StorageRefused):
        await topup.grant(database, user, FIVE, Cause("a", "b", "key-2"), at=START)

    assert (await statement.balance(database, user)).total == Amount(MAX_NANO)
    assert len(await statement.entries(database, user)) == 1
