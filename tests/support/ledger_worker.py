"""Processes that spend: each is a life of a treasury of its own, killed by the test whenever it likes.

    python -m support.ledger_worker

It reads orders, one a line: to begin a process with a task, to send one a signal. It answers ``born PID`` in the order
of the tasks, and ``dead PID CODE``. They are forked from one that has imported everything, so each begins within
milliseconds. A worker writes log lines of warnings to a file, and ends in an orderly way at SIGTERM.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import select
import signal
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import ClassVar, TypeVar
from unittest.mock import patch

import msgspec

from clinx.billing.cashier import Cashier, Wanted
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.writer import Journal
from clinx.billing.treasury import Means, Place, Treasury
from clinx.domain.identity import Principal, Role, Status, Token, User
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import ZERO, Amount
from clinx.domain.request_log import RequestLog
from clinx.domain.usage import Usage
from clinx.errors import BillingUnavailable, NotCovered
from clinx.storage.announcements import Listener
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict
from clinx.storage.program import Program
from clinx.telemetry.logs import configure
from clinx.telemetry.tasks import Supervisor
from support.vendor import Terms

T = TypeVar("T")
START = datetime(2030, 1, 1, tzinfo=UTC)
REFUSED = "refused"
SEGMENT = 32 << 10
"""Bytes of a segment: some dozen calls, so that many processes die with holds that were carried over."""
POLICIES = (Unresolved.METERED, Unresolved.METERED, Unresolved.HOLD, Unresolved.VOID)


class Spender(msgspec.Struct, frozen=True):
    """Somebody who calls."""

    user_id: int
    token_id: int
    budget: int | None
    """Of the token, in nano-units."""
    weight: int
    """How often it calls."""

    @property
    def principal(self) -> Principal:
        user = User(self.user_id, f"user-{self.user_id}", Role.USER, Status.ACTIVE, "default", START)
        budget = None if self.budget is None else Amount(self.budget)
        token = Token(self.token_id, self.user_id, "default", "sk-…", Status.ACTIVE, budget=budget)
        return Principal(user, token, "default")


class Doom(msgspec.Struct, frozen=True):
    """When a process kills itself: at its n-th transaction, before it, within it, or after its commit."""

    number: int
    when: str


class Task(msgspec.Struct, frozen=True):
    """What a worker is to do."""

    url: str
    folder: str
    port: int
    seed: int
    parallel: int
    spenders: list[Spender]
    doom: Doom | None = None
    said: str = "/dev/null"
    """The file it complains to."""


class Order(msgspec.Struct, frozen=True):
    """What the nursery is told: to begin a task, or to send a signal."""

    task: Task | None = None
    pid: int = 0
    number: int = 0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fatal(program: Program[T]) -> Program[T]:
    """The same program, but nobody lives to see what comes of its first step."""
    yield next(program)
    die()
    raise AssertionError


class Mortal(Database):
    """A database whose process dies of a transaction."""

    doom: ClassVar[Doom | None] = None
    _numbers: ClassVar = itertools.count(1)

    async def atomically(self, program: Program[T]) -> T:
        if self.doom is None or next(self._numbers) != self.doom.number:
            return await super().atomically(program)
        if self.doom.when == "before":
            die()
        if self.doom.when == "within":
            program = _fatal(program)
        result = await super().atomically(program)
        die()
        return result


class Worker:
    """Calls the vendor again and again, as fast as it goes."""

    def __init__(self, task: Task, cashier: Cashier, stopping: Callable[[], bool]) -> None:
        self.draw = Random(task.seed)
        self.principals = [spender.principal for spender in task.spenders]
        self.weights = [spender.weight for spender in task.spenders]
        self.port = task.port
        self.cashier = cashier
        self.stopping = stopping

    async def work(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while not self.stopping():
            (principal,) = self.draw.choices(self.principals, self.weights)
            await self._call(principal, reader, writer)
        writer.close()

    async def _call(self, principal: Principal, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        amount = self.draw.randint(1_000_000, 4_000_000)
        terms = Terms(self.draw.choice(POLICIES), amount, amount * 3 // 2, amount // 4)
        id_ = terms.name(secrets.token_hex(8))
        wanted = Wanted(
            id_,
            "r1",
            Amount(terms.amount),
            Amount(terms.whole),
            timedelta(hours=1),
            Amount(terms.floor),
            terms.unresolved,
        )
        try:
            held = await self.cashier.reserve(principal, wanted)
        except (NotCovered, BillingUnavailable):
            await self.cashier.record(_log(id_, principal, REFUSED))
            return
        writer.write(f"ask {id_}\n".encode())
        held, cost = await self._listen(held, terms, reader, writer)
        if cost is None:
            await self.cashier.release(held, log=_log(id_, principal, "failed"))
        else:
            await self.cashier.settle(held, Amount(cost), log=_log(id_, principal, "ok", Amount(cost)))
        writer.write(f"ack {id_}\n".encode())

    async def _listen(
        self, held: Reservation, terms: Terms, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[Reservation, int | None]:
        """Hear the call out; return the hold, which may have been raised, and what the vendor wants."""
        while True:
            word, *rest = (await reader.readline()).decode().split()
            if word == "failed":
                return held, None
            cost = int(rest[0])
            if word == "done":
                return held, cost
            if cost > held.amount.nano:
                raised = self.cashier.extend(held, Amount(terms.whole))
                if raised is None:
                    writer.write(f"cut {held.id} {held.amount.nano}\n".encode())
                    continue
                held = raised
            self.cashier.progress(held, Amount(cost), terms.unresolved)
            writer.write(f"seen {held.id} {cost}\n".encode())


def _log(id_: str, principal: Principal, outcome: str, charge: Amount = ZERO) -> RequestLog:
    return RequestLog(
        id=id_,
        at=datetime.now(UTC),
        revision="r1",
        dialect="openai_chat",
        operation="chat",
        outcome=outcome,
        status=200,
        user_id=principal.user.id,
        token_id=principal.token.id,
        group="default",
        model="m",
        channel="main",
        upstream_model="m",
        upstream_id=None,
        stream=False,
        usage=Usage(input=10, output=20),
        charge=charge,
        quote=(),
        attempts=(),
        seconds=0.25,
        first_byte_seconds=None,
        address=None,
    )


async def open_treasury(database: Database, supervisor: Supervisor, folder: Path, draw: Random) -> Treasury:
    """Open it as a gateway does, but through the contention of several processes on one SQLite file."""
    place = Place(folder, "test", Sync.GROUP)
    means = Means(lambda: datetime.now(UTC), time.monotonic_ns, draw, lambda: f"node_{secrets.token_hex(8)}")
    with patch.object(Journal, "open", partial(Journal.open, segment_size=SEGMENT)):
        while True:
            try:
                return await Treasury.open(database, supervisor, place, means)
            except StorageConflict:
                continue


async def run(task: Task) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    Mortal.doom = task.doom
    database, supervisor, draw = await Mortal.connect(task.url), Supervisor(), Random(task.seed)
    treasury = await open_treasury(database, supervisor, Path(task.folder), draw)
    listener = Listener(database, now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    supervisor.start(listener.run(treasury.leases.hear), name="announcements", endless=True)
    worker = Worker(task, treasury.cashier, stopping.is_set)
    await asyncio.gather(*(worker.work() for _ in range(task.parallel)))
    await stopping.wait()
    await treasury.close()
    await supervisor.close()
    await database.close()


class Nursery:
    """Begins processes, and hears of their ends. Whoever reads and writes here is the test."""

    def __init__(self) -> None:
        self.children: set[int] = set()
        self.wake, self.waking = os.pipe()

    def run(self) -> None:
        """Do what is ordered until nobody orders any more; then nobody lives."""
        os.set_blocking(self.waking, False)
        signal.set_wakeup_fd(self.waking)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        told = b""
        while True:
            ready, _, _ = select.select([0, self.wake], [], [])
            if self.wake in ready:
                os.read(self.wake, 4096)
            self._reap()
            if 0 in ready:
                if not (more := os.read(0, 65536)):
                    return self._end()
                *lines, told = (told + more).split(b"\n")
                for line in lines:
                    self._obey(msgspec.json.decode(line, type=Order))

    def _obey(self, order: Order) -> None:
        if order.task is not None:
            self._bear(order.task)
        elif order.pid in self.children:  # Not reaped, so the number is still its own.
            os.kill(order.pid, order.number)

    def _bear(self, task: Task) -> None:
        pid = os.fork()
        if pid == 0:
            self._live(task)
        self.children.add(pid)
        _say(f"born {pid}")

    def _live(self, task: Task) -> None:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(0, 1)
            os.dup2(os.open(task.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
            configure(style="json", level="warning")
            asyncio.run(run(task))
            code = 0
        except BaseException:  # noqa: BLE001  (a child must not go on as its parent)
            traceback.print_exc()
        finally:
            os._exit(code)

    def _reap(self) -> None:
        for pid in list(self.children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self.children.remove(pid)
                _say(f"dead {pid} {os.waitstatus_to_exitcode(status)}")

    def _end(self) -> None:
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    Nursery().run()
