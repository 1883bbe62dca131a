"""The audit log of the console: appended by every mutation, read by operators, trimmed by age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from clinx.domain.audit_entry import SUCCEEDED, AuditEntry, AuditFilter
from clinx.storage.codec import clean, instant, micros
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, Value, execute

ACTOR: Final = 128
OPERATION: Final = 64
OUTCOME: Final = 128
TEXT: Final = 16 * 1024
"""Characters of an input, and of what was changed."""

_REQUEST: Final = 64
_ADDRESS: Final = 64
_COLUMNS: Final = "id, at, request_id, actor, user_id, address, operation, input, outcome, before_json, after_json"


def append(entry: AuditEntry) -> Program[None]:
    """Write an entry; its ``id`` is ignored."""
    yield from execute(
        "INSERT INTO audit_log (at, request_id, actor, user_id, address, operation, input, outcome, before_json,"
        " after_json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        micros(entry.at),
        clean(entry.request_id, _REQUEST),
        clean(entry.actor, ACTOR),
        entry.user_id,
        None if entry.address is None else clean(entry.address, _ADDRESS),
        clean(entry.operation, OPERATION),
        clean(entry.input, TEXT),
        clean(entry.outcome, OUTCOME),
        None if entry.before is None else clean(entry.before, TEXT),
        None if entry.after is None else clean(entry.after, TEXT),
    )


async def page(database: Database, wanted: AuditFilter, *, below: int | None, limit: int) -> list[AuditEntry]:
    """Return entries, newest first, those with ids below one if that is given.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    conditions = list(_conditions(wanted))
    if below is not None:
        conditions.append(("id <", below))
    where, values = _where(conditions)
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM audit_log {where} ORDER BY id DESC LIMIT ${len(values) + 1}",  # noqa: S608  (our own words)
        *values,
        limit,
    )
    return [_entry(row) for row in rows]


async def find(database: Database, id_: int) -> AuditEntry | None:
    """Return one entry, if it is still kept."""
    rows = await database.fetch(f"SELECT {_COLUMNS} FROM audit_log WHERE id = $1", id_)  # noqa: S608  (our own columns)
    return _entry(rows[0]) if rows else None


async def count(database: Database, wanted: AuditFilter, *, most: int) -> int:
    """Count entries, but no more than so many."""
    where, values = _where(list(_conditions(wanted)))
    rows = await database.fetch(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM audit_log {where} LIMIT ${len(values) + 1}) AS found",  # noqa: S608  (our own words)
        *values,
        most,
    )
    return rows[0][0]


def trim(before: datetime, *, limit: int) -> Program[int]:
    """Forget the oldest entries of before an instant, at most so many at a time; return how many."""
    return (
        yield from execute(
            "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE at < $1 ORDER BY id LIMIT $2)",
            micros(before),
            limit,
        )
    )


def _conditions(wanted: AuditFilter) -> Iterator[tuple[str, Value]]:
    if wanted.since is not None:
        yield "at >=", micros(wanted.since)
    if wanted.until is not None:
        yield "at <", micros(wanted.until)
    if wanted.actor is not None:
        yield "actor =", clean(wanted.actor, ACTOR)
    if wanted.user_id is not None:
        yield "user_id =", wanted.user_id
    if wanted.operation is not None:
        yield "operation =", clean(wanted.operation, OPERATION)
    if wanted.only_refused:
        yield "outcome <>", SUCCEEDED


def _where(conditions: list[tuple[str, Value]]) -> tuple[str, list[Value]]:
    texts = [f"{text} ${number}" for number, (text, _) in enumerate(conditions, 1)]
    return (f"WHERE {' AND '.join(texts)}" if texts else ""), [value for _, value in conditions]


def _entry(row: Row) -> AuditEntry:
    id_, at, request_id, actor, user_id, address, operation, asked, outcome, before, after = row
    return AuditEntry(
        at=instant(at),
        request_id=request_id,
        actor=actor,
        user_id=user_id,
        address=address,
        operation=operation,
        input=asked,
        outcome=outcome,
        before=before,
        after=after,
        id=id_,
    )
