"""`clinx serve --workers N`: one process that serves nothing and keeps N that do.

Each worker is a whole gateway of its own: its own loop, journal, leases and node, on a port that all of them share
(SO_REUSEPORT; the kernel deals connections out). A line between a worker and this process tells each of them about the
other: a worker says when it serves, and stops by itself when this process is gone, however that ended. A worker that
dies is started again, later each time it dies soon. When one cannot start in the first place, nothing is left running.

A tree that workers cannot serve is refused before any of them is started. SIGHUP makes them look at the tree one after
another, each when the one before has looked: compiling is work, and all at once would keep their callers waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from clinx.config.compile import compile_tree
from clinx.config.counted import uncounted
from clinx.config.diagnostics import ConfigError
from clinx.config.secrets import SecretResolver
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.relay.trials import verify
from clinx.settings import Settings, Worker
from clinx.storage.serving import is_shared

log = logging.getLogger("clinx.workers")

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 30.0
"""Seconds before a worker that died soon after its start is started again."""
SETTLED: Final = 60.0
"""Seconds after which a worker that dies did not die soon."""
LOOKED_SECONDS: Final = 10.0
"""How long one worker may look at the tree before the next is told to, whatever the first one says."""
READY: Final = b"r"
"""What a worker says when it serves."""
LOOKED: Final = b"l"
"""What it says when it has looked at the tree, as it was told to."""
LAST_GOOD: Final = "--last-good"
"""The option with which workers serve something over a broken tree."""


class CannotShare(Exception):
    """Several workers cannot serve what these settings name; the message says why."""


def lead(settings: Settings, options: Sequence[str], first: Sequence[str] = ()) -> int:
    """Serve with several workers until told to stop; return the exit code.

    ``options`` go to every worker's command line, ``first`` to the first one's alone, and only once.

    Raises:
        CannotShare: the database is for one process.
        ConfigError: the tree cannot be served, or not by several.
        OSError: the address is taken.
    """
    if not is_shared(settings.database):
        raise CannotShare(
            "several workers need PostgreSQL, for a SQLite file serves one process: set CLINX_DATABASE_URL"
            " to postgres://…, or serve with one worker"
        )
    if LAST_GOOD not in options:
        _look_at_the_tree(settings)
    with _reserved(settings.host, settings.port) as port, _folder() as folder:
        command = (sys.executable, "-m", "clinx", "serve", *options, "--port", str(port))
        return asyncio.run(Crew(command, settings.workers, folder, tuple(first)).run())


def _look_at_the_tree(settings: Settings) -> None:
    """Compile the tree, test it and forget it: what is wrong is said once, and no worker is started to find out.

    Raises:
        ConfigError: it cannot be served, or not by several.
    """
    prefixes = tuple(prefix.strip() for prefix in settings.env_prefixes.split(",") if prefix.strip())
    tree = read_tree(settings.root, default_tree())
    secrets = SecretResolver(os.environ, settings.root, prefixes)
    compiled = compile_tree(tree, secrets=secrets, dialects=DIALECTS, at=datetime.now(UTC))
    found = list(verify(compiled.snapshot, tree))
    if not settings.redis:
        found += uncounted(compiled.snapshot, settings.workers)
    if found:
        raise ConfigError((*compiled.diagnostics, *found))


@contextlib.contextmanager
def _reserved(host: str, port: int) -> Generator[int]:
    """Hold the port without listening, so that it stays ours while workers come and go.

    Raises:
        OSError: somebody else has it.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # Another gateway's port could be shared without anybody noticing: the first try is for the port alone.
    with socket.socket(family, kind, protocol) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind(address)
        held = alone.getsockname()
    with socket.socket(family, kind, protocol) as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(held)
        yield held[1]


