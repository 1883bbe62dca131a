"""The data plane's goals, one after another: ``python -m bench.goals``. Takes about two minutes on two cores.

The gateway runs its full road alone on core 0; its callers and its upstream share core 1, which is the limit of some of
these figures. Peers and nginx are `python -m bench`'s.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from bench.bank import say
from bench.load import percentile
from bench.measure import Plan, drive, request_file
from bench.paced import Heard, Listener, Pace, Upstream
from bench.process import Running, free_port, pinned, running
from bench.subjects import LOAD_CORE, Bench, Subject, clinx, install, running_stub, wrk

STREAMS = 500
PER_SECOND = 50
LARGE = 100_000
"""Characters of the large prompt."""


def main() -> int:
    """Measure all, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m bench.goals", description=__doc__)
    parser.add_argument("goals", nargs="*", metavar="GOAL", help=f"of {', '.join(GOALS)}")
    parser.add_argument("--seconds", type=float, default=10, help="length of each load")
    options = parser.parse_args()
    for name in options.goals or GOALS:
        for line in GOALS[name](options.seconds):
            print(line, flush=True)
    return 0


@contextmanager
def _gateway() -> Generator[tuple[Subject, int, Path]]:
    with tempfile.TemporaryDirectory(prefix="clinx-bench-") as folder, running_stub(LOAD_CORE, Path(folder)) as stub:
        bench = Bench(stub, Path(folder), pin=True)
        with clinx(bench) as subject:
            yield subject, stub, Path(folder)


def whole(seconds: float) -> Iterator[str]:
    """Requests a second, for prompts of 1 and of 100 KB."""
    with _gateway() as (subject, _, room):
        small = request_file(subject.headers, room / "small", stream=False)
        large = request_file(subject.headers, room / "large", stream=False, characters=LARGE)
        plan = Plan(seconds, 16, 0, wrk() or "own", pin=True)
        drive(plan, subject.port, small, connections=64, seconds=5)
        for name, file, connections in (("1 KB", small, 16), ("1 KB", small, 64), ("100 KB", large, 16)):
            busy = _cpu(subject)
            found = drive(plan, subject.port, file, connections=connections, seconds=seconds)
            cpu = (_cpu(subject) - busy) / max(found.requests, 1) * 1e6
            yield (
                f"{name}, {connections} connections: {found.per_second:,.0f} requests/s, {cpu:.0f} us CPU each, "
                f"{found.failures} failed"
            )


def latency(seconds: float) -> Iterator[str]:
    """What the gateway adds at 16 connections and half of what it can do."""
    with _gateway() as (subject, stub, room):
        file = request_file(subject.headers, room / "small", stream=False)
        plan = Plan(seconds, 16, 0, wrk() or "own", pin=True)
        drive(plan, subject.port, file, connections=16, seconds=5)
        most = drive(plan, subject.port, file, connections=16, seconds=seconds).per_second
        with pinned(LOAD_CORE):
            through = uvloop.run(_paced_calls(subject.port, file.read_bytes(), most / 2, seconds))
            direct = uvloop.run(_paced_calls(stub, file.read_bytes(), most / 2, seconds))
        yield (
            f"added at {most / 2:,.0f} requests/s, 16 connections: "
            f"p50 {percentile(through, 50) - percentile(direct, 50):.2f} ms, "
            f"p99 {percentile(through, 99) - percentile(direct, 99):.2f} ms"
        )


