"""A bounded queue in front of something slow: whoever has something to send never waits for it to arrive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Outbox(Generic[T]):
    """Takes things at once, and delivers them one after another."""

    def __init__(self, deliver: Callable[[T], Awaitable[None]], *, most: int) -> None:
        """Take who delivers, which raises nothing, and how many may wait."""
        self._deliver = deliver
        self._queue = asyncio.Queue[T](most)
        self._most = most

    @property
    def room(self) -> int:
        """How many more it takes now."""
        return self._most - self._queue.qsize()

    def put(self, thing: T) -> bool:
        """Take something; False when too much waits already."""
        try:
            self._queue.put_nowait(thing)
        except asyncio.QueueFull:
            return False
        return True

    async def run(self) -> None:
        """Deliver until cancelled. Several may run at once."""
        while True:
            thing = await self._queue.get()
            try:
                await self._deliver(thing)
            finally:
                self._queue.task_done()

    async def drain(self, seconds: float) -> None:
        """Wait until all is delivered by those who `run`, for at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._queue.join()
