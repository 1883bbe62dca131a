"""A second database, on the engine of the first: where request logs are moved to.

async def test_something(database, logs): ...
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from msgspec.structs import replace

from clinx.domain.ledger import EntryKind
from clinx.domain.money import Amount
from clinx.domain.request_log import RequestLog
from clinx.storage import ledger, request_logs
from clinx.storage.database import Database
from clinx.storage.ledger import NewEntry
from support.database import START, _copied, request_log


@pytest_asyncio.fixture
async def logs_url(
    database_url: str, tmp_path: Path, _migrated_file: Path, _migrated_database: str
) -> AsyncGenerator[str]:
    """The URL of another database with all tables and nothing in them."""
    if database_url.startswith("sqlite"):
        target = tmp_path / "logs" / "clinx.db"
        target.parent.mkdir()
        shutil.copy(_migrated_file, target)
        yield f"sqlite:///{target}"
        return
    async with _copied(_migrated_database) as url:
        yield url


@pytest_asyncio.fixture
async def logs(logs_url: str) -> AsyncGenerator[Database]:
    opened = await Database.connect(logs_url)
    yield opened
    await opened.close()


def some_logs(count: int, *, first: int = 0) -> list[RequestLog]:
    """Logs a second apart that cost nothing, so that no entry has to tell of them."""
    numbers = range(first, first + count)
    return [
        replace(request_log(f"req-{number:03}"), at=START + timedelta(seconds=number), stream=number % 2 == 0)
        for number in numbers
    ]


async def log(database: Database, *written: RequestLog) -> None:
    await database.atomically(request_logs.append(written))


async def charge(database: Database, request_id: str, nano: int, *, event: str = "") -> None:
    """Write the entries of a settlement."""
    lines = (("user:1", Amount(-nano)), ("revenue", Amount(nano)))
    name = event or f"settle:{request_id}"
    await database.atomically(ledger.append([NewEntry(name, to, by, EntryKind.CHARGE, START) for to, by in lines]))


async def ids(database: Database) -> Sequence[str]:
    rows = await database.fetch("SELECT id FROM request_log ORDER BY id")
    return [row[0] for row in rows]
