"""PostgreSQL: a program is one transaction on a connection of tortoise's pool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Final, Protocol, TypeVar, cast
from urllib.parse import SplitResult, parse_qsl, unquote

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import DBConnectionError

from clinx.storage.failures import (
    StorageConflict,
    StorageInDoubt,
    StorageRefused,
    StorageUnavailable,
    reason_of,
)
from clinx.storage.pool import BoundedClient
from clinx.storage.program import Kind, Program, Row, Step, Value

T = TypeVar("T")

SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
POOL: Final = 10
"""Connections of one process: a group commit needs one, the rest serve reads."""
ACQUIRE_SECONDS: Final = 1.5
"""How long a free connection is waited for, or a new one."""
CONNECT_SECONDS: Final = 10.0
"""The same where nobody's request waits: migrations."""
READ_SECONDS: Final = 30.0
"""How long reading may take."""
WRITE_SECONDS: Final = 10.0
"""How long a transaction may take."""
LOOK_SECONDS: Final = 600.0
"""How long a transaction may take that only reads, where nobody's request waits: an audit."""


def credentials(url: SplitResult) -> dict[str, Any]:
    """Read a URL into what tortoise wants; ``?sslmode=`` and ``?schema=`` are understood.

    Raises:
        ValueError: no database name, or another parameter.
    """
    options = dict(parse_qsl(url.query))
    found: dict[str, Any] = {
        "host": url.hostname or "127.0.0.1",
        "port": _port(url),
        "user": unquote(url.username or "postgres"),
        "password": unquote(url.password) if url.password else None,
        "database": unquote(url.path.lstrip("/")),
        "application_name": "clinx",
        # Connections are made when they are wanted: a floor would be restored in the background, with tracebacks.
        "minsize": 0,
        "maxsize": POOL,
        "timeout": CONNECT_SECONDS,
        "acquire_seconds": ACQUIRE_SECONDS,
        "lease_seconds": READ_SECONDS,
    }
    if not found["database"]:
        raise ValueError("the database URL names no database: postgres://user@host:5432/NAME")
    if "sslmode" in options:
        found["ssl"] = options.pop("sslmode")
        if found["ssl"] not in SSL_MODES:
            raise ValueError(f"sslmode in the database URL must be one of: {', '.join(SSL_MODES)}")
    if "schema" in options:
        found["schema"] = options.pop("schema")
    if options:
        raise ValueError(f"unknown parameters in the database URL: {', '.join(sorted(options))}")
    return found


def _port(url: SplitResult) -> int:
    try:
        return url.port or 5432
    except ValueError:  # Its text quotes what it took for a port: half a password, if that has a slash in it.
        raise ValueError(
            "the database URL has no port after the host; write : / ? # @ in a password as %3A %2F %3F %23 %40"
        ) from None


class Connection(Protocol):
    """What a program needs of asyncpg's connection, which has no types."""

    async def fetch(self, sql: str, *values: Value) -> list[Row]:
        """Return the rows."""
        ...

    async def execute(self, sql: str, *values: Value) -> str:
        """Return the command tag: ``UPDATE 3``."""
        ...

    async def executemany(self, sql: str, rows: Sequence[Any]) -> None:
        """Run one statement for many rows, pipelined."""
        ...

    def transaction(self, *, isolation: str | None = None, readonly: bool = False) -> AbstractAsyncContextManager[None]:
        """Begin; commit at the end, roll back on an exception."""
        ...


class PostgresEngine:
    """Runs programs; several at once, as far as the pool goes."""

    def __init__(self, client: BoundedClient, where: str) -> None:
        """Share the pool of tortoise's client, which was used before; ``where`` names the database in failures."""
        self._client = client.within(WRITE_SECONDS)
        self._where = where
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, program: Program[T]) -> T:
        """Run a program to its end and commit; any exception rolls back.

        A caller cancelled while it waits does not stop the program.
        """
        return await self._apart(self._transact(program))

    async def look(self, program: Program[T]) -> T:
        """Run a program that only reads, on one snapshot."""
        stopped = asyncio.Event()
        try:
            return await self._apart(self._read(program, stopped))
        finally:
            stopped.set()

    async def close(self) -> None:
        """Wait for running programs; the pool is tortoise's to close."""
        if self._running:
            await asyncio.wait(self._running)

    async def _apart(self, running: Coroutine[Any, Any, T]) -> T:
        # Its own task, so that a cancelled caller cannot interrupt BEGIN or COMMIT and lose the connection.
        task = asyncio.get_running_loop().create_task(running, name="storage.program")
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # Marks it as seen: an abandoned caller's failure is reported by whoever retries.

    async def _transact(self, program: Program[T]) -> T:
        committing = False
        try:
            with translated_errors(self._where):
                async with acquire(self._client) as connection, connection.transaction():
                    value = await _drive(connection, program)
                    committing = True
                return value
        except StorageConflict:
            raise
        except StorageUnavailable as error:
            if committing:
                raise StorageInDoubt(error.reason, where=self._where) from error.__cause__
            raise
        finally:
            program.close()

    async def _read(self, program: Program[T], stopped: asyncio.Event) -> T:
        loop = asyncio.get_running_loop()
        try:
            with translated_errors(self._where):
                async with (
                    acquire(self._client.within(LOOK_SECONDS)) as connection,
                    connection.transaction(isolation="repeatable_read", readonly=True),
                ):
                    driving = loop.create_task(_drive(connection, program), name="storage.look")
                    waiting = loop.create_task(stopped.wait(), name="storage.look.stopped")
                    await asyncio.wait({driving, waiting}, return_when=asyncio.FIRST_COMPLETED)
                    waiting.cancel()
                    driving.cancel()
                    return await driving
        finally:
            program.close()


def acquire(client: BaseDBAsyncClient) -> AbstractAsyncContextManager[Connection]:
    """Borrow a connection of the pool."""
    borrow = cast("Callable[[], AbstractAsyncContextManager[Connection]]", client.acquire_connection)
    return borrow()


async def _drive(connection: Connection, program: Program[T]) -> T:
    answer: Any = None
    while True:
        try:
            step = program.send(answer)
        except StopIteration as end:
            return end.value
        answer = await _step(connection, step)


async def _step(connection: Connection, step: Step) -> Any:
    match step.kind:
        case Kind.FETCH:
            return await connection.fetch(step.sql, *step.values)
        case Kind.EXECUTE:
            status = await connection.execute(step.sql, *step.values)
            return int(status.rsplit(" ", 1)[1])
        case Kind.EXECUTE_MANY:
            return await connection.executemany(step.sql, step.values)


_FAILURES: Final = (asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError, OSError)
"""An internal error is how asyncpg meets a query on a connection whose end it has read, but not yet taken in."""


@contextmanager
def translated_errors(where: str) -> Generator[None]:
    """Turn the driver's exceptions into the storage's three."""
    try:
        yield
    except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError) as error:
        raise StorageConflict("the transaction lost a race", where=where) from error
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
        raise StorageRefused(str(error)) from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise StorageRefused(str(error)) from error
    except (*_FAILURES, DBConnectionError) as error:
        if isinstance(error, ValueError):  # asyncpg refused an argument before sending it.
            raise StorageRefused(str(error)) from error
        raise StorageUnavailable(reason_of(error), where=where) from error
