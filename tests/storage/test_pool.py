import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from clinx.storage import database as database_module
from clinx.storage import postgres
from clinx.storage.database import Database
from clinx.storage.failures import StorageInDoubt, StorageUnavailable
from clinx.storage.pool import BoundedClient
from clinx.storage.program import Program, execute, fetch
from support.database import POSTGRES, Wire, postgres_database

__all__ = ["postgres_database"]

needs_postgres = [pytest.mark.postgres, pytest.mark.skipif(not POSTGRES, reason="needs CLINX_TEST_POSTGRES_URL")]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "ACQUIRE_SECONDS", 0.3)
    monkeypatch.setattr(postgres, "WRITE_SECONDS", 0.2)
    monkeypatch.setattr(database_module, "HASTY_SECONDS", 0.1)


async def test_a_server_that_says_nothing_is_given_up():
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # The kernel answers for it, and nobody else does.
        port = silent.getsockname()[1]
        with pytest.raises(StorageUnavailable) as caught:
            await Database.connect(f"postgres://ann:s3cret@127.0.0.1:{port}/clinx")

    assert (
        str(caught.value) == f"the database cannot be used now (postgres://127.0.0.1:{port}/clinx: no answer in time)"
    )
    assert time.monotonic() - began < 2


@pytest_asyncio.fixture
async def wire() -> AsyncGenerator[Wire]:
    server = urlsplit(POSTGRES)
    async with Wire(server.hostname or "127.0.0.1", server.port or 5432).laid() as laid:
        yield laid


@pytest_asyncio.fixture
async def distant(postgres_database: str, wire: Wire) -> AsyncGenerator[Database]:
    url = urlsplit(postgres_database)
    opened = await Database.connect(url._replace(netloc=f"{url.username or 'root'}@127.0.0.1:{wire.port}").geturl())
    yield opened
    await opened.close()


def select() -> Program[int]:
    return (yield from fetch("SELECT 1"))[0][0]


class TestCut:
    pytestmark = needs_postgres

    async def test_whoever_waits_hears_in_time_and_a_mended_wire_is_used_again(self, distant: Database, wire: Wire):
        wire.cut()

        assert await distant.is_reachable() is False
        with pytest.raises(StorageUnavailable, match=r": no answer in time\)$"):
            await distant.atomically(select())

        wire.mend()
        assert await distant.is_reachable() is True
        assert await distant.atomically(select()) == 1


class TestLease:
    pytestmark = needs_postgres

    async def test_a_transaction_that_takes_too_long_is_ended_and_says_so(self, distant: Database):
        def slow() -> Program[None]:
            yield from execute("INSERT INTO account (name, balance, held) VALUES ('x', 0, 0)")
            yield from fetch("SELECT pg_sleep(30)")

        with pytest.raises(StorageUnavailable, match=r": no answer for 0\.2 s\)$") as caught:
            await distant.atomically(slow())

        assert type(caught.value) is StorageUnavailable
        assert await distant.fetch("SELECT name FROM account WHERE name = 'x'") == []

    async def test_a_commit_without_an_answer_is_in_doubt(self, distant: Database, wire: Wire):
        def insert() -> Program[None]:
            yield from execute("INSERT INTO account (name, balance, held) VALUES ('x', 0, 0)")
            wire.cut()

        with pytest.raises(StorageInDoubt):
            await distant.atomically(insert())

    async def test_more_readers_than_connections_all_hear_in_time(self, distant: Database, wire: Wire):
        wire.cut()
        began = time.monotonic()

        answers = await asyncio.gather(*(distant.is_reachable() for _ in range(5 * postgres.POOL)))

        assert not any(answers)
        assert time.monotonic() - began < 2

    async def test_leases_differ_and_the_pool_is_one(self, distant: Database):
        with distant.reading() as client, distant.reading(hasty=True) as hasty:
            assert isinstance(client, BoundedClient)
            assert isinstance(hasty, BoundedClient)
            assert (client.lease_seconds, hasty.lease_seconds) == (postgres.READ_SECONDS, 0.1)
            assert client._pool is hasty._pool
