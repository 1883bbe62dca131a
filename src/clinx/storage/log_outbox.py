"""Request logs on their way to a database of their own.

They are written with the money, in one transaction, and wait in the ledger's database. From there they are written to
the other one, and then deleted here: whatever dies in between, a log is in at least one of the two, and written twice
it is there once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from clinx.domain.request_log import RequestLog
from clinx.storage.database import Database, Location
from clinx.storage.program import Program, Row, execute, execute_many, fetch, json_rows
from clinx.storage.reconciliation import AGREES
from clinx.storage.request_logs import COLUMNS, INSERT

Place = tuple[int, str]
"""When a log began, in microseconds, and its id."""
BEGINNING: Final[Place] = (-1, "")

_ID: Final = RequestLog.__struct_fields__.index("id")
_AT: Final = RequestLog.__struct_fields__.index("at")
_STREAM: Final = RequestLog.__struct_fields__.index("stream")

_OLDEST: Final = (
    f"SELECT {COLUMNS} FROM request_log l WHERE at >= $1 AND (at, id) > ($1, $2) AND {AGREES}"  # noqa: S608  (constants)
    " ORDER BY at, id LIMIT $3"
)
_THESE: Final = "id IN (SELECT value ->> 0 FROM json_array_elements($1))"


async def oldest(database: Database, after: Place, limit: int) -> Sequence[Row]:
    """Return logs as they are stored, those behind a place, the oldest first.

    One that does not say what its entries say is not among them: it stays, for the audit.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    return await database.fetch(_OLDEST, *after, limit)


def id_of(row: Row) -> str:
    """Return the id of a stored log."""
    return row[_ID]


def place_of(row: Row) -> Place:
    """Return the place of a stored log."""
    return row[_AT], row[_ID]


def write(rows: Sequence[Row]) -> Program[None]:
    """Write stored logs of another database; one that is here already is passed over."""
    # SQLite tells a boolean as a number.
    yield from execute_many(INSERT, [(*row[:_STREAM], bool(row[_STREAM]), *row[_STREAM + 1 :]) for row in rows])


def drop(ids: Collection[str]) -> Program[int]:
    """Delete logs that were written elsewhere; return how many there were, but for those being deleted just now."""
    found = yield from fetch(
        f"SELECT id FROM request_log WHERE {_THESE} ORDER BY id FOR UPDATE SKIP LOCKED",  # noqa: S608  (constants)
        json_rows((id_,) for id_ in ids),
    )
    return (
        yield from execute(
            f"DELETE FROM request_log WHERE {_THESE}",  # noqa: S608  (constants)
            json_rows((row[0],) for row in found),
        )
    )


def check_kind(database: Database, url: str) -> None:
    """See whether another database is of the same kind: the tables of a process are of one kind, all of them.

    Raises:
        ValueError: it is of another one, or the URL is not understood.
    """
    if (database.location.path is None) is not (Location(url).path is None):
        raise ValueError(
            "CLINX_LOG_DATABASE_URL: request logs need a database of the same kind as CLINX_DATABASE_URL:"
            " both SQLite, or both PostgreSQL"
        )


async def has_ledger(database: Database) -> bool:
    """Say whether a gateway ever kept its books in a database: then it is not one for logs alone.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    return bool(await database.fetch("SELECT 1 FROM node LIMIT 1"))
