"""A subject's process: started on one core, read from /proc, ended with everything it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 5.0
"""Seconds between asking a process to end and ending it."""


class DidNotStartError(Exception):
    """A subject ended, or said nothing, instead of listening; the message has the end of its output."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process with its descendants."""

    popen: subprocess.Popen[bytes]
    log: Path

    def cpu_seconds(self) -> float:
        """CPU used so far by the living processes, user and system."""
        return sum(_cpu_ticks(pid) for pid in self._family()) / _TICKS

    def resident_mib(self) -> float:
        """Memory resident now, in MiB."""
        return sum(_resident_kib(pid) for pid in self._family()) / 1024

    def tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def wait_for_port(self, port: int, seconds: float) -> None:
        """Wait until somebody listens.

        Raises:
            DidNotStartError: it ended, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.popen.poll() is not None:
                raise DidNotStartError(f"ended with {self.popen.returncode}: {self.tail()}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise DidNotStartError(f"nothing listens on port {port} after {seconds:.0f} s: {self.tail()}")

    def _family(self) -> list[int]:
        parents = dict(_parents())
        family = [self.popen.pid]
        for pid in family:
            family.extend(child for child, parent in parents.items() if parent == pid)
        return family


@contextmanager
def running(
    command: Sequence[str], *, core: int | None, room: Path, env: Mapping[str, str] | None = None
) -> Generator[Running]:
    """Start a command in ``room``, on one core when given; end it and its children when the block ends."""
    log = room / "output.log"
    with log.open("wb") as output, pinned(core):
        popen = subprocess.Popen(
            command,
            cwd=room,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Running(popen, log)
    finally:
        _end(popen)


@contextmanager
def pinned(core: int | None) -> Generator[None]:
    """Run on one core inside the block; what is started there stays on it."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _end(popen: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(popen.pid, sign)
            popen.wait(_PATIENCE)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    popen.wait()


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        if fields := _stat(path):
            yield int(path.parent.name), int(fields[1])


def _cpu_ticks(pid: int) -> int:
    fields = _stat(Path(f"/proc/{pid}/stat"))
    return int(fields[11]) + int(fields[12]) if fields else 0


def _stat(path: Path) -> list[str]:
    """The fields after the command's name (which may hold anything); empty when the process is gone."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _resident_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)
