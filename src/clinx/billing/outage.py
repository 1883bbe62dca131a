"""What the log says while the ledger cannot be written: its beginning, a count now and then, its end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

log = logging.getLogger("clinx.billing")

EVERY: Final = timedelta(seconds=10)
"""The time between two lines about the same thing."""

_NOTHING: Final = timedelta()


class Stopwatch:
    """A monotonic clock, read as the time since some moment of one's own."""

    def __init__(self, nanoseconds: Callable[[], int]) -> None:
        """Begin now."""
        self._nanoseconds = nanoseconds
        self._began = nanoseconds()

    @property
    def elapsed(self) -> timedelta:
        """The time since the beginning."""
        return timedelta(microseconds=(self._nanoseconds() - self._began) // 1000)

    def restart(self) -> None:
        """Begin again, now."""
        self._began = self._nanoseconds()


class Seldom:
    """Counts what happens often, and says when a line about it is due."""

    def __init__(self, nanoseconds: Callable[[], int]) -> None:
        """Begin with nothing counted; the first occurrence is due at once."""
        self._said = Stopwatch(nanoseconds)
        self._never = True
        self._count = 0

    def count(self) -> int:
        """Count one more; return how many there were since the last line if one is due now, else 0."""
        self._count += 1
        if not self._never and self._said.elapsed < EVERY:
            return 0
        self._never = False
        self._said.restart()
        due, self._count = self._count, 0
        return due


class Outage:
    """The time from a first failure to the next success."""

    def __init__(self, nanoseconds: Callable[[], int]) -> None:
        """Begin with a ledger that works."""
        self.is_on = False
        """Whether the last that was heard of the ledger is a failure."""
        self._began = Stopwatch(nanoseconds)
        self._said = Stopwatch(nanoseconds)
        self._failures = 0
        self._refused = 0

    @property
    def lasted(self) -> timedelta:
        """How long it has lasted; nothing when there is none."""
        return self._began.elapsed if self.is_on else _NOTHING

    def fail(self, reason: str, *, waiting: int) -> None:
        """Take note of a failure to write while so many operations wait."""
        self._failures += 1
        if not self.is_on:
            self.is_on = True
            self._began.restart()
            self._said.restart()
            log.error("billing.unavailable", extra={"reason": reason, "waiting": waiting})
        elif self._said.elapsed >= EVERY:
            self._said.restart()
            log.warning("billing.still_unavailable", extra={"reason": reason, "waiting": waiting, **self._counts()})

    def refuse(self) -> None:
        """Count a hold that was refused."""
        self._refused += 1

    def end(self) -> None:
        """Take note of a success."""
        if self.is_on:
            log.warning("billing.recovered", extra=self._counts())
            self.is_on, self._failures, self._refused = False, 0, 0

    def _counts(self) -> dict[str, object]:
        seconds = round(self.lasted.total_seconds(), 1)
        return {"seconds": seconds, "failures": self._failures, "refused": self._refused}
