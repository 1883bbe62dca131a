"""Tasks, as people see them: work of an upstream that outlives the request that began it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from clinx.domain.money import Amount


class TaskState(StrEnum):
    """How far a task is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    """Nobody knows what became of it, and its time is over."""


class TaskSeen(Struct, frozen=True):
    """One task at one moment."""

    id: str
    user_id: int
    token_id: int | None
    kind: str
    """What sort of task: ``video``, ``midjourney``, ``suno``."""
    model: str | None
    state: TaskState
    progress: int | None
    """Percent, as far as the upstream says it."""
    held: Amount
    charge: Amount | None
    """None until it is settled."""
    created_at: datetime
    finished_at: datetime | None = None
    failure: str | None = None
    """The code of what went wrong."""


class TaskFilter(Struct, frozen=True):
    """Which tasks are wanted."""

    user_id: int | None = None
    kind: str | None = None
    state: TaskState | None = None
