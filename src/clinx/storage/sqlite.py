"""SQLite: one write connection on a thread of its own, where a whole program costs a single hop.

Readers use tortoise's connection; write-ahead logging lets them run beside a commit. ``synchronous=FULL`` because a
committed settlement must survive a power cut.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from clinx.storage.failures import StorageConflict, StorageRefused, StorageUnavailable, reason_of
from clinx.storage.program import Kind, Program, Step, for_sqlite

T = TypeVar("T")

OLDEST: Final = (3, 38)
"""The first version with ``->>``."""
PRAGMAS: Final = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "busy_timeout": "5000",
    "foreign_keys": "ON",
    "temp_store": "MEMORY",
    "cache_size": "-32000",
    "wal_autocheckpoint": "4000",
}

_STEPS_BETWEEN_LOOKS: Final = 100_000
"""How many of SQLite's instructions a reader runs before it asks whether anybody still waits for it: milliseconds."""


def prepare_file(path: Path) -> None:
    """Create the folder (0700) and the file (0600): the ledger is nobody else's to read.

    Raises:
        StorageUnavailable: the place cannot be written, or this SQLite is too old.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise StorageUnavailable(f"SQLite {sqlite3.sqlite_version} is too old; 3.38 or newer is needed")
    prepare_folder(path)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageUnavailable(reason_of(error), where=str(path)) from error


def prepare_folder(path: Path) -> None:
    """Create the folder of a database file (0700).

    Raises:
        StorageUnavailable: the place cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(reason_of(error), where=str(path)) from error


class SqliteEngine:
    """Runs programs, one after another, each in its own transaction."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is opened before the first program."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clinx-sqlite")
        self._connection: sqlite3.Connection | None = None
        self._translated: dict[str, str] = {}

    async def run(self, program: Program[T]) -> T:
        """Run a program to its end and commit; any exception rolls back.

        A caller cancelled while it waits does not stop the program.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, program)

    async def look(self, program: Program[T]) -> T:
        """Run a program that only reads, on one snapshot, beside the writer."""
        stopped = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(None, self._read, program, stopped.is_set)
        finally:
            stopped.set()

    async def close(self) -> None:
        """Finish the running program and close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _transact(self, program: Program[T]) -> T:
        with translated_errors(str(self._path)):
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                value = self._drive(connection, program)
                connection.execute("COMMIT")
            except BaseException:
                program.close()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return value

    def _read(self, program: Program[T], stopped: Callable[[], bool]) -> T:
        with translated_errors(str(self._path)), closing(self._connected()) as connection:
            connection.execute("PRAGMA query_only=ON")
            connection.set_progress_handler(stopped, _STEPS_BETWEEN_LOOKS)
            connection.execute("BEGIN")
            try:
                return self._drive(connection, program)
            finally:
                program.close()

    def _drive(self, connection: sqlite3.Connection, program: Program[T]) -> T:
        answer: Any = None
        while True:
            try:
                step = program.send(answer)
            except StopIteration as end:
                return end.value
            answer = self._step(connection, step)

    def _step(self, connection: sqlite3.Connection, step: Step) -> Any:
        sql = self._translated.get(step.sql) or self._translated.setdefault(step.sql, for_sqlite(step.sql))
        match step.kind:
            case Kind.FETCH:
                return connection.execute(sql, step.values).fetchall()
            case Kind.EXECUTE:
                return connection.execute(sql, step.values).rowcount
            case Kind.EXECUTE_MANY:
                connection.executemany(sql, step.values)
                return None

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connected()
        return self._connection

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        for name, value in PRAGMAS.items():
            connection.execute(f"PRAGMA {name}={value}")
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def translated_errors(where: str) -> Generator[None]:
    """Turn the driver's exceptions into the storage's three."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError) as error:
        raise StorageRefused(str(error)) from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise StorageRefused(str(error)) from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise StorageConflict("another process is writing", where=where) from error
        raise StorageUnavailable(reason_of(error), where=where) from error
    except sqlite3.Error as error:
        raise StorageUnavailable(reason_of(error), where=where) from error
