"""A real database that fails when a test says so.

flaky = Flaky(database)
flaky.plan = {1: Fault.AWAY, 2: Fault.DOUBT}.get
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageInDoubt, StorageUnavailable
from clinx.storage.program import Program

T = TypeVar("T")


class Fault(Enum):
    """How a transaction fails."""

    AWAY = "away"
    """It does not happen."""
    CONFLICT = "conflict"
    """It does not happen, and is worth an immediate retry."""
    DOUBT = "doubt"
    """It happens, but the answer is lost."""
    KILLED = "killed"
    """It does not happen, and whoever asked is gone."""
    KILLED_AFTER = "killed after"
    """It happens, and whoever asked is gone."""


class Killed(BaseException):
    """The process is gone: nobody catches this."""


class Flaky(Database):
    """Shares everything with the database it stands for."""

    def __init__(self, real: Database) -> None:
        vars(self).update(vars(real))
        self.asked = 0
        """How many transactions there were."""
        self.plan: Callable[[int], Fault | None] = lambda _: None
        """Says how the n-th transaction fails, counted from 1."""

    async def atomically(self, program: Program[T]) -> T:
        self.asked += 1
        fault = self.plan(self.asked)
        if fault in {Fault.AWAY, Fault.CONFLICT, Fault.KILLED}:
            program.close()
        if fault is Fault.AWAY:
            raise StorageUnavailable("away")
        if fault is Fault.CONFLICT:
            raise StorageConflict("lost a race")
        if fault is Fault.KILLED:
            raise Killed
        value = await super().atomically(program)
        if fault is Fault.DOUBT:
            raise StorageInDoubt("the answer was lost")
        if fault is Fault.KILLED_AFTER:
            raise Killed
        return value
