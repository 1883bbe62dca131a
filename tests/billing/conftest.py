from collections.abc import AsyncGenerator
from random import Random

import pytest_asyncio

from clinx.billing.cashier import Cashier
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.database import Clock, _migrated_file, clock, database, database_url, empty_url

__all__ = ["_migrated_file", "cashier", "clock", "database", "database_url", "empty_url", "supervisor"]


@pytest_asyncio.fixture
async def supervisor() -> AsyncGenerator[Supervisor]:
    made = Supervisor()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def cashier(database: Database, supervisor: Supervisor, clock: Clock) -> AsyncGenerator[Cashier]:
    made = Cashier(database, supervisor, now=clock.now, random=Random(1))
    made.start()
    yield made
    await made.close()
