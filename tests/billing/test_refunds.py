import asyncio
from datetime import timedelta

import pytest

from clinx.billing import statement
from clinx.billing.failures import ChargeUnknown, KeyReused, RefundTooLarge
from clinx.billing.refunds import Refund, refund
from clinx.billing.transfer import Cause
from clinx.domain.identity import User
from clinx.domain.ledger import REVENUE, EntryKind
from clinx.domain.money import Amount
from clinx.storage import ledger, statements
from clinx.storage.database import Database
from clinx.storage.ledger import Movement, NewEntry
from clinx.storage.program import Program
from support.database import START, make_user

TEN, THREE = Amount.parse("10"), Amount.parse("3")
HOUR = timedelta(hours=1)


def why(key: str = "key-1") -> Cause:
    return Cause("cli:root", "bad answer", key)


async def charged(database: Database, request: str = "req_1", amount: Amount = TEN, at=START, name="ann") -> User:
    """A user with 100 who was charged."""

    def charge() -> Program[None]:
        lines = ((user.account, -amount), (REVENUE, amount))
        yield from ledger.append([NewEntry(f"settle:{request}", *line, EntryKind.CHARGE, at) for line in lines])
        for account, change in lines:
            yield from ledger.move([Movement(account, change)])

    user = await make_user(database, name, balance="100")
    await database.atomically(charge())
    return user


async def totals(database: Database, user: User) -> tuple[str, str]:
    return str((await statement.balance(database, user)).total), str(
        (await statements.balance(database, REVENUE)).total
    )


async def test_a_part_of_a_charge_is_given_back(database: Database):
    user = await charged(database)

    done = await refund(database, "settle:req_1", THREE, why(), at=START + HOUR)

    assert done == Refund(user.account, THREE, THREE, TEN, is_new=True)
    assert await totals(database, user) == ("93", "7")
    entry = (await statement.entries(database, user))[0]
    assert (entry.event, entry.kind, entry.amount, entry.at, entry.detail) == (
        "refund:req_1:key-1",
        EntryKind.REFUND,
        THREE,
        START + HOUR,
        '{"actor":"cli:root","reason":"bad answer","charge":"settle:req_1"}',
    )
    announced = await database.fetch("SELECT topic, subject FROM announcement ORDER BY id DESC LIMIT 1")
    assert [tuple(row) for row in announced] == [("funds", user.account)]


async def test_without_an_amount_what_is_left_is_given_back(database: Database):
    user = await charged(database)
    await refund(database, "settle:req_1", THREE, why(), at=START)

    done = await refund(database, "settle:req_1", None, why("key-2"), at=START)

    assert done == Refund(user.account, Amount.parse("7"), TEN, TEN, is_new=True)
    assert await totals(database, user) == ("100", "0")


@pytest.mark.parametrize("amount", [THREE, None])
async def test_a_refund_counts_once_under_its_key_however_parallel(database: Database, amount: Amount | None):
    user = await charged(database, amount=THREE)

    made = await asyncio.gather(*(refund(database, "settle:req_1", amount, why(), at=START) for _ in range(10)))

    assert sorted(each.is_new for each in made) == [False] * 9 + [True]
    assert {(each.amount, each.refunded) for each in made} == {(THREE, THREE)}
    assert await totals(database, user) == ("100", "0")


async def test_refunds_together_are_never_more_than_the_charge_however_parallel(database: Database):
    user = await charged(database)

    answers = await asyncio.gather(
        *(refund(database, "settle:req_1", THREE, why(f"key-{number}"), at=START) for number in range(10)),
        return_exceptions=True,
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["Refund"] * 3 + ["RefundTooLarge"] * 7
    assert await totals(database, user) == ("99", "1")


async def test_more_than_what_is_left_is_refused(database: Database):
    user = await charged(database)
    await refund(database, "settle:req_1", THREE, why(), at=START)

    with pytest.raises(RefundTooLarge, match="7 is left of the charge of 10"):
        await refund(database, "settle:req_1", Amount.parse("7.000000001"), why("key-2"), at=START)
    await refund(database, "settle:req_1", None, why("key-3"), at=START)
    with pytest.raises(RefundTooLarge, match="0 is left of the charge of 10"):
        await refund(database, "settle:req_1", None, why("key-4"), at=START)

    assert await totals(database, user) == ("100", "0")
    assert len(await statement.entries(database, user)) == 4


async def test_a_key_used_for_another_amount_is_refused(database: Database):
    user = await charged(database)
    await refund(database, "settle:req_1", THREE, why(), at=START)

    with pytest.raises(KeyReused):
        await refund(database, "settle:req_1", TEN, why(), at=START)

    assert await totals(database, user) == ("93", "7")


async def test_a_clock_behind_the_charges_hides_no_refund(database: Database):
    user = await charged(database)
    await refund(database, "settle:req_1", THREE, why(), at=START - HOUR)

    with pytest.raises(RefundTooLarge):
        await refund(database, "settle:req_1", TEN, why("key-2"), at=START)

    assert (await statement.entries(database, user))[0].at == START
    assert await totals(database, user) == ("93", "7")


async def test_each_charge_has_its_own_refunds(database: Database):
    ann = await charged(database, "req_1")
    bob = await charged(database, "req_10", name="bob")

    await refund(database, "settle:req_1", TEN, why(), at=START)
    await refund(database, "settle:req_10", TEN, why(), at=START)

    assert await totals(database, ann) == ("100", "0")
    assert await totals(database, bob) == ("100", "0")


async def test_what_charged_nobody_is_refused(database: Database):
    user = await charged(database)
    (grant,) = [e.event for e in await statement.entries(database, user) if e.kind is EntryKind.GRANT]

    for event in ("settle:req_2", "settle:", "", "req_1", grant, "refund:req_1:key-1"):
        with pytest.raises(ChargeUnknown):
            await refund(database, event, THREE, why(), at=START)

    assert await totals(database, user) == ("90", "10")


async def test_senseless_refunds_are_refused(database: Database):
    user = await charged(database, "r" * 128)

    for amount in ("0", "-1"):
        with pytest.raises(ValueError, match="a refund is positive"):
            await refund(database, "settle:" + "r" * 128, Amount.parse(amount), why(), at=START)
    with pytest.raises(ValueError, match="the key is too long"):
        await refund(database, "settle:" + "r" * 128, THREE, why("k" * 120), at=START)
    await refund(database, "settle:" + "r" * 128, THREE, why("k" * 119), at=START)

    assert await totals(database, user) == ("93", "7")
