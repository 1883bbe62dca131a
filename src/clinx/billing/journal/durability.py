"""When what was appended is made to outlive a power cut, and who waits for that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from clinx.billing.journal.failures import JournalFailed
from clinx.billing.journal.files import BEGINNING, Position, sync_folder
from clinx.billing.journal.segment import Segment
from clinx.telemetry.tasks import Supervisor

T = TypeVar("T")
GROUP_PAUSE: Final = timedelta(milliseconds=10)
"""What a power cut may take of a journal that nobody waits for."""
_END: Final = Position(1 << 62, 0)


class Sync(StrEnum):
    """What a power cut may take. Nothing that was appended is ever lost with the process alone."""

    EACH = "each"
    """Nothing that `Journal.durable` returned for."""
    GROUP = "10ms"
    """The last 10 ms; nobody waits."""
    OFF = "off"
    """What the kernel had not written yet."""


class Durability:
    """Syncs what is written, in a thread of its own; one sync serves all who wait, and an idle journal has none."""

    def __init__(self, folder: Path, sync: Sync, current: Callable[[], Segment]) -> None:
        """Wire it; ``current`` says which segment is written now."""
        self._folder = folder
        self._sync = sync
        self._current = current
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._dirty = asyncio.Event()
        self._marked = False
        """Whether it is set: to ask that here is cheaper, and is done at every record."""
        self._retired: deque[Segment] = deque()
        self._waiting: list[tuple[Position, asyncio.Future[None]]] = []
        self._synced = BEGINNING
        self._broken: dict[int, Position] = {}
        """Segments that could not be synced, each with how much of it was on disk before: what is behind that may never
        be, for a kernel tells of a failure once and takes its pages for clean."""
        self._keeping: asyncio.Task[None] | None = None

    def start(self, supervisor: Supervisor, failed: Callable[[OSError], None]) -> None:
        """Begin to sync what is written from now on, and tell of failures."""
        if self._sync is not Sync.OFF:
            self._keeping = supervisor.start(self._keep(failed), name="journal.sync", endless=True)

    @property
    def synced(self) -> Position:
        """How much is known to be on disk; when nothing is synced, all counts."""
        return self._current().position if self._sync is Sync.OFF else self._synced

    def mark(self) -> None:
        """Take note that something was written."""
        if not self._marked:
            self._marked = True
            self._dirty.set()

    def retire(self, segment: Segment) -> None:
        """Close a segment once it is on disk."""
        if self._sync is Sync.OFF:
            segment.close()
        else:
            self._retired.append(segment)
            self._dirty.set()

    async def reach(self, position: Position) -> None:
        """Return when everything before a position is on disk.

        Raises:
            JournalFailed: that did not work, or nobody syncs any more.
        """
        if (safe := self._broken.get(position.segment)) is not None and position > safe:
            raise JournalFailed
        if position <= self._synced:
            return
        if self._keeping is None or self._keeping.done():
            raise JournalFailed
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((position, answer))
        await answer

    async def run(self, work: Callable[[], T]) -> T:
        """Do something slow in the journal's thread, after what is going on there."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Sync and close everything.

        Raises:
            OSError: it is not known to be on disk.
        """
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        try:
            if self._sync is not Sync.OFF:
                await self._flush()
        finally:
            self._thread.shutdown()
            self._current().close()

    async def _keep(self, failed: Callable[[OSError], None]) -> None:
        try:
            while True:
                await self._dirty.wait()
                if self._sync is Sync.GROUP:
                    await asyncio.sleep(GROUP_PAUSE.total_seconds())
                self._dirty.clear()
                self._marked = False
                try:
                    await self._flush()
                except OSError as error:
                    failed(error)
        finally:
            self._serve(_END, JournalFailed())

    async def _flush(self) -> None:
        segment = self._current()
        position = segment.position
        try:
            await self.run(lambda: self._write_back(segment))
        except OSError:
            for number in range(self._synced.segment, segment.number + 1):
                self._broken.setdefault(number, self._synced)
            self._serve(Position(segment.number + 1, 0), JournalFailed())
            raise
        self._synced = position
        self._serve(position, None)

    def _write_back(self, current: Segment) -> None:
        current.sync()  # First: while this runs it may be retired as well, and is closed below.
        if not self._retired:
            return
        while self._retired:
            segment = self._retired.popleft()
            try:
                segment.sync()
            finally:
                segment.close()
        sync_folder(self._folder)

    def _serve(self, position: Position, failure: JournalFailed | None) -> None:
        served = [answer for wanted, answer in self._waiting if wanted <= position]
        self._waiting = [each for each in self._waiting if each[0] > position]
        for answer in served:
            if answer.done():
                continue
            if failure is None:
                answer.set_result(None)
            else:
                answer.set_exception(failure)
