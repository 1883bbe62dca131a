"""Streams that come at the pace of a model, and who listens to them: both ends in one process, so in one clock.

Every event says when it was written; who receives it knows how long it was under way. An upstream that was asked to be
silent writes one event and then nothing until it is told to end: what a stream costs that only waits.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

from bench.stub import END, HEAD, REPORT, content_length, event

_STAMP = re.compile(rb'"content":"(\d+\.\d+) ?"')
_REFUSED = 400
_FINISH = event({"choices": [{"index": 0, "delta": dict[str, object](), "finish_reason": "stop"}]})


@dataclass(slots=True)
class Pace:
    """How streams run."""

    interval: float
    """Seconds from one event to the next; 0: one event, and then silence."""
    events: int
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Ends those that are silent."""


class Upstream(asyncio.Protocol):
    """One connection of the gateway's."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or len(self._buffer) < end + 4 + content_length(self._buffer[:end]):
            return
        self._buffer = b""
        self._transport.write(HEAD)
        self._next(asyncio.get_running_loop().time(), self._pace.events)

    def _next(self, due: float, left: int) -> None:
        if self._transport.is_closing():
            return
        loop, pace = asyncio.get_running_loop(), self._pace
        if left:
            delta: dict[str, object] = {"content": f"{perf_counter():.7f} "}
            self._transport.write(event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}))
        if left and pace.interval:
            loop.call_at(due + pace.interval, self._next, due + pace.interval, left - 1)
        elif left:
            self._silence = loop.create_task(self._wait())
        else:
            self._end()

    async def _wait(self) -> None:
        await self._pace.ending.wait()
        self._end()

    def _end(self) -> None:
        self._transport.write(_FINISH + REPORT + END)


@dataclass(slots=True)
class Heard:
    """What all who listen have heard; seconds."""

    first: list[float] = field(default_factory=list[float])
    """From the request to the first event."""
    under_way: list[float] = field(default_factory=list[float])
    """From an event's writing to its arrival."""
    failures: int = 0
    complaint: str = ""


class Listener(asyncio.Protocol):
    """Asks once and listens to the end."""

    def __init__(self, request: bytes, heard: Heard) -> None:
        self._request, self._heard = request, heard
        self._rest = b""
        self._started = 0.0
        self._begun = False
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        """Done when the first event is there."""
        self.done: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._started = perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        seen = self._rest + data
        cut = seen.rfind(b"\n\n") + 2 if b"\n\n" in seen else 0
        whole, self._rest = seen[:cut], seen[cut:]
        stamps = _STAMP.findall(whole)
        if stamps and not self.begun.done():
            self._heard.first.append(now - self._started)
            self.begun.set_result(None)
        self._heard.under_way += [now - float(stamp) for stamp in stamps]
        if not self.begun.done() and int(seen[9:12] or b"0") >= _REFUSED:
            self._close(seen[:300].decode(errors="replace"))
        elif b"data: [DONE]" in whole:
            self._close("")

    def connection_lost(self, exc: Exception | None) -> None:
        self._close(f"connection lost: {exc}")

    def _close(self, complaint: str) -> None:
        if self.done.done():
            return
        if complaint:
            self._heard.failures += 1
            self._heard.complaint = self._heard.complaint or complaint
        for each in (self.begun, self.done):
            if not each.done():
                each.set_result(None)
        self._transport.close()
