from collections.abc import AsyncGenerator

import pytest_asyncio

from support.database import _migrated_database, _migrated_file, clock, database, database_url
from support.fake_payments import FakePayments

__all__ = ["_migrated_database", "_migrated_file", "clock", "database", "database_url", "site"]


@pytest_asyncio.fixture
async def site() -> AsyncGenerator[FakePayments]:
    async with FakePayments() as opened:
        yield opened
