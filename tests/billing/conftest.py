from collections.abc import AsyncGenerator
from random import Random

import pytest_asyncio

from clinx.billing.vault import Vault
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.database import ORIGIN, Clock, _migrated_database, _migrated_file, clock, database, database_url, empty_url
from support.log_database import logs, logs_url

__all__ = [
    "_migrated_database",
    "_migrated_file",
    "clock",
    "database",
    "database_url",
    "empty_url",
    "logs",
    "logs_url",
    "supervisor",
    "vault",
]


@pytest_asyncio.fixture
async def supervisor() -> AsyncGenerator[Supervisor]:
    made = Supervisor()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def vault(database: Database, supervisor: Supervisor, clock: Clock) -> AsyncGenerator[Vault]:
    made = Vault(database, supervisor, origin=ORIGIN, now=clock.now, random=Random(1))
    made.start()
    yield made
    await made.close()