async def _paced_calls(port: int, request: bytes, rate: float, seconds: float) -> list[float]:
    """Ask on 16 connections in turn, each time when it is due or as soon as its last answer is there."""
    took: list[float] = []
    connections = 16

    async def ask(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        loop = asyncio.get_running_loop()
        due, end = loop.time() + number / rate, loop.time() + seconds
        while (now := loop.time()) < end:
            if due > now:
                await asyncio.sleep(due - now)
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            took.append(time.perf_counter() - began)
            due = max(due + connections / rate, loop.time() - 1)
        writer.close()

    await asyncio.gather(*(ask(number) for number in range(connections)))
    return took


def streams(seconds: float) -> Iterator[str]:
    """Many streams at the pace of a model."""
    pace = Pace(1 / PER_SECOND, round(seconds * PER_SECOND))

    async def listen(subject: Subject, ask: Ask) -> str:
        await _all(await ask(STREAMS, 2.0, Heard()))  # Warm: connections to the upstream are there.
        heard, busy, began = Heard(), _cpu(subject), time.perf_counter()
        await _all(await ask(STREAMS, 2.0, heard))
        cpu = (_cpu(subject) - busy) / max(len(heard.under_way), 1) * 1e6
        late = sum(1 for each in heard.under_way if each > 1 / PER_SECOND)
        return (
            f"{STREAMS} streams, {PER_SECOND} events/s each, {time.perf_counter() - began:.0f} s: {cpu:.1f} us CPU an "
            f"event; under way p50 {percentile(heard.under_way, 50):.1f} ms, p99 {percentile(heard.under_way, 99):.1f} "
            f"ms, {late} of {len(heard.under_way)} later than the next; first event p50 "
            f"{percentile(heard.first, 50):.1f} ms, p99 {percentile(heard.first, 99):.1f} ms; {heard.failures} failed"
        )

    yield _with_streams(pace, listen)


def idle(_: float) -> Iterator[str]:
    """Memory of streams that only wait."""
    pace = Pace(0, 1)

    async def hold(subject: Subject, ask: Ask) -> str:
        await once(subject, ask)  # What the first ones leave behind is not theirs alone.
        return await once(subject, ask)

    async def once(subject: Subject, ask: Ask) -> str:
        pace.ending.clear()
        before, heard = _resident(subject), Heard()
        waiting = await ask(STREAMS, 1.0, heard)
        await asyncio.gather(*(each.begun for each in waiting))
        taken = _resident(subject) - before
        pace.ending.set()
        await _all(waiting)
        return f"{STREAMS} streams that wait: {taken * 1024 / STREAMS:.1f} KB each, {heard.failures} failed"

    yield _with_streams(pace, hold)


def workers(seconds: float) -> Iterator[str]:
    """What two workers do with their CPU, beside one: on two cores their callers leave them no room to show it.

    Needs a PostgreSQL server where databases may be made, in CLINX_BENCH_POSTGRES_URL.
    """
    server = os.environ.get("CLINX_BENCH_POSTGRES_URL", "")
    if not server:
        yield "two workers: not measured without CLINX_BENCH_POSTGRES_URL"
        return
    cost = [_cost_of_workers(server, number, seconds) for number in (1, 2)]
    yield (
        f"one worker: {cost[0]:.0f} us CPU a request, two: {cost[1]:.0f}: "
        f"two cores of their own carry {2 * cost[0] / cost[1]:.2f} times what one does"
    )


def _cost_of_workers(server: str, number: int, seconds: float) -> float:
    with tempfile.TemporaryDirectory(prefix="clinx-bench-") as folder, _database(server) as url:
        room = Path(folder)
        with running_stub(None, room) as stub:
            bench = Bench(stub, room, pin=False)
            installed = install(bench, {"CLINX_DATABASE_URL": url})
            port = free_port()
            command = [*installed.serve, "--port", str(port), "--workers", str(number)]
            with running(command, core=None, room=installed.room, env=installed.env) as process:
                process.wait_for_port(port, 60)
                file = request_file(installed.headers, room / "small", stream=False)
                plan = Plan(seconds, 64, 0, wrk() or "own", pin=False)
                drive(plan, port, file, connections=64, seconds=5)
                busy = process.cpu_seconds()
                found = drive(plan, port, file, connections=64, seconds=seconds)
                return (process.cpu_seconds() - busy) / found.requests * 1e6


@contextmanager
def _database(server: str) -> Generator[str]:
    """Make a database on a server, and drop it."""
    name = f"clinx_bench_{os.getpid()}"
    asyncio.run(say(server, f"CREATE DATABASE {name}"))
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        asyncio.run(say(server, f"DROP DATABASE {name} WITH (FORCE)"))


Ask = Callable[[int, float, Heard], Awaitable[list[Listener]]]
"""Begins some streams, evenly over some seconds."""


def _with_streams(pace: Pace, work: Callable[[Subject, Ask], Awaitable[str]]) -> str:
    with tempfile.TemporaryDirectory(prefix="clinx-bench-") as folder:
        bench = Bench(free_port(), Path(folder), pin=True)
        with clinx(bench) as subject, pinned(LOAD_CORE):
            request = request_file(subject.headers, Path(folder) / "stream", stream=True).read_bytes()

            async def run() -> str:
                loop = asyncio.get_running_loop()
                await loop.create_server(lambda: Upstream(pace), "127.0.0.1", bench.stub_port, backlog=1024)

                async def ask(number: int, over: float, heard: Heard) -> list[Listener]:
                    made, began = list[Listener](), loop.time()
                    for index in range(number):
                        await asyncio.sleep(max(0.0, began + over * index / number - loop.time()))
                        address = ("127.0.0.1", subject.port)
                        made.append((await loop.create_connection(lambda: Listener(request, heard), *address))[1])
                    return made

                return await work(subject, ask)

            return uvloop.run(run())


async def _all(listeners: list[Listener]) -> None:
    await asyncio.gather(*(each.done for each in listeners))


def _process(subject: Subject) -> Running:
    assert subject.process is not None  # noqa: S101  (the gateway is one)
    return subject.process


def _cpu(subject: Subject) -> float:
    return _process(subject).cpu_seconds()


def _resident(subject: Subject) -> float:
    return _process(subject).resident_mib()


GOALS: dict[str, Callable[[float], Iterator[str]]] = {
    "whole": whole,
    "latency": latency,
    "streams": streams,
    "idle": idle,
    "workers": workers,
}

if __name__ == "__main__":
    sys.exit(main())
