"""Forgets what is old, a little at a time: no transaction holds what others need for longer than a moment."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from clinx.storage.codec import micros
from clinx.storage.program import Program, execute


class Old(Enum):
    """What may be forgotten; the value is where it is: table, key, and the condition, in which $1 is an instant."""

    REQUEST_LOGS = ("request_log", "id", "at < $1")
    MINUTES = ("rollup", "id", "grain = 'minute' AND start < $1")
    HOURS = ("rollup", "id", "grain = 'hour' AND start < $1")
    HOLDS = ("reservation", "id", "created_at < $1 AND state <> 'open' AND terms IS NULL")
    """Resolved; a task's is kept, for it may be refunded."""
    COUNTED = ("counted", "id", "at < $1")
    SESSIONS = ("session", "id", "expires_at < $1")
    CHALLENGES = ("challenge", "id", "expires_at < $1")
    IDEMPOTENCY = ("idempotency", "id", "at < $1")


def forget(old: Old, before: datetime, *, limit: int) -> Program[int]:
    """Delete at most ``limit`` rows of before an instant; return how many there were."""
    table, key, condition = old.value
    chosen = f"SELECT {key} FROM {table} WHERE {condition} LIMIT {limit:d}"  # noqa: S608  (constants)
    return (yield from execute(f"DELETE FROM {table} WHERE {key} IN ({chosen})", micros(before)))  # noqa: S608  (constants)
