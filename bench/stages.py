"""Where a request's time goes: ``python -m bench.stages``. Takes half a minute.

A whole gateway, its upstream and its caller run in this process and are looked at some hundred times a second of CPU;
what a look finds is put to the account of the innermost frame that belongs to a stage. Both ends of the bench are left
out; so is what other threads do, which the last line says in sum. The parts are of one process with warm caches: they
tell what is large, not what it costs in a gateway that is alone on its core (`python -m bench` does).
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import uvloop

from bench.regression import REQUESTS, drive, serving

STAGES = {
    "aiohttp": "server: parsing, the task's turns, writing (aiohttp)",
    "clinx/web": "server: our own part",
    "clinx/upstream": "upstream: the request, the socket, the answer",
    "clinx/dialects": "formats: envelope, usage, what is said",
    "clinx/accounts": "authentication",
    "clinx/policies": "rules",
    "clinx/routing": "plan, health",
    "clinx/domain": "price, money, usage",
    "clinx/billing": "hold, journal, settlement, shipping",
    "clinx/storage": "database",
    "clinx/telemetry": "log lines, figures",
    "clinx/relay": "the road itself",
}
EVERY = 0.001
"""Seconds of CPU between two looks; kernels may round it up."""


class Looks:
    """What was found, by stage."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.own = 0.0
        """Seconds of CPU of this thread."""

    def look(self, _: int, frame: FrameType | None) -> None:
        while frame is not None:
            name = frame.f_code.co_filename
            if "/bench/" in name:
                break
            if stage := next((stage for part, stage in STAGES.items() if f"/{part}/" in name), None):
                self.found[stage] += 1
                return
            frame = frame.f_back
        self.found[""] += 1


async def measure(folder: Path, rounds: int) -> tuple[Looks, float, int]:
    """Return what was found, the seconds of CPU of all threads, and how many requests those were."""
    looks = Looks()
    async with serving(folder) as (gateway, request):
        for _ in range(5):
            await drive(gateway, request, REQUESTS)
        gc.collect()
        gc.freeze()
        signal.signal(signal.SIGPROF, looks.look)
        busy, own = time.process_time(), time.thread_time()
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
        for _ in range(rounds):
            await drive(gateway, request, REQUESTS)
        signal.setitimer(signal.ITIMER_PROF, 0)
        looks.own = time.thread_time() - own
    return looks, time.process_time() - busy, rounds * REQUESTS


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.stages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300, help="how many, of a hundred requests each")
    options = parser.parse_args()
    assert threading.current_thread() is threading.main_thread()  # noqa: S101  (signals arrive there)
    with tempfile.TemporaryDirectory(prefix="clinx-bench-") as folder:
        looks, busy, requests = uvloop.run(measure(Path(folder), options.rounds))
    each = looks.own / looks.found.total() / requests * 1e6
    print(f"{requests:,} requests, {looks.found.total():,} looks; CPU us a request")
    for stage in STAGES.values():
        print(f"{looks.found[stage] * each:6.1f}  {stage}")
    print(f"{(busy - looks.own) / requests * 1e6:6.1f}  other threads: the ledger's batches, syncing")
    print(f"{looks.found[''] * each:6.1f}  (the bench's own two ends, and the event loop between all)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
