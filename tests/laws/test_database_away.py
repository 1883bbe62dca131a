"""A real PostgreSQL that goes away under a serving gateway: callers hear of it soon, and no settlement is lost."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from clinx.accounts.authenticate import Authenticator
from clinx.billing import statement
from clinx.billing.vault import Vault
from clinx.domain.identity import Principal
from clinx.domain.ledger import Balance, Reservation
from clinx.domain.money import ZERO, Amount
from clinx.errors import BillingUnavailable
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.books import contradictions
from support.database import (
    ORIGIN,
    POSTGRES,
    START,
    Wire,
    _migrated_database,
    make_token,
    make_user,
    on_server,
    postgres_database,
    request_log,
)

__all__ = ["_migrated_database", "postgres_database"]
pytestmark = [pytest.mark.postgres, pytest.mark.skipif(not POSTGRES, reason="needs CLINX_TEST_POSTGRES_URL")]
ONE = Amount.parse("1")
SOON = 1.8
"""Seconds: a second of patience, and a busy machine."""


@pytest.fixture(autouse=True)
def _patience_with_postgres() -> None:
    """As the gateway has it: that is what these tests are about."""


@dataclass
class Serving:
    database: Database
    vault: Vault
    authenticator: Authenticator
    caller: Principal
    secret: str
    wire: Wire
    name: str

    async def hold(self, request_id: str) -> Reservation:
        return await self.vault.reserve(
            self.caller, ONE, request_id=request_id, revision="r1", lifetime=timedelta(hours=1)
        )

    async def balance(self) -> Balance:
        return await statement.balance(self.database, self.caller.user)


@pytest_asyncio.fixture
async def serving(postgres_database: str) -> AsyncGenerator[Serving]:
    url = urlsplit(postgres_database)
    async with Wire(url.hostname or "127.0.0.1", url.port or 5432).laid() as wire:
        distant = url._replace(netloc=f"{url.username or 'root'}@127.0.0.1:{wire.port}").geturl()
        database, supervisor = await Database.connect(distant), Supervisor()
        vault = Vault(database, supervisor, origin=ORIGIN, now=lambda: START, random=Random(1))
        vault.start()
        user = await make_user(database, balance="5")
        issued = await make_token(database, user)
        authenticator = Authenticator(database, monotonic=time.monotonic, now=lambda: START)
        caller = Principal(user, issued.token, user.group)
        yield Serving(database, vault, authenticator, caller, issued.secret, wire, url.path.lstrip("/"))
        await vault.close()
        await supervisor.close()
        await database.close()


async def refused_soon(asking: Awaitable[object]) -> str:
    began = time.monotonic()
    with pytest.raises(BillingUnavailable) as caught:
        await asking
    assert time.monotonic() - began < SOON
    assert caught.value.code == "billing_unavailable"
    return caught.value.message


async def until_it_works(serving: Serving) -> Reservation:
    async with asyncio.timeout(20):
        while True:
            try:
                return await serving.hold("after")
            except BillingUnavailable:
                await serving.database.is_reachable()


async def go_away(serving: Serving, how: str) -> None:
    if how == "cut":
        serving.wire.cut()
    else:
        await on_server(
            f"ALTER DATABASE {serving.name} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{serving.name}'",  # noqa: S608  (our own name)
        )


async def come_back(serving: Serving) -> None:
    await on_server(f"ALTER DATABASE {serving.name} ALLOW_CONNECTIONS true")
    serving.wire.mend()


@pytest.mark.parametrize("how", ["refusing", "cut"])
async def test_while_the_database_is_away_nobody_waits_and_what_is_due_is_written_later(
    serving: Serving, how: str, caplog: pytest.LogCaptureFixture
):
    running = await serving.hold("running")
    await go_away(serving, how)

    await refused_soon(serving.hold("first"))
    await refused_soon(serving.authenticator.authenticate(serving.secret, None))
    for number in range(20):
        await refused_soon(serving.hold(f"req-{number}"))
    await asyncio.wait_for(serving.vault.record(request_log("a refusal")), SOON)
    settling = serving.vault.settle(running, ONE, log=request_log("running", serving.caller))
    with pytest.raises(BillingUnavailable):
        await asyncio.wait_for(settling, 3 * SOON)

    await come_back(serving)
    after = await until_it_works(serving)

    assert (await serving.authenticator.authenticate(serving.secret, None)).user == serving.caller.user
    async with asyncio.timeout(10):
        while await serving.balance() != Balance(Amount.parse("4"), ONE):
            pass  # Until what was in doubt is given back.
    await serving.vault.release(after, log=None)
    assert await serving.balance() == Balance(Amount.parse("4"), ZERO)
    assert await contradictions(serving.database) == []
    assert (await serving.database.fetch("SELECT COUNT(*) FROM request_log"))[0] == (2,)
    assert [record.message for record in caplog.records] == ["billing.unavailable", "billing.recovered"]
    assert not any(record.exc_info for record in caplog.records)
