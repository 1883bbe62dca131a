from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from clinx.domain.audit_entry import AuditEntry, AuditFilter
from clinx.storage import audit_log
from clinx.storage.database import Database
from support.database import START

ENTRY = AuditEntry(START, "req_1", "user:ann", 7, "192.0.2.1", "tokenCreate", '{"name": "ci"}', "ok", None, '{"id": 1}')


async def wrote(database: Database) -> None:
    """Three entries, a minute apart."""
    other = msgspec.structs.replace(ENTRY, actor="key:3:bob", user_id=8, operation="userDisable", outcome="forbidden")
    for number, entry in enumerate([ENTRY, other, ENTRY]):
        at = START + timedelta(minutes=number)
        await database.atomically(audit_log.append(msgspec.structs.replace(entry, at=at)))


async def test_an_entry_is_read_as_it_was_written(database: Database) -> None:
    await database.atomically(audit_log.append(ENTRY))

    [found] = await audit_log.page(database, AuditFilter(), below=None, limit=10)

    assert found == msgspec.structs.replace(ENTRY, id=found.id)
    assert await audit_log.find(database, found.id) == found
    assert await audit_log.find(database, found.id + 1) is None


async def test_what_is_too_long_or_cannot_be_stored_is_cut(database: Database) -> None:
    odd = msgspec.structs.replace(ENTRY, actor="user:\x00" + "a" * 500, input="x" * 100_000, address=None)
    await database.atomically(audit_log.append(odd))

    [found] = await audit_log.page(database, AuditFilter(), below=None, limit=10)

    assert (len(found.actor), found.actor[:6], len(found.input)) == (128, "user:�", audit_log.TEXT)


async def test_pages_go_from_the_newest_to_the_oldest(database: Database) -> None:
    await wrote(database)

    newest = await audit_log.page(database, AuditFilter(), below=None, limit=2)
    rest = await audit_log.page(database, AuditFilter(), below=newest[-1].id, limit=2)

    assert [each.at - START for each in (*newest, *rest)] == [timedelta(minutes=n) for n in (2, 1, 0)]


@pytest.mark.parametrize(
    ("wanted", "minutes"),
    [
        (AuditFilter(since=START + timedelta(minutes=1)), [2, 1]),
        (AuditFilter(until=START + timedelta(minutes=1)), [0]),
        (AuditFilter(actor="key:3:bob"), [1]),
        (AuditFilter(user_id=7), [2, 0]),
        (AuditFilter(operation="userDisable"), [1]),
        (AuditFilter(only_refused=True), [1]),
        (AuditFilter(actor="user:ann", since=START + timedelta(seconds=1)), [2]),
    ],
    ids=["since", "until", "actor", "user", "operation", "refused", "two"],
)
async def test_entries_are_found_by(database: Database, wanted: AuditFilter, minutes: list[int]) -> None:
    await wrote(database)

    found = await audit_log.page(database, wanted, below=None, limit=10)

    assert [(each.at - START) // timedelta(minutes=1) for each in found] == minutes
    assert await audit_log.count(database, wanted, most=10) == len(minutes)


async def test_counting_ends_where_it_is_told_to(database: Database) -> None:
    await wrote(database)

    assert await audit_log.count(database, AuditFilter(), most=2) == 2


async def test_the_oldest_are_forgotten_a_few_at_a_time(database: Database) -> None:
    await wrote(database)
    before = START + timedelta(minutes=2)

    forgotten = [await database.atomically(audit_log.trim(before, limit=1)) for _ in range(3)]

    assert forgotten == [1, 1, 0]
    assert [each.at for each in await audit_log.page(database, AuditFilter(), below=None, limit=10)] == [before]
