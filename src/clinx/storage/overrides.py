"""Timed overrides of channels. Rows stay when they are over: they are the history."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from clinx.domain.override import Aspect, Override
from clinx.storage.announcements import Topic, announce
from clinx.storage.codec import clean, instant, micros
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, execute, fetch

_REASON = 500
_ACTOR = 64
_COLUMNS = "id, channel, aspect, value, reason, actor, at, until"


def put(override: Override) -> Program[Override]:
    """Write an override and tell every process; one of the same aspect that is active ends. Returns it with its id."""
    yield from _end(
        "channel = $1 AND aspect = $2", (override.channel, override.aspect.value), override.actor, override.at
    )
    rows = yield from fetch(
        "INSERT INTO channel_override (channel, aspect, value, reason, actor, at, until)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        override.channel,
        override.aspect.value,
        override.value,
        clean(override.reason, _REASON),
        clean(override.actor, _ACTOR),
        micros(override.at),
        micros(override.until),
    )
    yield from announce(Topic.OVERRIDE, override.channel, override.at)
    return replace(override, id=rows[0][0])


def drop(id_: int, actor: str, now: datetime) -> Program[Override | None]:
    """End an active override and tell every process; None when there is none of this id."""
    rows = yield from fetch(
        f"SELECT {_COLUMNS} FROM channel_override WHERE id = $1 AND dropped_at IS NULL AND until > $2",  # noqa: S608  (our own columns)
        id_,
        micros(now),
    )
    if not rows:
        return None
    override = _override(rows[0])
    yield from _end("id = $1 AND aspect = $2", (id_, override.aspect.value), actor, now)
    yield from announce(Topic.OVERRIDE, override.channel, now)
    return override


def _end(where: str, values: tuple[str | int, str], actor: str, now: datetime) -> Program[int]:
    return execute(
        f"UPDATE channel_override SET dropped_at = $3, dropped_by = $4 WHERE {where}"  # noqa: S608  (our own conditions)
        " AND dropped_at IS NULL AND until > $3",
        *values,
        micros(now),
        clean(actor, _ACTOR),
    )


async def active(database: Database, now: datetime) -> list[Override]:
    """Return the overrides in force, oldest first."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM channel_override WHERE dropped_at IS NULL AND until > $1 ORDER BY id",  # noqa: S608  (our own columns)
        micros(now),
    )
    return [_override(row) for row in rows if _is_known(row)]


async def latest(database: Database, *, limit: int) -> list[tuple[Override, datetime | None, str | None]]:
    """Return the latest overrides, over or not, newest first; with when each was dropped, and by whom."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS}, dropped_at, dropped_by FROM channel_override ORDER BY id DESC LIMIT $1",  # noqa: S608  (our own columns)
        limit,
    )
    known = filter(_is_known, rows)
    return [(_override(row), None if row[8] is None else instant(row[8]), row[9]) for row in known]


def _is_known(row: Row) -> bool:
    """Whether this release knows what is overridden: while processes are replaced one by one, a later one may run."""
    return row[2] in set(Aspect)


def _override(row: Row) -> Override:
    id_, channel, aspect, value, reason, actor, at, until = row[:8]
    return Override(channel, Aspect(aspect), value, reason, actor, instant(at), instant(until), id_)
