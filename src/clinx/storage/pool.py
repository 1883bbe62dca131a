"""Tortoise's PostgreSQL client, with an end to every wait: for a connection, and for whoever has one.

A server that is gone without a word (a pulled cable, a dropped route) never refuses anything: only a clock notices.
"""

from __future__ import annotations

import asyncio
import copy
from types import TracebackType
from typing import Any, Protocol, cast

from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.base.client import PoolConnectionWrapper


class _Connection(Protocol):
    """What a lease needs of asyncpg's connection, which has no types."""

    def terminate(self) -> None:
        """Drop the connection without waiting for anybody."""
        ...


class BoundedClient(AsyncpgDBClient):
    """A client whose connections come within ``acquire_seconds`` and are lost after ``lease_seconds``."""

    def __init__(self, *, acquire_seconds: float, lease_seconds: float | None, **credentials: Any) -> None:
        """Take tortoise's credentials and the two bounds; None for a lease means as long as it takes."""
        super().__init__(**credentials)
        self.acquire_seconds = acquire_seconds
        self.lease_seconds = lease_seconds

    def acquire_connection(self) -> Any:
        """Borrow a connection of the pool.

        Raises:
            TimeoutError: at entry, when none came in time; at exit, when it was kept too long and was lost.
        """
        return _Lease(self)

    def within(self, seconds: float) -> BoundedClient:
        """Return a client on the same pool with another lease; the pool must have been used before."""
        other = copy.copy(self)
        other.lease_seconds = seconds
        return other


class _Lease(PoolConnectionWrapper[Any]):
    """A connection that is borrowed, and the timer that ends it."""

    __slots__ = ("_expired", "_seconds", "_timer", "_wait")

    def __init__(self, client: BoundedClient) -> None:
        super().__init__(client, client._pool_init_lock)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  (as tortoise does)
        self._wait, self._seconds = client.acquire_seconds, client.lease_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._expired = False

    async def __aenter__(self) -> Any:
        await self.ensure_connection()
        # What may take so long to get may take so long to be given back: asyncpg keeps the number for the release.
        self.connection = await cast("Any", self.client)._pool.acquire(timeout=self._wait)  # noqa: SLF001
        if self._seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            if self._timer is not None:
                self._timer.cancel()
        if self._expired and isinstance(error, Exception):
            raise TimeoutError(f"no answer for {self._seconds:g} s") from error

    def _expire(self) -> None:
        self._expired = True
        cast("_Connection", self.connection).terminate()


client_class = BoundedClient
"""What tortoise looks for in the module of an engine."""
