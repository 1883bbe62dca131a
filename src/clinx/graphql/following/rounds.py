"""Work that is done again and again while somebody wants it done."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from clinx.storage.failures import StorageUnavailable
from clinx.telemetry.tasks import Supervisor

log = logging.getLogger("clinx.graphql")


class Rounds:
    """Goes round while anybody is there; a database that is away only delays."""

    def __init__(self, supervisor: Supervisor, look: Callable[[], Awaitable[None]], every: float, name: str) -> None:
        """Take what is done in a round, and the seconds before each."""
        self._supervisor = supervisor
        self._look = look
        self._every = every
        self._name = name
        self._there = 0
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether somebody is there."""
        return self._task is not None

    def join(self) -> None:
        """Be there: the first one starts the rounds."""
        self._there += 1
        if self._task is None:
            self._task = self._supervisor.start(self._run(), name=self._name, endless=True)

    def leave(self) -> None:
        """Be there no more: with the last one the rounds end."""
        self._there -= 1
        if not self._there and self._task is not None:
            self._task.cancel()
            self._task = None

    def wake(self) -> None:
        """Do not wait for the next round."""
        self._woken.set()

    async def _run(self) -> None:
        failing = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self._look()
                failing = False
            except StorageUnavailable as error:
                if not failing:  # Once: an hour without a database is no news every second.
                    log.warning("console.delayed", extra={"task": self._name, "reason": str(error)})
                failing = True
