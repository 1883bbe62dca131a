import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from clinx.domain.ledger import EntryKind
from clinx.domain.money import Amount
from clinx.storage import ledger
from clinx.storage.database import APP, Database, Location
from clinx.storage.failures import StorageMissing, StorageRefused
from clinx.storage.ledger import NewEntry
from clinx.storage.migrate import _connection, migrate, pending
from clinx.storage.program import Program, execute
from support.database import START, make_caller

ALL = [
    "0001_initial",
    "0002_append_only",
    "0003_leases_and_money",
    "0004_asked_model",
    "0005_overrides_and_revisions",
    "0006_kept_answers",
    "0007_refused_by",
    "0008_console_accounts",
    "0009_rollups",
    "0010_notices",
    "0011_audit_log",
    "0012_stopped_tokens",
    "0013_cost",
    "0014_adjustments",
    "0015_moves",
]
SUMMED = ("start", "user_id", "facet", "name", "grain", "requests")


async def test_a_fresh_database_gets_everything_once(empty_url: str):
    assert await migrate(empty_url) == ALL
    assert await pending(empty_url) == []
    assert await migrate(empty_url) == []


async def test_what_is_missing_is_said_without_applying_it(empty_url: str):
    await _migrate_to_the_first(empty_url)

    assert await pending(empty_url) == ALL[1:]
    assert await pending(empty_url) == ALL[1:]


@pytest.mark.parametrize("look", [pending, partial(migrate, create=False)])
async def test_looking_for_a_file_that_is_not_there_makes_none(
    look: Callable[[str], Awaitable[list[str]]], tmp_path: Path
):
    path = tmp_path / "state" / "clinx.db"

    with pytest.raises(StorageMissing) as caught:
        await look(f"sqlite:///{path}")

    assert str(caught.value) == (
        f"no database at {path}; run `clinx serve` here or set CLINX_STATE_DIR or CLINX_DATABASE_URL"
    )
    assert not path.parent.exists()


async def test_a_database_of_somebody_else_is_left_alone(empty_url: str):
    await (await Database.connect(empty_url)).close()

    with pytest.raises(StorageMissing, match="no database at"):
        await migrate(empty_url, create=False)

    database = await Database.connect(empty_url)
    tables = "sqlite_master" if empty_url.startswith("sqlite") else "pg_tables WHERE schemaname = current_schema()"
    assert await database.fetch(f"SELECT * FROM {tables}") == []  # noqa: S608  (our own names)
    await database.close()


async def test_an_old_database_is_migrated_even_by_those_who_make_none(empty_url: str):
    await _migrate_to_the_first(empty_url)

    assert await migrate(empty_url, create=False) == ALL[1:]


async def test_several_processes_may_migrate_at_once(empty_url: str):
    applied = await asyncio.gather(*(migrate(empty_url) for _ in range(3)))

    assert sorted(applied) == [[], [], ALL]


async def test_the_models_and_the_migrations_agree():
    location = Location("sqlite:///nowhere/clinx.db")
    async with TortoiseContext() as context:
        await context.init(location.config(), init_connections=False)
        assert context.apps is not None
        assert await MigrationAutodetector(context.apps, location.apps).changes() == []


@pytest.mark.parametrize("statement", ["UPDATE entry SET amount = 0", "DELETE FROM entry"])
async def test_the_ledger_refuses_changes(database: Database, statement: str):
    await make_caller(database, balance="1")
    before = await database.fetch("SELECT * FROM entry")

    def program() -> Program[int]:
        return (yield from execute(statement))

    with pytest.raises(StorageRefused, match="append-only"):
        await database.atomically(program())

    assert await database.fetch("SELECT * FROM entry") == before
    assert len(before) == 2


