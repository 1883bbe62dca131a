"""Bring a database to the newest schema, under a lock, so that any number of processes may try at once."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from clinx.storage import postgres, sqlite
from clinx.storage.database import APP, Location, translated_errors
from clinx.storage.failures import StorageMissing

_LATEST: Final = (MigrationTarget(app_label=APP, name="__latest__"),)
_LOCK: Final = 0x636C696E78
"""Key of PostgreSQL's advisory lock: "clinx" in hexadecimal."""


async def migrate(url: str, *, create: bool = True) -> list[str]:
    """Apply what is missing; return the names of what was applied.

    An existing SQLite file is copied to ``<file>.before-<migration>`` first.

    Raises:
        ValueError: the URL is not understood.
        StorageMissing: there is no database of ours yet, and ``create`` is false: nothing was made.
        StorageUnavailable: the database cannot be reached or written.
    """
    location = Location(url)
    if not create:
        _require_file(location)
    async with _connection(location) as client, _locked(location, client):
        executor = MigrationExecutor(client, location.apps)
        missing = await _missing(executor)
        is_new = not await executor.recorder.applied_migrations()
        if is_new and not create:
            raise _no_database(location)
        if location.path and missing and not is_new:
            await asyncio.to_thread(
                _copy, location.path, location.path.with_name(f"{location.path.name}.before-{missing[0]}")
            )
        if missing:
            await executor.migrate(_LATEST, direction="forward")
        return missing


async def pending(url: str) -> list[str]:
    """Return the names of the migrations that `migrate` would apply, in order.

    Raises:
        ValueError: the URL is not understood.
        StorageMissing: there is no such SQLite file.
        StorageUnavailable: the database cannot be reached.
    """
    location = Location(url)
    _require_file(location)
    async with _connection(location) as client:
        return await _missing(MigrationExecutor(client, location.apps))


def _require_file(location: Location) -> None:
    if location.path and not location.path.exists():
        raise _no_database(location)


def _no_database(location: Location) -> StorageMissing:
    return StorageMissing(location.shown)


async def _missing(executor: MigrationExecutor) -> list[str]:
    return [step.migration.name for step in await executor.plan(_LATEST)]


@asynccontextmanager
async def _connection(location: Location) -> AsyncGenerator[BaseDBAsyncClient]:
    if location.path:
        sqlite.prepare_file(location.path)
        # Rebuilding a table with foreign keys on would empty the tables that refer to it.
        config = location.config(foreign_keys="OFF")
    else:
        config = location.config(maxsize=2, acquire_seconds=postgres.CONNECT_SECONDS, lease_seconds=None)
    async with TortoiseContext() as context:
        await context.init(config)
        with translated_errors(location.shown):
            yield context.db()


@asynccontextmanager
async def _locked(location: Location, client: BaseDBAsyncClient) -> AsyncGenerator[None]:
    if location.path:
        with location.path.with_name(location.path.name + ".lock").open("w") as file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield
        return
    async with postgres.acquire(client) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        try:
            yield
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


def _copy(source: Path, target: Path) -> None:
    sqlite.prepare_file(target)
    reader, writer = sqlite3.connect(source), sqlite3.connect(target)
    try:
        reader.backup(writer)
    finally:
        writer.close()
        reader.close()
