from datetime import timedelta

import pytest

from clinx.domain.money import Amount
from clinx.storage import codes
from clinx.storage.codes import Code, CodeState, NewCode
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from support.database import START

DAY = timedelta(days=1)
ONE = NewCode("d1", "CLX-1…", "batch_1", "spring", Amount(5), "cli:root", START, START + DAY)
ENDLESS = NewCode("d2", "CLX-2…", "batch_1", "spring", Amount(5), "cli:root", START, None)


async def test_a_code_comes_back_as_it_was_written(database: Database):
    await database.atomically(codes.insert([ONE, ENDLESS]))

    one = Code(1, "CLX-1…", "batch_1", "spring", Amount(5), CodeState.OPEN, START + DAY, None, None)
    assert await codes.get(database, 1) == one
    assert await codes.find_by_hint(database, "CLX-1…") == [one]
    assert await database.atomically(codes.look_up("d1")) == one
    assert [code.expires_at for code in await codes.of_batch(database, "batch_1")] == [START + DAY, None]


async def test_what_is_not_there_is_none(database: Database):
    assert await codes.get(database, 1) is None
    assert await codes.find_by_hint(database, "CLX-1…") == []
    assert await database.atomically(codes.look_up("d1")) is None
    assert await database.atomically(codes.claim("d1", 7, START)) is None
    assert await codes.of_batch(database, "batch_1") == []
    assert await codes.batches(database, START) == []


async def test_a_digest_is_taken_once(database: Database):
    await database.atomically(codes.insert([ONE]))

    with pytest.raises(StorageRefused):
        await database.atomically(codes.insert([ENDLESS, ONE]))

    assert [code.id for code in await codes.of_batch(database, "batch_1")] == [1]


async def test_an_open_code_is_claimed_once(database: Database):
    await database.atomically(codes.insert([ONE, ENDLESS]))

    claimed = await database.atomically(codes.claim("d1", 7, START))

    assert claimed == Code(1, "CLX-1…", "batch_1", "spring", Amount(5), CodeState.REDEEMED, START + DAY, START, 7)
    assert await database.atomically(codes.claim("d1", 8, START)) is None
    assert await codes.get(database, 1) == claimed


async def test_an_expired_or_disabled_code_is_not_claimed(database: Database):
    await database.atomically(codes.insert([ONE, ENDLESS]))
    assert await database.atomically(codes.disable(2)) == 1

    assert await database.atomically(codes.claim("d1", 7, START + DAY)) is None
    assert await database.atomically(codes.claim("d2", 7, START)) is None

    states = [(code.state, code.redeemed_by) for code in await codes.of_batch(database, "batch_1")]
    assert states == [(CodeState.OPEN, None), (CodeState.DISABLED, None)]


async def test_only_open_codes_are_disabled(database: Database):
    await database.atomically(codes.insert([ONE, ENDLESS]))
    await database.atomically(codes.claim("d1", 7, START))

    assert await database.atomically(codes.disable(1)) == 0
    assert await database.atomically(codes.disable_batch("batch_1")) == 1
    assert await database.atomically(codes.disable_batch("batch_2")) == 0

    states = [code.state for code in await codes.of_batch(database, "batch_1")]
    assert states == [CodeState.REDEEMED, CodeState.DISABLED]
