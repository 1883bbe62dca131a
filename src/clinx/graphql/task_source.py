"""Where the console gets tasks from: whoever runs them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final, Protocol

from clinx.domain.task_state import TaskFilter, TaskSeen


class TaskSource(Protocol):
    """Knows the tasks of all processes."""

    async def page(self, wanted: TaskFilter, *, below: tuple[int, str] | None, limit: int) -> Sequence[TaskSeen]:
        """Return tasks, newest first: below an instant in microseconds and an id, if these are given."""
        ...

    async def count(self, wanted: TaskFilter, *, most: int) -> int:
        """Count tasks, but no more than so many."""
        ...

    async def find(self, id_: str) -> TaskSeen | None:
        """Return one task."""
        ...

    def follow(self, id_: str) -> AsyncGenerator[TaskSeen]:
        """Yield a task whenever it moved, until it is over."""
        ...


class NoTasks:
    """A gateway that takes no tasks."""

    async def page(self, wanted: TaskFilter, *, below: tuple[int, str] | None, limit: int) -> Sequence[TaskSeen]:
        """Return nothing."""
        del wanted, below, limit
        return ()

    async def count(self, wanted: TaskFilter, *, most: int) -> int:
        """Return 0."""
        del wanted, most
        return 0

    async def find(self, id_: str) -> TaskSeen | None:
        """Return nothing."""
        del id_
        return None

    async def follow(self, id_: str) -> AsyncGenerator[TaskSeen]:
        """Yield nothing."""
        del id_
        for each in ():
            yield each


NO_TASKS: Final[TaskSource] = NoTasks()
