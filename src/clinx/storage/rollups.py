"""What exchanges add up to: written with the ledger's batches, summed up soon after, read by dashboards.

A batch writes what its exchanges add as one row of facts, in its own transaction: that is all that settling waits for.
Whoever folds takes many of those rows, adds them to the sums and deletes them, in one transaction: a fact is in exactly
one of the two places, whatever dies in between. Any number of processes may fold: who comes second finds the facts gone
and does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from clinx.domain.money import MAX_NANO
from clinx.domain.request_log import RequestLog
from clinx.domain.rollup import BOUNDS, SUMS, Facet, Fact, Grain, Key, Measures, Point, Sums, tally
from clinx.storage.codec import clean, instant, micros
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict
from clinx.storage.program import Program, Row, execute, execute_many, fetch, json_rows

MOST_FACTS: Final = 1_000
"""Facts that one transaction folds, and what is left of a row: it holds SQLite's only lock meanwhile."""

_AT_ONCE: Final = 200
_MEASURES: Final = (*SUMS, *(f"latency_{number}" for number in range(len(BOUNDS) + 1)))
_COLUMNS: Final = ("start", "user_id", "facet", "name", "grain", *_MEASURES)
_COST: Final = _COLUMNS.index("cost")
_DEAR: Final = f"{MAX_NANO} - excluded.cost"
_SUMMED: Final = {name: f"rollup.{name} + excluded.{name}" for name in _MEASURES} | {
    # No balance bounds what a vendor is said to take: a slip there is to look like one, and to stop no sums.
    "cost": f"CASE WHEN rollup.cost > {_DEAR} THEN {MAX_NANO} ELSE rollup.cost + excluded.cost END"
}
_ADD: Final = (
    f"INSERT INTO rollup ({', '.join(_COLUMNS)})"  # noqa: S608  (constants)
    f" VALUES ({', '.join(f'${number}' for number in range(1, len(_COLUMNS) + 1))})"
    " ON CONFLICT (user_id, facet, grain, start, name)"
    f" DO UPDATE SET {', '.join(f'{name} = {summed}' for name, summed in _SUMMED.items())}"
)
_FACTS: Final = msgspec.json.Decoder(list[Fact])
_ABSURD: Final = 10**12
"""Beyond this a count is a slip of whoever counted: it is not to outgrow the column of a sum."""
_ID: Final = 128
_NAME: Final = 255
_SHORT: Final = 64


def append(logs: Sequence[RequestLog]) -> Program[None]:
    """Write what finished exchanges add; each must be told once, see `count`."""
    if logs:
        facts = msgspec.json.encode([_fact(log) for log in logs]).decode()
        yield from execute("INSERT INTO rollup_fact (facts) VALUES ($1)", facts)


def count(ids: Collection[str], now: datetime) -> Program[frozenset[str]]:
    """Take note of exchanges that no entry tells of; return those that were noted before."""
    if not ids:
        return frozenset()
    written = {clean(id_, _ID): id_ for id_ in ids}
    rows = yield from fetch(
        "INSERT INTO counted (id, at) SELECT value ->> 0, CAST($1 AS bigint) FROM json_array_elements($2) WHERE true"
        " ON CONFLICT (id) DO NOTHING RETURNING id",
        micros(now),
        json_rows((id_,) for id_ in sorted(written)),
    )
    return frozenset(ids).difference(written[row[0]] for row in rows)


async def fold(database: Database) -> int:
    """Move the oldest facts into the sums; return how many exchanges those were, 0 when nothing is left to do.

    Raises:
        StorageConflict: somebody else has folded some of them just now, and nothing was done.
        StorageUnavailable: the database cannot be used now.
    """
    rows = await database.fetch(f"SELECT id, facts FROM rollup_fact ORDER BY id LIMIT {_AT_ONCE}")  # noqa: S608  (a constant)
    taken, facts = _decode(rows)
    if taken:
        # Beside the loop, and before anything is locked.
        sums = await asyncio.to_thread(tally, facts)
        await database.atomically(_move(taken, sums, database.location.shown))
    return len(facts)


def _decode(rows: Sequence[Row]) -> tuple[list[int], list[Fact]]:
    taken: list[int] = []
    facts: list[Fact] = []
    for id_, text in rows:
        if len(facts) < MOST_FACTS:
            taken.append(id_)
            facts += _FACTS.decode(text)
    return taken, facts


