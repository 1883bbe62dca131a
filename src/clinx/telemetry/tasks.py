"""The one place that starts background tasks.

A bare ``asyncio.create_task`` may be garbage-collected in mid-air, loses its exception, and inherits the context of
whoever started it, an open SQL transaction included. The supervisor keeps a reference, reports failures, and starts
every task in the clean context it was born in. It is a plain set, not a TaskGroup: one failed task must not end the
others.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger("clinx.tasks")

T = TypeVar("T")


class Supervisor:
    """Starts tasks, keeps them, and lets go of them in an orderly way."""

    def __init__(self) -> None:
        """Take the context of this moment as the clean one: build the supervisor outside any transaction."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()
        self._context = contextvars.copy_context()

    def start(self, coro: Coroutine[Any, Any, T], *, name: str, endless: bool = False) -> asyncio.Task[T]:
        """Run a coroutine in the background; a failure is logged. An endless one is cancelled without waiting."""
        task = asyncio.get_running_loop().create_task(coro, name=name, context=self._context.copy())
        self._tasks.add(task)
        if endless:
            self._endless.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._endless.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task.failed", extra={"task": task.get_name()}, exc_info=error)

    async def close(self, grace: float = 5.0) -> None:
        """Wait for the running tasks, then cancel what is left and wait for that too."""
        current = asyncio.current_task()
        for task in self._endless:
            task.cancel()
        running = {task for task in self._tasks if task is not current}
        late = (await asyncio.wait(running, timeout=grace))[1] if running else set[asyncio.Task[Any]]()
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
