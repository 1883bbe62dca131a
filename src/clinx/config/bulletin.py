"""What a process says of itself to all others, and what it obeys: rejected revisions, overrides, requests to look.

Everything is in the database, and announced there; a round every `EVERY` finds what an announcement lost. A database
that is away only delays: what is served goes on being served.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from clinx.config.current import Current
from clinx.config.watch import Reloader
from clinx.domain.revision import Rejection, Served
from clinx.routing.overrides import Overlay
from clinx.storage import overrides, revisions
from clinx.storage.announcements import Topic
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable

EVERY: Final = 15.0
"""Seconds between two rounds when nothing happens."""
JUDGE_SECONDS: Final = 0.5
"""How often the figures of a trial are looked at."""
FORGOTTEN: Final = timedelta(days=1)
"""How long what a process said last stays after it has gone silent."""

_ROUND: Final = frozenset({Topic.OVERRIDE, Topic.REVISION})


@dataclass(frozen=True, slots=True)
class Self:
    """Which process this is."""

    node: str
    host: str
    url: str


@dataclass(slots=True)
class Bulletin:
    """Keeps one process and the database of one mind about what is served."""

    database: Database
    current: Current
    reloader: Reloader
    overlay: Overlay
    who: Self
    now: Callable[[], datetime]
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: str | None = None
    _answered: str | None = None
    _promoted: set[str] = field(default_factory=set[str])
    _unsent: dict[str, Rejection] = field(default_factory=dict[str, Rejection])
    """What this process has rejected and the database does not know yet."""
    _since: tuple[str, datetime] | None = None

    async def run(self) -> None:
        """Go round until cancelled: at once when there is news, else now and then."""
        while True:
            self._woken.clear()
            with contextlib.suppress(StorageUnavailable):
                await self.round()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), EVERY)

    async def judge(self) -> None:
        """Watch over what is on trial until cancelled."""
        while True:
            await asyncio.sleep(JUDGE_SECONDS)
            if (rejection := await self.reloader.judge(f"rollout:{self.who.node}"[:64])) is not None:
                self._unsent[rejection.revision] = rejection
                self.wake()

    def wake(self) -> None:
        """Go round soon."""
        self._woken.set()

    def hear(self, topic: str, subject: str) -> None:
        """Take note of an announcement."""
        if topic == Topic.RELOAD:
            self._asked = subject
        elif topic == Topic.PROMOTE:
            self._promoted.add(subject)
        elif topic not in _ROUND:
            return
        self.wake()

    async def round(self) -> None:
        """Send what is unsent, obey what is said, and say what is served.

        Raises:
            StorageUnavailable: the database cannot be used now.
        """
        for rejection in list(self._unsent.values()):
            await self.database.atomically(revisions.reject(rejection))
            del self._unsent[rejection.revision]
            self.reloader.confirm(rejection.revision)
        channels = {name for each in self.current.served for name in each.channels}
        self.overlay.take(await overrides.active(self.database, self.now()), channels)
        await self.reloader.obey(await revisions.rejected(self.database))
        while self._promoted:
            await self.reloader.promote(self._promoted.pop())
        asked = self._asked
        if asked != self._answered:
            await self.reloader.reload()
            self._answered = asked
        await self.database.atomically(revisions.publish(self.served()))

    async def leave(self) -> None:
        """Say that this process is gone; without a database it will be noticed."""
        with contextlib.suppress(StorageUnavailable):
            await self.database.atomically(revisions.withdraw(self.who.node, self.now() - FORGOTTEN))

    def served(self) -> Served:
        """Return what this process says of itself now."""
        revision, state, now = self.current.snapshot.revision, self.current.state, self.now()
        if self._since is None or self._since[0] != revision.id:
            self._since = (revision.id, now)
        return Served(
            node=self.who.node,
            host=self.who.host,
            url=self.who.url,
            revision=revision.id,
            commit=revision.commit,
            since=self._since[1],
            ok=state.ok,
            tree=state.revision,
            diagnostics=tuple(str(each) for each in state.diagnostics),
            error=state.error,
            seen_at=now,
            trial=self.current.standing(),
            answered=self._answered,
        )
