"""A PostgreSQL that goes away under load: what is leased is spent on, then callers are told; nothing is lost."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from clinx.billing import statement
from clinx.domain.identity import Principal
from clinx.domain.ledger import Balance
from clinx.domain.money import ZERO, Amount
from clinx.errors import BillingUnavailable
from clinx.storage import request_logs
from clinx.storage.database import Database
from support.books import contradictions
from support.database import POSTGRES, Wire, _migrated_database, make_caller, on_server, postgres_database, request_log
from support.fake_upstream import FakeUpstream
from support.gateway import chat, completion, running_gateway, tree_for
from support.treasury import Bank

__all__ = ["_migrated_database", "postgres_database"]
pytestmark = [pytest.mark.postgres, pytest.mark.skipif(not POSTGRES, reason="needs CLINX_TEST_POSTGRES_URL")]
OUTAGE = timedelta(seconds=60 if os.environ.get("SOAK_MINUTES") else 0)
"""How long it lasts at least; it always lasts until the lease is spent."""
SOON = 1.8
"""Seconds: a second of patience, and a busy machine."""
HELD, COST = "0.10", Amount.parse("0.04")
HOWS = pytest.mark.parametrize("how", ["refusing", "cut"])


@dataclass
class Server:
    """A database that can be taken away."""

    near: str
    """A URL that always works, while connections are allowed."""
    distant: str
    wire: Wire

    async def go_away(self, how: str) -> None:
        if how == "cut":
            self.wire.cut()
            return
        name = urlsplit(self.near).path.lstrip("/")
        await on_server(
            f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",  # noqa: S608  (our own name)
        )

    async def come_back(self) -> None:
        await on_server(f"ALTER DATABASE {urlsplit(self.near).path.lstrip('/')} ALLOW_CONNECTIONS true")
        self.wire.mend()


@pytest_asyncio.fixture
async def server(postgres_database: str) -> AsyncGenerator[Server]:
    url = urlsplit(postgres_database)
    async with Wire(url.hostname or "127.0.0.1", url.port or 5432).laid() as wire:
        distant = url._replace(netloc=f"{url.username or 'root'}@127.0.0.1:{wire.port}").geturl()
        yield Server(postgres_database, distant, wire)


@pytest_asyncio.fixture
async def database(server: Server) -> AsyncGenerator[Database]:
    opened = await Database.connect(server.distant)
    yield opened
    await opened.close()


async def spend(bank: Bank, caller: Principal) -> None:
    """Hold and settle once."""
    held = await bank.hold(caller, HELD)
    await bank.cashier.settle(held, COST, log=request_log(held.id, caller, charge=COST))


async def refused_soon(bank: Bank, caller: Principal) -> None:
    began = time.monotonic()
    with pytest.raises(BillingUnavailable) as caught:
        await bank.hold(caller, HELD)
    assert time.monotonic() - began < SOON
    assert caught.value.retry_after == 1


async def spend_until_refused(bank: Bank, caller: Principal) -> int:
    """Spend what is leased; return how many calls that were."""
    count = 0
    while True:
        try:
            await spend(bank, caller)
        except BillingUnavailable:
            return count
        count += 1


@HOWS
async def test_what_is_leased_is_spent_while_the_database_is_away_and_is_in_the_ledger_afterwards(
    server: Server, database: Database, tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    rich, poor = (
        await make_caller(database, "rich", balance="1000"),
        await make_caller(database, "poor", balance="0.15"),
    )
    async with Bank(database, tmp_path) as bank:
        await spend(bank, rich)
        await spend(bank, poor)
        running = await bank.hold(rich, HELD)
        await bank.cashier.flush()
        leased = bank.treasury.leases.standing(rich.user.account)
        assert leased is not None

        await server.go_away(how)
        began = time.monotonic()
        await refused_soon(bank, poor)
        count = await spend_until_refused(bank, rich)
        while time.monotonic() - began < OUTAGE.total_seconds():
            await refused_soon(bank, rich)
            await refused_soon(bank, poor)
            await asyncio.sleep(0.01)
        left = bank.treasury.leases.standing(rich.user.account)
        assert left is not None
        assert (left.granted, left.left < Amount.parse(HELD)) == (leased.granted, True)
        assert left.spent - leased.spent == Amount(COST.nano * count)
        assert count > 0
        await bank.cashier.settle(running, COST, log=request_log(running.id, rich, charge=COST))

        await server.come_back()
        async with asyncio.timeout(20):
            await bank.treasury.settle_down()
        charged = Amount(COST.nano * (count + 2))
        assert await statement.balance(database, rich.user) == Balance(Amount.parse("1000") - charged, ZERO, ZERO)
        assert (await database.fetch("SELECT COUNT(*) FROM entry WHERE kind = 'charge'"))[0] == (2 * (count + 3),)
        assert (await database.fetch("SELECT COUNT(*) FROM request_log"))[0] == (count + 3,)
        await until_it_works(bank, rich)
        await until_it_works(bank, poor)

    assert await contradictions(database) == []
    assert (await database.fetch("SELECT COUNT(*) FROM account WHERE held <> 0 OR leased <> 0"))[0] == (0,)
    assert not any(record.exc_info for record in caplog.records)


async def until_it_works(bank: Bank, caller: Principal) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                return await spend(bank, caller)
            except BillingUnavailable:
                await bank.database.is_reachable()


@HOWS
async def test_what_was_settled_while_the_database_was_away_outlives_the_process(
    server: Server, database: Database, tmp_path: Path, how: str
) -> None:
    rich = await make_caller(database, "rich", balance="1000")
    async with Bank(database, tmp_path) as bank:
        await spend(bank, rich)
        await server.go_away(how)
        count = await spend_until_refused(bank, rich)
        await bank.crash()

        await server.come_back()
        await bank.begin()
        async with asyncio.timeout(20):
            await bank.treasury.settle_down()

        charged = Amount(COST.nano * (count + 1))
        assert await statement.balance(database, rich.user) == Balance(Amount.parse("1000") - charged, ZERO, ZERO)
    assert count > 0
    assert await contradictions(database) == []


@HOWS
async def test_a_gateway_serves_on_what_is_leased_and_then_says_when_to_come_again(
    server: Server, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", "vendor-secret")
    async with (
        FakeUpstream() as upstream,
        running_gateway(tmp_path, tree_for(upstream.url), database_url=server.distant) as gateway,
    ):
        upstream.answers(json=completion())
        rich, poor = await gateway.user(credit="100"), await gateway.user(credit="0.015")
        key, poor_key = (await gateway.issue(rich)).secret, (await gateway.issue(poor)).secret
        assert await ask(gateway, key) == (200, None, None)
        assert await ask(gateway, poor_key) == (200, None, None)

        await server.go_away(how)
        assert await ask(gateway, poor_key) == (503, "billing_unavailable", "1")
        served = 1
        while (answer := await ask(gateway, key)) == (200, None, None):
            served += 1
        assert answer == (503, "billing_unavailable", "1")
        assert served > 1
        assert len(upstream.requests) == served + 1

        await server.come_back()
        assert await gateway.balance(rich) == Balance(Amount.parse("100") - Amount(served * 10_000_000), ZERO, ZERO)
        logs = await request_logs.latest(gateway.gateway.database, user_id=rich.id, limit=100)
        assert sum(log.outcome == "ok" for log in logs) == served
        assert await contradictions(gateway.gateway.database) == []


async def ask(gateway: Any, key: str) -> tuple[int, str | None, str | None]:
    """Make a call that costs a cent; return status, code and Retry-After."""
    headers = {"Authorization": f"Bearer {key}"}
    async with gateway.session.post(
        f"{gateway.url}/v1/chat/completions", json=chat("per-call"), headers=headers
    ) as response:
        body = await response.json()
        return response.status, body.get("error", {}).get("code"), response.headers.get("Retry-After")
