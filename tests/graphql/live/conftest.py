from dataclasses import replace

import pytest_asyncio

from clinx.graphql.following.purses import Purses
from clinx.graphql.following.seats import Seats
from clinx.graphql.following.tail import Tail
from clinx.graphql.hub import Hub
from support.database import _migrated_database, _migrated_file, clock, database, database_url
from support.operations import Api, api, counted

__all__ = ["_migrated_database", "_migrated_file", "api", "clock", "counted", "database", "database_url"]

SOON = 0.01


@pytest_asyncio.fixture
async def hub(api: Api) -> Hub:
    """A hub that looks often; the console has it, too."""
    services = api.services
    made = Hub(services.database, services.logs, services.supervisor, now=services.now)
    made.tail = Tail(services.logs, services.supervisor, now=services.now, every=SOON)
    made.purses = Purses(services.database, services.supervisor, every=SOON)
    made.seats = Seats(services.database, services.supervisor, now=services.now, every=SOON)
    api.services = replace(services, hub=made)
    return made
