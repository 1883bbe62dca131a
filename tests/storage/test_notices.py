import asyncio
from datetime import timedelta

from clinx.storage import notices
from clinx.storage.database import Database
from support.database import START, Clock

HOUR = timedelta(hours=1)


async def claimed(
    database: Database,
    clock: Clock,
    *,
    receiver: str = "ops@example.com",
    kind: str = "channel_opened",
    subject: str = "main",
    every: timedelta | None = HOUR,
) -> bool:
    return await database.atomically(notices.claim(receiver, kind, subject, every, clock.now()))


async def test_a_receiver_is_told_once_until_the_time_has_passed(database: Database, clock: Clock):
    assert await claimed(database, clock)
    assert not await claimed(database, clock)
    clock.advance(HOUR.total_seconds() - 1)
    assert not await claimed(database, clock)
    clock.advance(1)
    assert await claimed(database, clock)
    assert not await claimed(database, clock)

    assert len(await database.fetch("SELECT 1 FROM notice")) == 1


async def test_other_receivers_kinds_and_subjects_are_another_matter(database: Database, clock: Clock):
    assert await claimed(database, clock)
    assert await claimed(database, clock, receiver="webhook:1")
    assert await claimed(database, clock, kind="reload_failed")
    assert await claimed(database, clock, subject="spare")


async def test_never_again_is_until_the_note_is_gone(database: Database, clock: Clock):
    assert await claimed(database, clock, every=None)
    clock.advance(10 * 365 * 86400)
    assert not await claimed(database, clock, every=None)

    assert await database.atomically(notices.prune(clock.now(), but="low_balance")) == 1
    assert await claimed(database, clock, every=None)


async def test_of_two_processes_one_tells(database: Database, database_url: str, clock: Clock):
    other = await Database.connect(database_url)
    for _ in range(3):
        tries = [claimed(each, clock) for each in (database, other) for _ in range(5)]
        assert sorted(await asyncio.gather(*tries)) == [False] * 9 + [True]
        clock.advance(HOUR.total_seconds())
    await other.close()


async def test_what_is_old_is_forgotten_except_of_one_kind(database: Database, clock: Clock):
    await claimed(database, clock)
    await claimed(database, clock, kind="low_balance")
    clock.advance(1)
    await claimed(database, clock, subject="spare")

    assert await database.atomically(notices.prune(START, but="low_balance")) == 0
    assert await database.atomically(notices.prune(clock.now(), but="low_balance")) == 1
    assert await database.fetch("SELECT kind, subject FROM notice ORDER BY kind") == [
        ("channel_opened", "spare"),
        ("low_balance", "main"),
    ]


async def test_any_name_can_be_noted(database: Database, clock: Clock):
    odd = "n\x00\udc00" + "x" * 1000

    assert await claimed(database, clock, receiver=odd, kind=odd, subject=odd)
    assert not await claimed(database, clock, receiver=odd, kind=odd, subject=odd)
