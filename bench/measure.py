"""One subject under load: whole answers on many connections, then on one, then streams."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.load import Figures
from bench.process import pinned
from bench.subjects import LOAD_CORE, MODEL, REPOSITORY, Subject

PROMPT_CHARACTERS = 1000
WARM_UP = 2.0
"""Seconds of load before anything is measured."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How hard and how long."""

    seconds: float
    connections: int
    streams: int
    client: str
    """``wrk``'s path, or ``own``; streams are always driven by our own client."""
    pin: bool

    @property
    def core(self) -> int | None:
        """The core of the client and the stub."""
        return LOAD_CORE if self.pin else None


@dataclass(frozen=True, slots=True)
class Measured:
    """What one subject did."""

    name: str
    version: str
    road: str
    busy: Figures
    """Whole answers, all connections."""
    alone: Figures
    """Whole answers, one connection: latency without queueing."""
    streams: Figures
    cpu_us_per_request: float | None
    cpu_us_per_event: float | None
    resident_mib: float | None


class RefusedError(Exception):
    """The subject did not answer whole requests with 200."""


def measure(subject: Subject, plan: Plan, room: Path) -> Measured:
    """Warm up, then drive the three loads in turn.

    Raises:
        RefusedError: whole answers failed; failing streams are reported in the figures instead.
    """
    whole = request_file(subject.headers, room / f"{subject.name}.whole", stream=False)
    stream = request_file(subject.headers, room / f"{subject.name}.stream", stream=True)
    drive(plan, subject.port, whole, connections=plan.connections, seconds=WARM_UP)
    before = _cpu(subject)
    busy = drive(plan, subject.port, whole, connections=plan.connections, seconds=plan.seconds)
    spent = _cpu(subject) - before
    if busy.failures:
        raise RefusedError(f"{subject.name}: {busy.failures} of {busy.requests} failed: {busy.complaint}")
    alone = drive(plan, subject.port, whole, connections=1, seconds=plan.seconds / 2)
    before = _cpu(subject)
    streams = _own(plan, subject.port, stream, connections=plan.streams, seconds=plan.seconds)
    stream_spent = _cpu(subject) - before
    running = subject.process is not None
    return Measured(
        subject.name,
        subject.version,
        subject.road,
        busy,
        alone,
        streams,
        cpu_us_per_request=spent / busy.requests * 1e6 if running and busy.requests else None,
        cpu_us_per_event=stream_spent / streams.events * 1e6 if running and streams.events else None,
        resident_mib=subject.process.resident_mib() if subject.process else None,
    )


def _cpu(subject: Subject) -> float:
    return subject.process.cpu_seconds() if subject.process else 0.0


def request_file(headers: Mapping[str, str], path: Path, *, stream: bool, characters: int = PROMPT_CHARACTERS) -> Path:
    """Write the bytes of one chat request."""
    asked = {
        "model": MODEL,
        "messages": [{"role": "user", "content": ("what does the ledger say? " * (characters // 25))[:characters]}],
        "max_tokens": 200,
    }
    body = json.dumps({**asked, "stream": True} if stream else asked).encode()
    sent = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        **headers,
        "Content-Length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    path.write_bytes(f"POST /v1/chat/completions HTTP/1.1\r\n{lines}\r\n".encode() + body)
    return path


def drive(plan: Plan, port: int, request: Path, *, connections: int, seconds: float) -> Figures:
    """Ask on so many connections for so long."""
    client = _own if plan.client == "own" else _wrk
    return client(plan, port, request, connections=connections, seconds=seconds)


def _own(plan: Plan, port: int, request: Path, *, connections: int, seconds: float) -> Figures:
    command = [sys.executable, "-m", "bench.load", str(port), str(request)]
    printed = _run([*command, "--connections", str(connections), "--seconds", str(seconds)], plan, seconds)
    return Figures(**json.loads(printed))


def _wrk(plan: Plan, port: int, request: Path, *, connections: int, seconds: float) -> Figures:
    script = request.with_suffix(".lua")
    script.write_text(_LUA % json.dumps(str(request)), encoding="utf-8")
    duration = f"{max(1, round(seconds))}s"
    command = [plan.client, "-t", "1", "-c", str(connections), "-d", duration, "-s", str(script)]
    printed = _run([*command, f"http://127.0.0.1:{port}"], plan, seconds)
    return Figures(**json.loads(printed.splitlines()[-1]))


def _run(command: list[str], plan: Plan, seconds: float) -> str:
    with pinned(plan.core):
        done = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=seconds + 90
        )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")
    return done.stdout


_LUA = """\
local file = io.open(%s, "rb")
local whole = file:read("*a")
file:close()
request = function() return whole end
done = function(summary, latency, _)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format(
    '\\n{"requests": %%d, "failures": %%d, "seconds": %%f, "p50": %%f, "p99": %%f}\\n',
    summary.requests - errors.status, failures, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""
