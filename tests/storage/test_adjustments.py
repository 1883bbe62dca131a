from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from clinx.billing import codes, topup
from clinx.billing.codes import Offer
from clinx.billing.topup import Cause
from clinx.domain.adjustment import Adjustment, AdjustmentState, Proposed
from clinx.domain.money import ZERO, Amount
from clinx.storage import adjustments
from clinx.storage.adjustments import AdjustmentFilter
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from support.database import START, make_user

DAY = timedelta(days=1)
FIVE = Amount.parse("5")
ONE = Proposed(7, FIVE, "sorry", 3, "user:ada", "3:key-1", START, START + DAY)


async def made(database: Database, **changes: object) -> Adjustment:
    return await database.atomically(adjustments.insert(replace(ONE, **changes)))  # type: ignore[arg-type]


async def found(database: Database, wanted: AdjustmentFilter, at=START) -> list[int]:
    listed = await adjustments.page(database, wanted, at=at, below=None, limit=10)
    assert await adjustments.count(database, wanted, at=at, most=10) == len(listed)
    return [each.id for each in listed]


async def test_a_proposal_is_read_as_it_was_written(database: Database) -> None:
    one = await made(database)

    assert one == Adjustment(one.id, ONE, AdjustmentState.PENDING)
    assert await adjustments.get(database, one.id) == one
    assert await adjustments.get(database, one.id + 1) is None
    assert await database.look(adjustments.of_key(3, "3:key-1")) == one
    assert await database.look(adjustments.of_key(4, "3:key-1")) is None


async def test_a_key_is_for_one_proposal(database: Database) -> None:
    await made(database)

    with pytest.raises(StorageRefused):
        await made(database, user_id=8)
    assert len(await found(database, AdjustmentFilter())) == 1


async def test_of_many_decisions_one_counts(database: Database) -> None:
    one = await made(database)

    told = [
        await database.atomically(adjustments.decide(one.id, state, by, START))
        for state, by in ((AdjustmentState.REJECTED, 4), (AdjustmentState.APPROVED, 5))
    ]

    assert told == [True, False]
    assert await adjustments.get(database, one.id) == replace(
        one, state=AdjustmentState.REJECTED, decided_by=4, decided_at=START
    )


async def test_what_has_expired_is_not_decided(database: Database) -> None:
    one = await made(database)

    assert not await database.atomically(adjustments.decide(one.id, AdjustmentState.APPROVED, 4, START + DAY))
    assert await adjustments.get(database, one.id) == one


async def test_they_are_found_by_state_and_user_the_latest_first(database: Database) -> None:
    first = await made(database)
    second = await made(database, key="3:key-2", user_id=8, expires_at=START + 3 * DAY)
    third = await made(database, key="3:key-3")
    await database.atomically(adjustments.decide(third.id, AdjustmentState.APPROVED, 4, START))

    assert await found(database, AdjustmentFilter()) == [third.id, second.id, first.id]
    assert await found(database, AdjustmentFilter(user_id=8)) == [second.id]
    assert await found(database, AdjustmentFilter(state=AdjustmentState.PENDING)) == [second.id, first.id]
    assert await found(database, AdjustmentFilter(state=AdjustmentState.APPROVED)) == [third.id]
    assert await found(database, AdjustmentFilter(state=AdjustmentState.REJECTED)) == []
    later = START + DAY
    assert await found(database, AdjustmentFilter(state=AdjustmentState.PENDING), later) == [second.id]
    assert await found(database, AdjustmentFilter(state=AdjustmentState.EXPIRED), later) == [first.id]
    listed = await adjustments.page(database, AdjustmentFilter(), at=START, below=third.id, limit=1)
    assert [each.id for each in listed] == [second.id]


async def test_what_somebody_gave_is_summed_since_an_instant(database: Database) -> None:
    user = await make_user(database)
    for key, at in (("3:a", START), ("3:b", START - DAY), ("31:a", START), ("3", START)):
        await topup.grant(database, user, FIVE, Cause("user:ada", "sorry", key), at=at)
    await topup.adjust(database, user, -FIVE, Cause("user:ada", "sorry", "3:c"), at=START)

    assert await database.look(adjustments.given_since("grant:3:", START)) == FIVE
    assert await database.look(adjustments.given_since("grant:3:", START - DAY)) == FIVE + FIVE
    assert await database.look(adjustments.given_since("grant:4:", START - DAY)) == ZERO


async def test_what_codes_are_worth_is_summed_by_who_made_them(database: Database) -> None:
    for actor, count, at in (("user:ada", 2, START), ("user:ada", 3, START - DAY), ("key:1:ada", 1, START)):
        await codes.create(database, Offer("spring", FIVE, count), actor=actor, at=at)

    assert await database.look(adjustments.printed_since(START)) == {"user:ada": FIVE + FIVE, "key:1:ada": FIVE}
