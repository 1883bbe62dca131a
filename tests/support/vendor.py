"""A vendor that keeps its own bill: what the ledger is compared with after processes were killed.

It speaks lines over TCP. ``ask ID`` begins a call; then it says ``part NANO`` (what the call has cost so far), again
and again, each answered by ``seen ID NANO`` or ``cut ID NANO`` (no more than that), and in the end ``done NANO`` or
``failed``. The caller says ``ack ID`` once that is written down.

An id says what the call holds and what it costs if its process dies, so that a hold that never reached the vendor can
be judged as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from clinx.domain.ledger import Unresolved

DEADLINE = 60.0
"""Seconds until a test that waits for calls that never come fails."""
SLOW = 40
"""A slow call lasts until so many others were asked for: many are in flight whenever somebody is killed."""
MOST_SLOW = 6


@dataclass(frozen=True)
class Terms:
    """What a call holds: in nano-units."""

    unresolved: Unresolved
    amount: int
    """Of the hold while it can be raised."""
    whole: int
    """Of the hold where it cannot; what it is raised to."""
    floor: int

    def name(self, unique: str) -> str:
        return f"{self.unresolved}-{self.amount}-{self.whole}-{self.floor}-{unique}"

    @classmethod
    def of(cls, id_: str) -> Terms:
        unresolved, amount, whole, floor, _ = id_.split("-")
        return cls(Unresolved(unresolved), int(amount), int(whole), int(floor))

    def may_cost(self, parts: tuple[int, ...] = (), seen: int = 0) -> set[int]:
        """What the call may be charged if its process died when ``seen`` had surely been written down."""
        match self.unresolved:
            case Unresolved.VOID:
                return {0}
            case Unresolved.HOLD:
                return {self.amount, self.whole}
            case Unresolved.METERED:
                return {max(self.floor, part) for part in (0, *parts) if part >= seen}


@dataclass
class Call:
    """A line of the bill."""

    cost: int | None
    """None when the vendor failed, and wants nothing."""
    parts: tuple[int, ...]
    """What it said so far that it costs."""
    seen: int = 0
    """What the caller had surely written down of that."""
    said: bool = False
    """Whether the end was told."""
    acknowledged: bool = False


@dataclass
class Vendor:
    """Serves calls and remembers every one."""

    draw: Random
    bill: dict[str, Call] = field(default_factory=dict)
    port: int = 0
    acknowledged: int = 0
    patient: bool = True
    """Whether some calls last long."""
    _slow: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Vendor]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            await self.hurry()
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            await server.wait_closed()

    async def hurry(self) -> None:
        """End what is slow."""
        self.patient = False
        await self._notify()

    async def until_acknowledged(self, count: int) -> None:
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: self.acknowledged >= count)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError):
                while (line := (await reader.readline()).decode()).endswith("\n"):
                    word, id_ = line.split()
                    if word == "ask":
                        await self._call(id_, reader, writer)
                    else:
                        await self._acknowledge(id_)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _acknowledge(self, id_: str) -> None:
        call = self.bill[id_]
        assert call.said
        assert not call.acknowledged
        call.acknowledged = True
        self.acknowledged += 1
        await self._notify()

    async def _call(self, id_: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert id_ not in self.bill, "asked twice"
        terms, draw = Terms.of(id_), self.draw
        cost = 0 if draw.random() < 0.05 else draw.randint(terms.floor, terms.whole)
        call = self.bill[id_] = Call(cost, ())
        await self._notify()
        if cost > terms.amount or draw.random() < 0.4:
            cost = await self._stream(id_, cost, reader, writer)
        if draw.random() < 0.3:
            await self._be_slow()
        call.cost = None if draw.random() < 0.1 else cost
        call.said = True
        writer.write(b"failed\n" if call.cost is None else f"done {call.cost}\n".encode())
        await writer.drain()

    async def _stream(self, id_: str, cost: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """Say what it costs so far, until that is all or the caller has enough."""
        call = self.bill[id_]
        for part in sorted({cost * step // 4 for step in range(1, 5)}):
            call.parts = (*call.parts, part)
            writer.write(f"part {part}\n".encode())
            await writer.drain()
            answer = (await reader.readline()).decode().split()
            if len(answer) != 3:
                raise ConnectionResetError
            word, about, nano = answer
            assert about == id_
            if word == "cut":
                return int(nano)
            call.seen = int(nano)
            if self.draw.random() < 0.1:
                await self._be_slow()
        return cost

    async def _be_slow(self) -> None:
        if self._slow >= MOST_SLOW:
            return
        until = len(self.bill) + SLOW
        self._slow += 1
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.bill) >= until or not self.patient)
        self._slow -= 1
