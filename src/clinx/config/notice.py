"""Notices that something happened in the folders of a tree. What happened is decided by looking at content.

The operating system tells at once, but not always: it is blind after a folder was replaced and on some mounts. So
every wait also ends by itself after the poll time. Folders are watched, never files (a rename makes a watched file go
blind), and never recursively: databases, logs and virtual environments may live beside a tree.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType]  (one parameter names a trio type)

from clinx.telemetry.tasks import Supervisor

log = logging.getLogger("clinx.config")

_STEP_MS: Final = 50
_DEBOUNCE_MS: Final = 400


class Notifier:
    """Wakes the watcher early."""

    def __init__(self, folders: Callable[[], list[Path]], poll_seconds: float, supervisor: Supervisor) -> None:
        """Take what to watch; it is asked again whenever the identity of a folder changed."""
        self._folders = folders
        self._poll = poll_seconds
        self._supervisor = supervisor
        self._happened = asyncio.Event()
        self._stop = asyncio.Event()
        self._watched: frozenset[tuple[Path, int, int]] = frozenset()
        self._task: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when something may have changed, at the latest after the poll time."""
        self._restart_if_moved()
        try:
            async with asyncio.timeout(self._poll):
                await self._happened.wait()
        except TimeoutError:
            return
        self._happened.clear()

    def wake(self) -> None:
        """End the wait now."""
        self._happened.set()

    async def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    def _restart_if_moved(self) -> None:
        """Watch anew when a folder came, went or is another one: a watch stays with the folder it began with."""
        identities = _identities(self._folders())
        if identities == self._watched and self._task is not None and not self._task.done():
            return
        self._stop.set()
        self._stop = asyncio.Event()
        self._watched = identities
        if identities:
            paths = [path for path, _, _ in identities]
            self._task = self._supervisor.start(self._notify(paths, self._stop), name="watch the tree")

    async def _notify(self, paths: list[Path], stop: asyncio.Event) -> None:
        try:
            async for _ in awatch(
                *paths, watch_filter=None, recursive=False, step=_STEP_MS, debounce=_DEBOUNCE_MS, stop_event=stop
            ):
                self._happened.set()
        except (OSError, RuntimeError) as error:
            # A folder went away between two looks, or the system's limit of watches is reached: polling goes on.
            log.warning("config.watch_degraded", extra={"reason": str(error)})
            await stop.wait()


def _identities(paths: list[Path]) -> frozenset[tuple[Path, int, int]]:
    found: set[tuple[Path, int, int]] = set()
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        if path.is_dir():
            found.add((path, stat.st_dev, stat.st_ino))
    return frozenset(found)
