from datetime import timedelta

import pytest

from clinx.domain.money import Amount
from clinx.storage import codes
from clinx.storage.codes import BatchOfCodes, Code, CodeFilter, CodeState, NewCode
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


async def write_batches(database: Database) -> None:
    """Four codes: one open, one redeemed by user 7, one disabled, one whose time is over after a day; two batches."""
    made = [
        NewCode(f"d{number}", f"CLX-{number}…", f"batch_{batch}", "spring", Amount(5), "cli:root", START, expires_at)
        for number, (batch, expires_at) in enumerate([(1, None), (1, None), (2, START + DAY), (2, START + DAY)])
    ]
    await database.atomically(codes.insert(made))
    await database.atomically(codes.claim("d1", 7, START))
    await database.atomically(codes.disable(3))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (CodeFilter(), [4, 3, 2, 1]),
        (CodeFilter(batch="batch_1"), [2, 1]),
        (CodeFilter(state=CodeState.OPEN), [1]),
        (CodeFilter(state=CodeState.EXPIRED), [4]),
        (CodeFilter(state=CodeState.REDEEMED), [2]),
        (CodeFilter(state=CodeState.DISABLED), [3]),
        (CodeFilter(hint="CLX-0…"), [1]),
        (CodeFilter(redeemed_by=7), [2]),
        (CodeFilter(batch="batch_2", state=CodeState.OPEN), []),
    ],
    ids=["all", "batch", "open", "expired", "redeemed", "disabled", "hint", "user", "both"],
)
async def test_codes_are_found_and_counted(database: Database, wanted: CodeFilter, found: list[int]):
    await write_batches(database)
    at = START + DAY

    assert [code.id for code in await codes.page(database, wanted, at=at, below=None, limit=10)] == found
    assert await codes.count(database, wanted, at=at, most=10) == len(found)


async def test_codes_are_paged_the_latest_first(database: Database):
    await write_batches(database)

    assert [code.id for code in await codes.page(database, CodeFilter(), at=START, below=None, limit=3)] == [4, 3, 2]
    assert [code.id for code in await codes.page(database, CodeFilter(), at=START, below=2, limit=3)] == [1]
    assert await codes.count(database, CodeFilter(), at=START, most=2) == 2


async def test_batches_are_paged_the_latest_first(database: Database):
    await write_batches(database)

    (latest,) = await codes.page_of_batches(database, at=START + DAY, below=None, limit=1)
    (earlier,) = await codes.page_of_batches(database, at=START + DAY, below=latest[1], limit=5)

    assert [latest[1], earlier[1]] == [3, 1]
    assert latest[0] == BatchOfCodes("batch_2", "spring", Amount(5), "cli:root", START, START + DAY, 0, 0, 1, 1)
    assert earlier[0] == BatchOfCodes("batch_1", "spring", Amount(5), "cli:root", START, None, 1, 1, 0, 0)
    assert await codes.get_batch(database, "batch_1", at=START + DAY) == earlier[0]
    assert await codes.get_batch(database, "batch_3", at=START) is None
    assert await codes.count_batches(database, most=10) == 2
    assert await codes.count_batches(database, most=1) == 1
