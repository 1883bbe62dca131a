"""Follows a subscription while a test does other things.

async with following(ann.balance_changed()) as news:
    ...
    balance = await news.next()
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 15.0
"""Seconds after which nothing comes any more."""


class Over(AssertionError):
    """A subscription that should go on has ended."""


class News(Generic[T]):
    """What has come and was not taken yet, and how it ended."""

    def __init__(self) -> None:
        self._come: asyncio.Queue[T] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self, events: AsyncGenerator[T]) -> None:
        """Take what comes until it ends."""
        self._task = asyncio.get_running_loop().create_task(self._follow(events))

    async def stop(self) -> None:
        """Take no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def next(self) -> T:
        """Wait for the next."""
        found = await self.next_within(PATIENCE)
        assert found is not None, "nothing came"
        return found

    async def next_within(self, seconds: float) -> T | None:
        """Wait for the next for a while.

        Raises:
            Over: there is none.
        """
        coming = asyncio.get_running_loop().create_task(self._come.get())
        watched = {coming} if self._task is None else {coming, self._task}
        await asyncio.wait(watched, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if coming.done():
            return coming.result()
        coming.cancel()
        if self._task is not None and self._task.done():
            raise Over from self._task.exception()
        return None

    async def ended(self) -> BaseException | None:
        """Wait for its end; return the failure that it ended with, if there was one."""
        assert self._task is not None
        await asyncio.wait({self._task}, timeout=PATIENCE)
        return self._task.exception()

    async def _follow(self, events: AsyncGenerator[T]) -> None:
        async with contextlib.aclosing(events):
            async for event in events:
                self._come.put_nowait(event)


@contextlib.asynccontextmanager
async def following(events: AsyncGenerator[T]) -> AsyncGenerator[News[T]]:
    """Follow while the block runs."""
    news: News[T] = News()
    news.start(events)
    try:
        yield news
    finally:
        await news.stop()
