"""Looks for request logs, newest first, a page at a time; each thing that may be asked for has an index of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt, RequestLog
from clinx.domain.usage import Usage
from clinx.storage.codec import clean, instant, micros
from clinx.storage.database import Database
from clinx.storage.program import Row, Value, json_rows

MOST: Final = 200
"""Logs of one page."""
EXPORT_PAGE: Final = 1_000
"""Logs that an export reads at once, and keeps in memory."""

_LONGEST: Final = 255
_COLUMNS: Final = (
    'id, at, revision, dialect, operation, outcome, status, user_id, token_id, "group", model, channel,'
    " upstream_model, upstream_id, stream, usage, charge, quote, attempts, seconds, first_byte_seconds, address,"
    " cost, asked_model, refused_by"
)
_NEWEST: Final = "SELECT id FROM request_log WHERE at >= $1 ORDER BY at DESC LIMIT $2"
_BY_IDS: Final = (
    f"SELECT {_COLUMNS} FROM request_log"  # noqa: S608  (constants)
    " WHERE id IN (SELECT value ->> 0 FROM json_array_elements($1)) ORDER BY at, id"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which logs are wanted: those of a time, and of everything else that is given."""

    since: datetime
    until: datetime
    """Excluded."""
    user_id: int | None = None
    token_id: int | None = None
    model: str | None = None
    """The public model that was served."""
    channel: str | None = None
    group: str | None = None
    outcome: str | None = None
    """``ok`` or the code of a failure."""
    failed: bool = False
    """Whether only those are wanted whose outcome is not ``ok``."""
    id: str | None = None
    upstream_id: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the next one is what is older."""

    at: datetime
    id: str

    @classmethod
    def of(cls, log: RequestLog) -> Place:
        """Name the place of a log."""
        return cls(log.at, log.id)


async def search(
    database: Database, wanted: Filter, *, after: Place | None = None, limit: int = 50
) -> list[RequestLog]:
    """Return logs, newest first, from a place on; at most `MOST`, and one more that tells of a next page.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    return await _page(database, wanted, after, min(limit, MOST + 1))


async def export(database: Database, wanted: Filter, *, page: int = EXPORT_PAGE) -> AsyncGenerator[list[RequestLog]]:
    """Yield all logs that are wanted, newest first, a page at a time: as much as there is, in little memory.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    after: Place | None = None
    while logs := await _page(database, wanted, after, page):
        yield logs
        after = Place.of(logs[-1])


async def count(database: Database, wanted: Filter, *, most: int) -> int:
    """Count logs, but no more than so many.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    sql, values = _select("1", wanted, None, await _narrowest(database, wanted))
    rows = await database.fetch(f"SELECT COUNT(*) FROM ({sql} LIMIT {most:d}) AS found", *values)  # noqa: S608  (constants)
    return rows[0][0]


async def newest(database: Database, since: datetime, *, limit: int) -> list[str]:
    """Return the ids of the calls that began last, newest first, not before an instant.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    rows = await database.fetch(_NEWEST, micros(since), limit)
    return [row[0] for row in rows]


async def by_ids(database: Database, ids: Collection[str]) -> list[RequestLog]:
    """Return logs by their ids, oldest first; those that there are not are absent.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    rows = await database.fetch(_BY_IDS, json_rows((id_,) for id_ in ids)) if ids else ()
    return [_log(row) for row in rows]


def statement(wanted: Filter, after: Place | None, limit: int, through: str) -> tuple[str, list[Value]]:
    """Return the statement that reads a page through the index of a column, and its values."""
    sql, values = _select(_COLUMNS, wanted, after, through)
    return f"{sql} ORDER BY at DESC, id DESC LIMIT {limit:d}", values


async def _page(database: Database, wanted: Filter, after: Place | None, limit: int) -> list[RequestLog]:
    sql, values = statement(wanted, after, limit, await _narrowest(database, wanted))
    return [_log(row) for row in await database.fetch(sql, *values)]


