"""Workers of one state folder, killed and begun again: see `ledger_worker`, which they are."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from clinx.telemetry.tasks import Supervisor
from support.ledger_worker import Doom, Order, Task

TESTS = Path(__file__).parent.parent
MOMENTS: Final = ("before", "within", "after")
LAST_TRANSACTION = 40
"""Dooms are up to this one: opening a treasury takes about ten, then calls begin."""
DEADLINE = 60.0
"""Seconds until a test gives up on workers that do not end."""


class Life:
    """A process, until it ends."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.pid: asyncio.Future[int] = loop.create_future()
        self.code: asyncio.Future[int] = loop.create_future()


class Nursery:
    """The process that forks workers, as the test sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._unborn: deque[Life] = deque()
        self._living: dict[int, Life] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncGenerator[Nursery]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "support.ledger_worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}"},
        )
        nursery, supervisor = cls(process), Supervisor()
        listening = supervisor.start(nursery._listen(), name="nursery")
        try:
            yield nursery
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()
            await listening
            await supervisor.close()

    def begin(self, task: Task) -> Life:
        life = Life()
        self._unborn.append(life)
        self._order(Order(task))
        return life

    def send(self, life: Life, number: signal.Signals) -> None:
        if life.pid.done():
            self._order(Order(pid=life.pid.result(), number=number))

    def _order(self, order: Order) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := (await self._process.stdout.readline()).decode():
            word, pid, *code = line.split()
            if word == "born":
                life = self._living[int(pid)] = self._unborn.popleft()
                life.pid.set_result(int(pid))
            else:
                self._living.pop(int(pid)).code.set_result(int(code[0]))


@dataclass
class Worker:
    """A place where one process after another is begun, each as soon as the one before is dead."""

    nursery: Nursery
    task: Task
    dooms: list[Doom] = field(default_factory=list)
    lives: int = 0
    stopping: bool = False
    codes: set[int] = field(default_factory=set)
    life: Life | None = None

    async def live(self) -> None:
        while not self.stopping:
            self.lives += 1
            doom = self.dooms.pop(0) if self.dooms else None
            seed = self.task.seed + 1000 * self.lives
            self.life = self.nursery.begin(msgspec.structs.replace(self.task, seed=seed, doom=doom))
            await self.life.pid
            if self.stopping:  # It was told while this one was born.
                self._send(signal.SIGTERM)
            self.codes.add(await self.life.code)

    def kill(self, *dooms: Doom) -> None:
        """Kill whoever lives now; of those who follow, the first ones are doomed."""
        self.dooms += dooms
        self._send(signal.SIGKILL)

    def stop(self) -> None:
        """Let whoever lives now end in an orderly way; nobody follows."""
        self.stopping = True
        self._send(signal.SIGTERM)

    @property
    def complaints(self) -> list[str]:
        """Whatever it said that is more than a warning."""
        said = Path(self.task.said)
        lines = said.read_text().splitlines() if said.exists() else []
        return [line for line in lines if '"level":"warning"' not in line]

    def _send(self, number: signal.Signals) -> None:
        if self.life is not None:
            self.nursery.send(self.life, number)


@dataclass
class Town:
    """All workers of one state folder."""

    workers: list[Worker]

    @classmethod
    @asynccontextmanager
    async def open(cls, tasks: list[Task]) -> AsyncGenerator[Town]:
        """Let them work; in the end they stop in an orderly way, or are killed when the test failed."""
        supervisor = Supervisor()
        async with Nursery.open() as nursery:
            town = cls([Worker(nursery, task) for task in tasks])
            living = [supervisor.start(worker.live(), name="worker") for worker in town.workers]
            try:
                yield town
                for worker in town.workers:
                    worker.stop()
                async with asyncio.timeout(DEADLINE):
                    await asyncio.gather(*living)
            finally:
                for worker in town.workers:
                    worker.stopping = True
                    worker.kill()
                await supervisor.close()

    def strike(self, draw: Random) -> int:
        """Kill some, and doom some of those who follow; return how many were killed."""
        victims = draw.sample(self.workers, draw.choices((1, 2, len(self.workers)), (6, 2, 1))[0])
        for victim in victims:
            dooms = draw.choices((0, 1, 2), (6, 3, 1))[0]
            victim.kill(*(Doom(draw.randint(1, LAST_TRANSACTION), draw.choice(MOMENTS)) for _ in range(dooms)))
        return len(victims)

    @property
    def complaints(self) -> list[str]:
        return [line for worker in self.workers for line in worker.complaints]

    @property
    def codes(self) -> set[int]:
        return {code for worker in self.workers for code in worker.codes}