def _move(taken: Sequence[int], sums: dict[Key, Sums], where: str) -> Program[None]:
    found = yield from execute(
        "DELETE FROM rollup_fact WHERE id IN (SELECT CAST(value ->> 0 AS bigint) FROM json_array_elements($1))",
        json_rows((id_,) for id_ in taken),
    )
    if found != len(taken):
        raise StorageConflict("somebody else has summed them up", where=where)
    yield from execute_many(_ADD, [_row(key, sums) for key, sums in _in_order(sums)])


def _row(key: Key, sums: Sums) -> tuple[int | str, ...]:
    row: list[int | str] = [*key, *sums]
    row[_COST] = min(sums[_COST - len(key)], MAX_NANO)
    return tuple(row)


def _in_order(sums: dict[Key, Sums]) -> list[tuple[Key, Sums]]:
    """Sort by key: whoever locks rows of sums locks them in one order."""
    return sorted(sums.items(), key=lambda item: item[0])


class Series(Struct, frozen=True):
    """Which sums are wanted: of one user or of all, told apart by a facet, in spans of one length."""

    facet: Facet
    grain: Grain
    since: datetime
    """The beginning of the first span."""
    until: datetime
    """What the last span begins before."""
    user_id: int
    """`EVERYBODY`, or one user."""
    names: Collection[str] | None = None
    """These only; None is all."""


_WHERE: Final = "user_id = $1 AND facet = $2 AND grain = $3 AND start >= $4 AND start < $5"
_THESE: Final = " AND name IN (SELECT value ->> 0 FROM json_array_elements($6))"
_SEEKING: Final = (
    # Each span and name by itself: the index finds those, rather than read all names that there are.
    f"SELECT r.start, r.name, {', '.join(f'r.{name}' for name in _MEASURES)}"  # noqa: S608  (constants)
    " FROM (SELECT CAST(value ->> 0 AS bigint) AS span FROM json_array_elements($4)) AS s"
    " CROSS JOIN (SELECT value ->> 0 AS named FROM json_array_elements($5)) AS n"
    " CROSS JOIN rollup r WHERE r.user_id = $1 AND r.facet = $2 AND r.grain = $3 AND r.start = span AND r.name = named"
    " ORDER BY r.start, r.name"
)


def dearest(series: Series, limit: int) -> Program[list[str]]:
    """Return the names that were charged most, those first, then those most used."""
    where, values = _wanted(series)
    rows = yield from fetch(
        f"SELECT name FROM rollup WHERE {where} GROUP BY name"  # noqa: S608  (constants)
        f" ORDER BY SUM(charge) DESC, SUM(requests) DESC, name LIMIT {limit:d}",
        *values,
    )
    return [row[0] for row in rows]


def points(series: Series, limit: int) -> Program[list[Point]]:
    """Return the sums by span, oldest first, then by name; spans in which there was nothing are absent."""
    if series.names is not None:
        spans = range(micros(series.since), micros(series.until), series.grain.micros)
        every, named = json_rows((at,) for at in spans), json_rows((name,) for name in set(series.names))
        whose = (series.user_id, series.facet.value, series.grain.value)
        rows = yield from fetch(f"{_SEEKING} LIMIT {limit:d}", *whose, every, named)
    else:
        where, values = _wanted(series)
        rows = yield from fetch(
            f"SELECT start, name, {', '.join(_MEASURES)} FROM rollup WHERE {where}"  # noqa: S608  (constants)
            f" ORDER BY start, name LIMIT {limit:d}",
            *values,
        )
    return [_point(row) for row in rows]


def _wanted(series: Series) -> tuple[str, list[int | str]]:
    values: list[int | str] = [
        series.user_id,
        series.facet.value,
        series.grain.value,
        micros(series.since),
        micros(series.until),
    ]
    if series.names is None:
        return _WHERE, values
    return _WHERE + _THESE, [*values, json_rows((name,) for name in series.names)]


def _point(row: Row) -> Point:
    return Point(instant(row[0]), row[1], Measures.of(row[2:]))


def _fact(log: RequestLog) -> Fact:
    first_byte = log.first_byte_seconds
    return Fact(
        micros(log.at),
        log.user_id,
        log.token_id,
        _text(log.model, _NAME),
        _text(log.channel, _NAME),
        _text(log.group, _SHORT),
        log.outcome == "ok",
        min(log.usage.input_tokens, _ABSURD),
        min(log.usage.output_tokens, _ABSURD),
        min(log.usage.cache_read, _ABSURD),
        log.charge.nano,
        min(round(log.seconds * 1000), _ABSURD),
        None if first_byte is None else min(round(first_byte * 1000), _ABSURD),
        None if log.cost is None else log.cost.nano,
    )


def _text(value: str | None, limit: int) -> str | None:
    return None if value is None else clean(value, limit)