async def _narrowest(database: Database, wanted: Filter) -> str:
    """Return the column that leaves least to look through: a user has few logs in one place, and all in another."""
    ways = list(_ways(wanted))
    if len(ways) <= 1 or ways[0][0] in _UNIQUE:
        return ways[0][0] if ways else "at"
    counts: list[str] = []
    values: list[Value] = [micros(wanted.since), micros(wanted.until)]
    for _, condition, given in ways:
        values += given
        rows = f"SELECT 1 FROM request_log WHERE {condition.format(f'${len(values)}')} AND at >= $1 AND at < $2"  # noqa: S608  (constants)
        counts.append(f"(SELECT COUNT(*) FROM ({rows} LIMIT {_LOOK}) AS found)")  # noqa: S608  (constants)
    (found,) = await database.fetch(f"SELECT {', '.join(counts)}", *values)
    return min(zip(found, (column for column, _, _ in ways), strict=True), key=lambda way: way[0])[1]


_LOOK: Final = 2_000
"""How many entries of an index are counted before it is called wide: a fraction of a millisecond."""
_UNIQUE: Final = ("id", "upstream_id")
_FAILURES: Final = "outcome <> 'ok'"
"""Written out, for only so the indexes of failures are known to fit."""
_FAILED: Final = f" AND {_FAILURES}"


def _select(columns: str, wanted: Filter, after: Place | None, through: str) -> tuple[str, list[Value]]:
    conditions: list[str] = []
    values: list[Value] = []
    for condition, *given in _conditions(wanted, after, through):
        numbers = range(len(values) + 1, len(values) + 1 + len(given))
        conditions.append(condition.format(*(f"${number}" for number in numbers)))
        values += given
    return f"SELECT {columns} FROM request_log WHERE {' AND '.join(conditions)}", values  # noqa: S608  (constants)


def _conditions(wanted: Filter, after: Place | None, through: str) -> Iterator[tuple[str, *tuple[Value, ...]]]:
    yield "at >= {}", micros(wanted.since)
    if after is None or after.at >= wanted.until:
        yield "at < {}", micros(wanted.until)
    else:  # As one bound of the index, and the rest of an instant apart.
        yield "at <= {} AND (at < {} OR id < {})", micros(after.at), micros(after.at), clean(after.id, _LONGEST)
    for column, value in _equal(wanted):
        if column == through:
            yield _equals(column, value), value
        else:  # So that no index of this column is taken for the better one.
            yield (f"{column} || '' = {{}}" if isinstance(value, str) else f"{column} + 0 = {{}}"), value
    if wanted.failed:
        yield (_FAILURES if through == "at" else "outcome || '' <> 'ok'",)


def _equal(wanted: Filter) -> Iterator[tuple[str, str | int]]:
    """Yield what is to be equal, by column: what is rarer as a rule comes first."""
    for column, value in (
        ("id", wanted.id),
        ("upstream_id", wanted.upstream_id),
        ("token_id", wanted.token_id),
        ("user_id", wanted.user_id),
        ("outcome", wanted.outcome),
        ("channel", wanted.channel),
        ("model", wanted.model),
        ('"group"', wanted.group),
    ):
        if value is not None:
            yield column, clean(value, _LONGEST) if isinstance(value, str) else value


def _equals(column: str, value: str | int) -> str:
    return column + " = {}" + (_FAILED if column == "outcome" and value != "ok" else "")


def _ways(wanted: Filter) -> Iterator[tuple[str, str, tuple[Value, ...]]]:
    """Yield what may be looked through: the column of the index, a condition, its values."""
    for column, value in _equal(wanted):
        yield column, _equals(column, value), (value,)
    if wanted.failed:
        yield "at", _FAILURES, ()


class _Decoders:
    """Made once: a page has many rows."""

    usage: Final = msgspec.json.Decoder(Usage)
    quote: Final = msgspec.json.Decoder(tuple[str, ...])
    attempts: Final = msgspec.json.Decoder(tuple[Attempt, ...])


def _log(row: Row) -> RequestLog:
    named: dict[str, Any] = dict(zip(RequestLog.__struct_fields__, row, strict=True))
    named["at"] = instant(named["at"])
    named["stream"] = bool(named["stream"])
    named["usage"] = _Decoders.usage.decode(named["usage"])
    named["charge"] = Amount(named["charge"])
    if (cost := named["cost"]) is not None:
        named["cost"] = Amount(cost)
    named["quote"] = _Decoders.quote.decode(named["quote"])
    named["attempts"] = _Decoders.attempts.decode(named["attempts"])
    return RequestLog(**named)
