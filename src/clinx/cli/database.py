"""What the commands on accounts share: open the database the settings name, say what went wrong in one line."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from pydantic import ValidationError

from clinx.accounts.failures import AccountError
from clinx.domain.figures import printable
from clinx.errors import GatewayError
from clinx.settings import Settings
from clinx.storage.database import Database, Location
from clinx.storage.failures import StorageMissing, StorageRefused, StorageUnavailable
from clinx.storage.log_outbox import check_kind
from clinx.storage.migrate import migrate, pending


def on_database(
    work: Callable[[Database, argparse.Namespace], Awaitable[int]], *, create: bool = False
) -> Callable[[argparse.Namespace], int]:
    """Make a command of some work on the database, which is migrated first; a new one is made only on request."""

    def run(arguments: argparse.Namespace) -> int:
        async def opened(url: str) -> int:
            await _prepare(url, create=create)
            database = await Database.connect(url)
            try:
                return await work(database, arguments)
            finally:
                await database.close()

        return reporting(opened)

    return run


async def _prepare(url: str, *, create: bool) -> None:
    location = Location(url)
    is_new = location.path is not None and not location.path.exists()
    await migrate(url, create=create)
    if is_new:
        print(f"clinx: made a new database at {location.shown}", file=sys.stderr)


async def opened_as_is(url: str) -> Database:
    """Open a database without changing its tables: for whoever only looks.

    Raises:
        ValueError: the URL is not understood, or the tables are of an earlier release.
        StorageUnavailable: there is no database, or it cannot be reached.
    """
    if missing := await pending(url):
        raise ValueError(f"the database lacks {', '.join(missing)}; run `clinx migrate`")
    return await Database.connect(url)


@asynccontextmanager
async def opened_logs(database: Database, given: str | None) -> AsyncGenerator[Database]:
    """Lend the database in which calls are logged: that of the settings, or the one that a command was given.

    Raises:
        ValueError: it is of another kind than the first; and as `opened_as_is`.
        StorageUnavailable: as there.
    """
    url = Settings().log_database_url if given is None else ""
    if not url:
        yield database
        return
    check_kind(database, url)
    logs = await opened_as_is(url)
    try:
        yield logs
    finally:
        await logs.close()


def reporting(work: Callable[[str], Awaitable[int]]) -> int:
    """Do some work with the database's URL; return its exit code, or 1 after printing why it failed."""

    async def awaited(url: str) -> int:
        return await work(url)

    try:
        return asyncio.run(awaited(Settings().database))
    except ValidationError as error:
        return _complain("; ".join(f"CLINX_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()))
    except GatewayError as error:
        return _complain(with_cause(error))
    except (AccountError, StorageRefused, ValueError, OverflowError) as error:
        return _complain(str(error))


def with_cause(error: GatewayError) -> str:
    """Return what failed and why, for an operator: callers never see the cause."""
    if isinstance(error, StorageUnavailable):
        return str(error)
    return f"{error.message} ({error.__cause__})" if error.__cause__ else error.message


def why_unread(error: GatewayError | ValueError) -> str:
    """Return why a command that can do without a database did not look at it."""
    if isinstance(error, StorageMissing):
        return error.short
    return with_cause(error) if isinstance(error, GatewayError) else str(error)


def _complain(message: str) -> int:
    print(f"clinx: {message}", file=sys.stderr)
    return 1


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Lay out rows under a header in aligned columns; what cells say may be anybody's text."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)
