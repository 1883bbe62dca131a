"""The client: keep-alive HTTP/1.1 on N connections for a while, each asking again as soon as it is answered.

    python -m bench.load PORT REQUEST --connections 16 --seconds 10

REQUEST is a file with the bytes of one whole request. Prints `Figures` as JSON. Events (``data: `` lines) are counted
as they pass, so streams are measured by the same client as whole answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import cast

import uvloop

_EVENT = b"data: "
_LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured; latencies in milliseconds."""

    requests: int
    """Answered with 200."""
    failures: int
    seconds: float
    p50: float
    p99: float
    events: int = 0
    first_event_p50: float = 0.0
    complaint: str = ""
    """The first answer that was no 200."""

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def events_per_second(self) -> float:
        """Events per second, over all streams."""
        return self.events / self.seconds


@dataclass(slots=True)
class Tally:
    """What the connections of one run count together; seconds."""

    deadline: float
    whole: list[float] = field(default_factory=list[float])
    first: list[float] = field(default_factory=list[float])
    events: int = 0
    failures: int = 0
    complaint: str = ""

    def fail(self, complaint: str) -> None:
        """Count a failure and keep the first complaint."""
        self.failures += 1
        self.complaint = self.complaint or complaint


@dataclass(slots=True)
class Answer:
    """How far the current answer has come."""

    started: float
    head: bytes = b""
    in_body: bool = False
    left: int | None = None
    """Bytes of the body still to come; None when it is chunked."""
    tail: bytes = b""
    events: int = 0
    ok: bool = False


class Caller(asyncio.Protocol):
    """One connection; ``done`` is resolved when the deadline has passed or the connection is lost."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request = request
        self._tally = tally
        self._answer = Answer(0.0)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._tally.fail(f"connection lost: {exc}")
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if not answer.in_body:
            answer.head += data
            head, separator, data = answer.head.partition(b"\r\n\r\n")
            if not separator:
                return
            self._read_head(head, data)
        self._read_body(data)

    def _ask(self) -> None:
        self._answer = Answer(perf_counter())
        self._transport.write(self._request)

    def _read_head(self, head: bytes, body: bytes) -> None:
        answer = self._answer
        answer.in_body = True
        answer.ok = head[9:12] == b"200"
        for line in head.lower().split(b"\r\n")[1:]:
            if line.startswith(b"content-length:"):
                answer.left = int(line.partition(b":")[2])
        if not answer.ok:
            self._tally.fail((head[:200] + b" " + body[:300]).decode(errors="replace"))

    def _read_body(self, data: bytes) -> None:
        answer = self._answer
        seen = answer.tail + data
        if events := seen.count(_EVENT):
            if not answer.events:
                self._tally.first.append(perf_counter() - answer.started)
            answer.events += events
        answer.tail = seen[-len(_LAST_CHUNK) :]
        if answer.left is not None:
            answer.left -= len(data)
        if answer.left == 0 or (answer.left is None and answer.tail == _LAST_CHUNK):
            self._answered()

    def _answered(self) -> None:
        answer, tally, now = self._answer, self._tally, perf_counter()
        tally.events += answer.events
        if answer.ok:
            tally.whole.append(now - answer.started)
        if now < tally.deadline:
            self._ask()
        else:
            self.done.set_result(None)
            self._transport.close()


async def drive(port: int, request: bytes, *, connections: int, seconds: float) -> Figures:
    """Ask on every connection until the time is over; answers under way are waited for."""
    started = perf_counter()
    tally = Tally(started + seconds)
    loop = asyncio.get_running_loop()
    callers: list[Caller] = []
    for _ in range(connections):
        _, caller = await loop.create_connection(lambda: Caller(request, tally), "127.0.0.1", port)
        callers.append(caller)
    async with asyncio.timeout(seconds + 60):
        await asyncio.gather(*(caller.done for caller in callers))
    return Figures(
        requests=len(tally.whole),
        failures=tally.failures,
        seconds=perf_counter() - started,
        p50=percentile(tally.whole, 50),
        p99=percentile(tally.whole, 99),
        events=tally.events,
        first_event_p50=percentile(tally.first, 50),
        complaint=tally.complaint,
    )


def percentile(seconds: list[float], percent: int) -> float:
    """Return the nearest-rank percentile, in milliseconds; 0 of nothing."""
    if not seconds:
        return 0.0
    ordered = sorted(seconds)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] * 1000


def main() -> None:
    """Read the arguments, drive, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("request", type=Path)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    figures = uvloop.run(
        drive(
            options.port,
            options.request.read_bytes(),
            connections=options.connections,
            seconds=options.seconds,
        )
    )
    print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
