from collections.abc import AsyncGenerator

import pytest_asyncio

from support.database import _migrated_database, _migrated_file, clock, database, database_url
from support.mail_server import MailServer
from support.webhook_site import WebhookSite

__all__ = ["_migrated_database", "_migrated_file", "clock", "database", "database_url", "mail_server", "site"]


@pytest_asyncio.fixture
async def site() -> AsyncGenerator[WebhookSite]:
    async with WebhookSite() as opened:
        yield opened


@pytest_asyncio.fixture
async def mail_server() -> AsyncGenerator[MailServer]:
    async with MailServer() as opened:
        yield opened
