"""Who was told of what, and when: whichever process writes that first is the one that tells."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from clinx.storage.codec import clean, micros
from clinx.storage.program import Program, execute

RECEIVER: Final = 320
KIND: Final = 32
SUBJECT: Final = 255

_NEVER: Final = -1
"""Before every instant."""


def claim(receiver: str, kind: str, subject: str, every: timedelta | None, now: datetime) -> Program[bool]:
    """Say whether it is for the caller to tell a receiver of a subject now, and take note that it is told.

    Told once, it is not told again before ``every`` has passed; None is never, until the note is gone.
    """
    changed = yield from execute(
        "INSERT INTO notice (receiver, kind, subject, at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (receiver, kind, subject) DO UPDATE SET at = excluded.at WHERE notice.at <= $5",
        clean(receiver, RECEIVER),
        clean(kind, KIND),
        clean(subject, SUBJECT),
        micros(now),
        _NEVER if every is None else micros(now - every),
    )
    return changed == 1


def prune(before: datetime, *, but: str) -> Program[int]:
    """Forget what was told earlier, except of one kind; return how much."""
    return (yield from execute("DELETE FROM notice WHERE at < $1 AND kind <> $2", micros(before), but))
