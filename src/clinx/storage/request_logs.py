"""The request log: appended in batches, read by user and time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt, Keeper, Logged, RequestLog
from clinx.domain.usage import Usage
from clinx.storage.codec import clean, encode_json, instant, micros
from clinx.storage.database import Database
from clinx.storage.models import RequestLogRow
from clinx.storage.program import Program, Row, execute_many

_ID = 128
_NAME = 255
_SHORT = 64
_CAUSE = 300

COLUMNS: Final = (
    'id, at, revision, dialect, operation, outcome, status, user_id, token_id, "group", model, channel,'
    " upstream_model, upstream_id, stream, usage, charge, quote, attempts, seconds, first_byte_seconds, address,"
    " cost, asked_model, refused_by"
)
"""Everything of a log, in the order of `RequestLog`."""
INSERT: Final = (
    f"INSERT INTO request_log ({COLUMNS})"  # noqa: S608  (constants)
    f" VALUES ({', '.join(f'${number}' for number, _ in enumerate(COLUMNS.split(','), 1))})"
    " ON CONFLICT (id) DO NOTHING"
)


_KEEPER = (
    # The dialect is written out, for only so the index is known to fit: it is of the one whose upstreams keep answers.
    "SELECT channel, model, attempts, asked_model FROM request_log WHERE upstream_id = $1"
    " AND dialect = 'openai_responses' AND operation = 'chat' AND user_id = $2 LIMIT 1"
)
_ATTEMPTS = msgspec.json.Decoder(tuple[Attempt, ...])


def append(logs: Sequence[RequestLog]) -> Program[None]:
    """Write logs; one whose id was written before is passed over."""
    yield from execute_many(INSERT, [_values(log) for log in logs])


def _values(log: RequestLog) -> tuple[Any, ...]:
    return (
        clean(log.id, _ID),
        micros(log.at),
        log.revision,
        log.dialect,
        log.operation,
        log.outcome,
        log.status,
        log.user_id,
        log.token_id,
        _text(log.group, _SHORT),
        _text(log.model, _NAME),  # Callers, channels and upstreams write these: anything may be in them.
        _text(log.channel, _NAME),
        _text(log.upstream_model, _NAME),
        _text(log.upstream_id, _NAME),
        log.stream,
        encode_json(log.usage.nonzero()),
        log.charge.nano,
        encode_json(log.quote),
        encode_json([_attempt(attempt) for attempt in log.attempts]),
        log.seconds,
        log.first_byte_seconds,
        _text(log.address, _SHORT),
        None if log.cost is None else log.cost.nano,
        _text(log.asked_model, _NAME),
        _text(log.refused_by, _NAME),
    )


def _text(value: str | None, limit: int) -> str | None:
    return None if value is None else clean(value, limit)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "channel": attempt.channel,
        "credential": attempt.credential,
        "upstream_model": clean(attempt.upstream_model, _NAME),
        "outcome": attempt.outcome,
        "status": attempt.status,
        "seconds": attempt.seconds,
        **({} if attempt.cause is None else {"cause": clean(attempt.cause, _CAUSE)}),
    }


async def latest(
    database: Database,
    *,
    user_id: int | None = None,
    token_id: int | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> list[RequestLog]:
    """Return logs, newest first: of one user or of all, of one token, older than an instant.

    A token's are found fast when its user is named too.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    with database.reading() as client:
        query = RequestLogRow.all(using_db=client)
        if user_id is not None:
            query = query.filter(user_id=user_id)
        if token_id is not None:
            query = query.filter(token_id=token_id)
        if before is not None:
            query = query.filter(at__lt=micros(before))
        rows = await query.order_by("-at", "-id").limit(limit)
    return [_log(row) for row in rows]


async def find(database: Database, request_id: str) -> RequestLog | None:
    """Return one exchange's log, if it is still kept."""
    with database.reading() as client:
        row = await RequestLogRow.get_or_none(id=clean(request_id, _ID), using_db=client)
    return None if row is None else _log(row)


async def keeper(database: Database, user_id: int, answer: str, *, logs: Database | None = None) -> Keeper | None:
    """Return who keeps an answer of a user's, by the id the upstream gave it; None when the log does not know.

    Where logs have a database of their own they are looked for there second: a log is there before it leaves here.

    Raises:
        StorageUnavailable: a database cannot be read now.
    """
    asked = (clean(answer, _NAME), user_id)
    rows = await database.fetch(_KEEPER, *asked)
    if not rows and logs is not None and logs is not database:
        rows = await logs.fetch(_KEEPER, *asked)
    if not rows:
        return None
    channel, model, attempts, asked = rows[0]
    last = _ATTEMPTS.decode(attempts)[-1:]
    return Keeper(channel, last[0].credential, model, asked) if last and channel and model else None


_USAGE: Final = msgspec.json.Decoder(Usage)
_TRAFFIC: Final = (
    'SELECT id, at, dialect, operation, outcome, user_id, token_id, "group", COALESCE(asked_model, model), channel,'
    " stream, usage, charge, address, refused_by FROM request_log"
    " WHERE at >= $1 AND (at, id) > ($1, $2) AND at < $3 ORDER BY at, id LIMIT $4"
)


async def traffic(
    database: Database, *, since: datetime, until: datetime, page: int = 5000
) -> AsyncGenerator[list[Logged]]:
    """Yield what was asked in a span of time, oldest first, a page at a time: as much as there is, in little memory.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    at, id_ = micros(since), ""
    while rows := await database.fetch(_TRAFFIC, at, id_, micros(until), page):
        yield [_logged(row) for row in rows]
        at, id_ = rows[-1][1], rows[-1][0]


def _logged(row: Row) -> Logged:
    id_, at, dialect, operation, outcome, user_id, token_id, group, model, channel, *rest = row
    stream, usage, charge, address, refused_by = rest
    return Logged(
        id=id_,
        at=at,
        dialect=dialect,
        operation=operation,
        outcome=outcome,
        user_id=user_id,
        token_id=token_id,
        group=group,
        model=model,
        channel=channel,
        stream=bool(stream),
        usage=_USAGE.decode(usage),
        charge=charge,
        address=address,
        refused_by=refused_by,
    )


def _log(row: RequestLogRow) -> RequestLog:
    return RequestLog(
        id=row.id,
        at=instant(row.at),
        revision=row.revision,
        dialect=row.dialect,
        operation=row.operation,
        outcome=row.outcome,
        status=row.status,
        user_id=row.user_id,
        token_id=row.token_id,
        group=row.group,
        model=row.model,
        channel=row.channel,
        upstream_model=row.upstream_model,
        upstream_id=row.upstream_id,
        stream=row.stream,
        usage=msgspec.convert(row.usage, Usage),
        charge=Amount(row.charge),
        quote=tuple(row.quote),
        attempts=msgspec.convert(row.attempts, tuple[Attempt, ...]),
        seconds=row.seconds,
        first_byte_seconds=row.first_byte_seconds,
        address=row.address,
        asked_model=row.asked_model,
        refused_by=row.refused_by,
        cost=None if row.cost is None else Amount(row.cost),
    )