@contextlib.contextmanager
def _folder() -> Generator[Path]:
    """Make a folder for the workers' sockets, which nobody else may enter."""
    folder = Path(tempfile.mkdtemp(prefix="clinx-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class Hand:
    """A worker's process, and what it has said."""

    process: asyncio.subprocess.Process
    serves: asyncio.Event = field(default_factory=asyncio.Event)
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def is_gone(self) -> None:
        """Let nobody wait for it."""
        self.serves.set()
        self.looked.set()

    async def look(self) -> None:
        """Make it look at the tree; return when it has, is gone, or takes too long.

        Before it serves it would not understand the signal, and may have read the tree as it was.
        """
        self.looked.clear()
        await self.serves.wait()
        self.tell(signal.SIGHUP)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOKED_SECONDS):
                await self.looked.wait()


@dataclass(slots=True)
class Crew:
    """The workers, and what they are told."""

    command: Sequence[str]
    count: int
    folder: Path
    first: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    _running: dict[int, Hand] = field(default_factory=dict[int, Hand])
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when all are to look at the tree."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _failed: bool = False

    async def run(self) -> int:
        """Start the workers, keep them until told to stop, and return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._changed.set)
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look_one_after_another())
            await self._keep_all()
            looking.cancel()
        return int(self._failed)

    async def _keep_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            # One alone brings the database up to date, and says what is wrong with the tree once and not N times.
            begun = asyncio.Event()
            group.create_task(self._keep(0, begun))
            await begun.wait()
            for index in range(1, self.count):
                group.create_task(self._keep(index, asyncio.Event()))

    async def _look_one_after_another(self) -> None:
        """Make every worker look at the tree, as often as that is asked for; one that is not there reads it anyway."""
        while await self._changed.wait():
            self._changed.clear()
            for index in range(self.count):
                if (hand := self._running.get(index)) is not None:
                    await hand.look()

    async def _keep(self, index: int, begun: asyncio.Event) -> None:
        """Run one worker, again and again; set ``begun`` when it serves for the first time, or never will."""
        loop, pause, is_first = asyncio.get_running_loop(), FIRST_PAUSE, index == 0
        try:
            while not self._stopping.is_set():
                since = loop.time()
                code = await self._run(index, begun, greets=is_first)
                if self._stopping.is_set():
                    return
                if not begun.is_set():
                    self._give_up(index, code)
                    return
                is_first = False
                pause = FIRST_PAUSE if loop.time() - since > SETTLED else min(2 * pause, LONGEST_PAUSE)
                log.error("worker.died", extra={"worker": index, "code": code, "again_in_seconds": pause})
                await self._pause(pause)
        finally:
            begun.set()

    async def _run(self, index: int, begun: asyncio.Event, *, greets: bool) -> int:
        """Run a worker once; return its exit code."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                worker = Worker(index, self.count, theirs.fileno(), greets, self.folder)
                process = await asyncio.create_subprocess_exec(
                    *self.command,
                    *(self.first if greets else ()),
                    env={**self.environment, **worker.told()},
                    pass_fds=(theirs.fileno(),),
                    # Ctrl-C reaches all of a terminal's group; workers hear of it from here, once.
                    start_new_session=True,
                )
            hand = self._running[index] = Hand(process)
            log.info("worker.started", extra={"worker": index, "pid": process.pid})
            if self._stopping.is_set():
                hand.tell(signal.SIGTERM)
            try:
                await self._hear(ours, index, begun)
                return await process.wait()
            finally:
                hand.is_gone()
                del self._running[index]

    async def _hear(self, line: socket.socket, index: int, begun: asyncio.Event) -> None:
        """Take what the worker says until it is gone."""
        line.setblocking(False)
        loop, hand = asyncio.get_running_loop(), self._running[index]
        with contextlib.suppress(ConnectionError):
            while said := await loop.sock_recv(line, 1):
                if said == READY:
                    log.info("worker.serves", extra={"worker": index})
                    begun.set()
                    hand.serves.set()
                elif said == LOOKED:
                    hand.looked.set()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _give_up(self, index: int, code: int) -> None:
        """Stop everything: a worker that never served will not the next time either."""
        log.error("worker.cannot_start", extra={"worker": index, "code": code})
        self._failed = True
        self._stop(signal.SIGTERM)

    def _stop(self, number: signal.Signals) -> None:
        """End everything in an orderly way; a second time, more quickly."""
        self._stopping.set()
        for hand in self._running.values():
            hand.tell(number)