async def test_migrating_keeps_every_row_and_a_copy(empty_url: str):
    await _migrate_to_the_first(empty_url)
    database = await Database.connect(empty_url)
    await database.atomically(_write_history())
    before = await _counts(database)
    await database.close()

    assert await migrate(empty_url) == ALL[1:]

    database = await Database.connect(empty_url)
    assert await _counts(database) == {**before, "account": before["account"] + 3}
    await database.close()
    if empty_url.startswith("sqlite:///"):
        copy = await Database.connect(f"{empty_url}.before-{ALL[1]}")
        assert await _counts(copy) == before
        await copy.close()


async def test_what_was_written_before_costs_says_that_they_are_not_known(empty_url: str):
    await _migrate_to(empty_url, "0012_stopped_tokens")
    database = await Database.connect(empty_url)
    await database.atomically(_write_a_log())
    await database.atomically(execute(f"INSERT INTO rollup ({', '.join(SUMMED)}) VALUES (1, 0, 'total', '', 'day', 1)"))  # noqa: S608  (our own names)
    indexes = await _indexes(database)
    await database.close()

    assert await migrate(empty_url) == ALL[ALL.index("0013_cost") :]

    database = await Database.connect(empty_url)
    assert await database.fetch("SELECT id, charge, cost FROM request_log") == [("l", 0, None)]
    sums = await database.fetch("SELECT requests, cost, costed_charge, costed_requests FROM rollup")
    assert sums == [(1, 0, 0, 0)]
    assert await _indexes(database) == indexes
    await database.close()


async def test_sqlite_migrates_with_foreign_keys_off(tmp_path: Path):
    async with _connection(Location(f"sqlite:///{tmp_path / 'clinx.db'}")) as client:
        assert [tuple(row) for row in (await client.execute_query("PRAGMA foreign_keys"))[1]] == [(0,)]


async def _migrate_to_the_first(url: str) -> None:
    await _migrate_to(url, ALL[0])


async def _migrate_to(url: str, name: str) -> None:
    location = Location(url)
    async with _connection(location) as client:
        await MigrationExecutor(client, location.apps).migrate([MigrationTarget(APP, name)])


async def _indexes(database: Database) -> list[str]:
    """The names of all indexes of the tables that grow."""
    if database.location.path is None:
        sql = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename IN"
    else:
        sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name IN"
    return sorted(row[0] for row in await database.fetch(f"{sql} ('request_log', 'rollup')"))


def _write_history() -> Program[None]:
    """Write rows with the columns of then."""
    user = 'INSERT INTO "user" (id, name, role, status, "group", created_at)'
    yield from execute(f"{user} VALUES (1, 'ann', 'user', 'active', 'default', 0)")
    token = (
        "INSERT INTO token (id, user_id, name, digest, hint, status, models, networks, spent, held, tags, created_at)"
    )
    yield from execute(f"{token} VALUES (1, 1, 'ci', 'd', 'sk', 'active', '[]', '[]', 0, 0, '{{}}', 0)")
    yield from execute("INSERT INTO account (name, balance, held) VALUES ('user:1', 0, 0)")
    yield from ledger.append([NewEntry("e", "user:1", Amount(1), EntryKind.GRANT, START)])
    held = "INSERT INTO reservation (id, user_id, token_id, amount, state, revision, created_at, expires_at)"
    yield from execute(f"{held} VALUES ('r', 1, 1, 1, 'open', 'rev', 0, 0)")
    yield from _write_a_log()


def _write_a_log() -> Program[None]:
    logged = (
        "INSERT INTO request_log (id, at, revision, dialect, operation, outcome, status, stream, usage, charge, quote"
    )
    yield from execute(
        f"{logged}, attempts, seconds) VALUES ('l', 0, 'rev', 'd', 'chat', 'ok', 200, false, '{{}}', 0, '[]', '[]', 0)"
    )


async def _counts(database: Database) -> dict[str, int]:
    tables = ('"user"', "token", "account", "entry", "reservation", "request_log")
    counts = [await database.fetch(f"SELECT COUNT(*) FROM {table}") for table in tables]  # noqa: S608  (our own names)
    return {table: rows[0][0] for table, rows in zip(tables, counts, strict=True)}
