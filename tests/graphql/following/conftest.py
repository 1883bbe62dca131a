from collections.abc import AsyncGenerator

import pytest_asyncio

from clinx.telemetry.tasks import Supervisor
from support.database import _migrated_database, _migrated_file, clock, database, database_url
from support.operations import api, counted

__all__ = ["_migrated_database", "_migrated_file", "api", "clock", "counted", "database", "database_url"]


@pytest_asyncio.fixture
async def supervisor() -> AsyncGenerator[Supervisor]:
    made = Supervisor()
    yield made
    await made.close()
