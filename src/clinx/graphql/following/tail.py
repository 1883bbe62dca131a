"""Request logs as they are written, by any process: the table is looked at, for nobody announces a single call.

A call is logged when it ended, under the instant at which it began, so what is new may lie anywhere among the calls of
the last minutes. Each look asks for the ids of those that began last, and reads whichever it has not seen. Most looks
are at the latest `NEAR`; when more calls than those are on their way, every few seconds one is at the latest `FAR`.
Ids that were seen are kept for as long as a look may come upon them, and no longer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from clinx.domain.request_log import RequestLog
from clinx.graphql.following.rounds import Rounds
from clinx.storage import search
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor

EVERY: Final = 0.5
"""Seconds between two looks."""
NEAR: Final = 2_000
FAR: Final = 20_000
FAR_LOOKS: Final = 10
"""One look of so many is far."""
WINDOW: Final = timedelta(minutes=15)
"""How long a call may take that is still noticed when it ends."""
MOST_WAITING: Final = 20
"""Logs that wait for one who follows: more than anybody reads between two looks."""
PATIENCE: Final = timedelta(minutes=1)
"""How long something may wait for one who does not take it, before they are let go."""
_AT_ONCE: Final = 500


class TooSlow(Exception):
    """Whoever followed did not take anything for so long that they were let go."""


class Follower:
    """One who follows: what they want, and what waits for them."""

    def __init__(self, matches: Callable[[RequestLog], bool]) -> None:
        """Nothing waits yet."""
        self._matches = matches
        self._waiting: deque[RequestLog] = deque(maxlen=MOST_WAITING)
        self._missed = 0
        self._since: datetime | None = None
        self._gone = False
        self._news = asyncio.Event()

    def offer(self, logs: Sequence[RequestLog], at: datetime) -> None:
        """Let those logs wait that are wanted; the oldest make room."""
        wanted = () if self._gone else [log for log in logs if self._matches(log)]
        if wanted:
            self._missed += max(0, len(self._waiting) + len(wanted) - MOST_WAITING)
            self._waiting.extend(wanted)
            self._since = self._since or at
            self._news.set()
        if self._since is not None and at - self._since > PATIENCE:
            self._gone = True
            self._waiting.clear()

    async def take(self) -> tuple[list[RequestLog], int]:
        """Wait for news; return the logs, oldest first, and how many before them were left out.

        Raises:
            TooSlow: they were let go.
        """
        await self._news.wait()
        if self._gone:
            raise TooSlow
        taken, missed = list(self._waiting), self._missed
        self._waiting.clear()
        self._missed, self._since = 0, None
        self._news.clear()
        return taken, missed


class Tail:
    """Reads what is new, once for all who follow."""

    def __init__(
        self, logs: Database, supervisor: Supervisor, *, now: Callable[[], datetime], every: float = EVERY
    ) -> None:
        """Wire it; nothing is read before somebody follows."""
        self._logs = logs
        self._now = now
        self._followers: set[Follower] = set()
        self._seen: frozenset[str] | set[str] = frozenset()
        self._looks = 0
        self._starting = asyncio.Lock()
        self._rounds = Rounds(supervisor, self.look, every, "request log tail")

    @contextlib.asynccontextmanager
    async def follow(self, matches: Callable[[RequestLog], bool]) -> AsyncGenerator[Follower]:
        """Follow the logs that are written from now on.

        Raises:
            StorageUnavailable: the database cannot be read now.
        """
        async with self._starting:
            if not self._followers:
                self._seen = set(await self._newest(FAR))
                self._looks = 0
            follower = Follower(matches)
            self._followers.add(follower)
            self._rounds.join()
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            self._rounds.leave()
            if not self._followers:
                self._seen = frozenset()

    async def look(self) -> None:
        """Hand out what was written since the last look.

        Raises:
            StorageUnavailable: the database cannot be read now.
        """
        self._looks += 1
        ids = await self._newest(NEAR)
        is_whole = len(ids) < NEAR
        if not is_whole and self._looks % FAR_LOOKS == 0:
            ids, is_whole = await self._newest(FAR), True
        new = [id_ for id_ in ids if id_ not in self._seen]
        for some in _parts(new[::-1]):
            found = await search.by_ids(self._logs, some)
            for follower in tuple(self._followers):
                follower.offer(found, self._now())
        self._seen = set(ids) if is_whole else {*self._seen, *new}
        for follower in () if new else tuple(self._followers):
            follower.offer((), self._now())

    async def _newest(self, limit: int) -> list[str]:
        return await search.newest(self._logs, self._now() - WINDOW, limit=limit)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
