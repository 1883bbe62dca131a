import asyncio
from urllib.parse import urlsplit

import asyncpg
import pytest

from clinx.storage.database import Database, Location
from clinx.storage.failures import StorageConflict, StorageRefused, StorageUnavailable
from clinx.storage.postgres import credentials, translated_errors
from clinx.storage.program import Program, execute, fetch


def test_a_url_is_read_whole():
    found = credentials(urlsplit("postgres://an%40n:p%2Fw@db.example:6432/clinx?sslmode=require&schema=gateway"))

    assert {name: found[name] for name in ("host", "port", "user", "password", "database", "ssl", "schema")} == {
        "host": "db.example",
        "port": 6432,
        "user": "an@n",
        "password": "p/w",
        "database": "clinx",
        "ssl": "require",
        "schema": "gateway",
    }


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncpg.DeadlockDetectedError("as sent"), StorageConflict),
        (asyncpg.SerializationError("as sent"), StorageConflict),
        (asyncpg.UniqueViolationError("as sent"), StorageRefused),
        (asyncpg.CharacterNotInRepertoireError("as sent"), StorageRefused),
        (asyncpg.NumericValueOutOfRangeError("as sent"), StorageRefused),
        (asyncpg.exceptions._base.DataError("refused before it was sent"), StorageRefused),
        (OverflowError(), StorageRefused),
        (asyncpg.AdminShutdownError("as sent"), StorageUnavailable),
        (asyncpg.DiskFullError("as sent"), StorageUnavailable),
        (asyncpg.QueryCanceledError("as sent"), StorageUnavailable),
        (asyncpg.InterfaceError("closed"), StorageUnavailable),
        (asyncpg.InternalClientError("cannot switch to state 15"), StorageUnavailable),
        (ConnectionRefusedError(), StorageUnavailable),
        (TimeoutError(), StorageUnavailable),
    ],
)
def test_what_the_drivers_failures_mean(error: Exception, expected: type[Exception]):
    with pytest.raises(Exception) as caught, translated_errors("db"):
        raise error

    assert type(caught.value) is expected
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("password", ["half/secret", "half?secret", "half#secret"])
def test_a_password_that_breaks_the_url_is_not_quoted(password: str):
    with pytest.raises(ValueError, match="port after the host") as caught:
        Location(f"postgres://clinx:{password}@db.example/clinx")

    assert "half" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_sslmode_that_is_none_is_refused():
    with pytest.raises(ValueError, match="must be one of: disable, allow"):
        Location("postgres://db.example/clinx?sslmode=maybe")


async def test_a_deadlock_is_a_conflict_for_one_of_the_two(database: Database, database_url: str):
    if database_url.startswith("sqlite"):
        return  # SQLite has one write lock: no deadlock is possible.
    both_hold_one = asyncio.Event()
    holding: list[str] = []

    def cross(first: str, second: str) -> Program[None]:
        yield from execute("UPDATE account SET held = held + 1 WHERE name = $1", first)
        holding.append(first)
        while len(holding) < 2:
            yield from fetch("SELECT pg_sleep(0.001)")
        both_hold_one.set()
        yield from execute("UPDATE account SET held = held + 1 WHERE name = $1", second)

    answers = await asyncio.gather(
        database.atomically(cross("promo", "adjust")),
        database.atomically(cross("adjust", "promo")),
        return_exceptions=True,
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "StorageConflict"]
    assert await database.fetch("SELECT SUM(held) FROM account") == [(2,)]


async def test_connections_killed_by_the_server_are_replaced(database: Database, database_url: str):
    if database_url.startswith("sqlite"):
        return  # There is no server.

    def suicide() -> Program[None]:
        yield from fetch("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(StorageUnavailable):
        await database.atomically(suicide())

    assert await database.fetch("SELECT 1") == [(1,)]
