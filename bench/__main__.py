"""`python -m bench`: measure every subject in turn and print the table."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from bench import report
from bench.measure import Measured, Plan, RefusedError, measure
from bench.process import DidNotStartError
from bench.subjects import LOAD_CORE, Bench, chosen, running_stub, wrk


def main() -> int:
    """Run the benchmark; 1 when the gateway itself could not be measured."""
    options = _options()
    signal.signal(signal.SIGTERM, _leave)
    client = "own" if options.client == "own" else wrk() or "own"
    plan = Plan(options.seconds, options.connections, options.streams, client, pin=_cores() > LOAD_CORE)
    measured: list[Measured] = []
    notes: list[str] = []
    with _room(options.keep) as folder, running_stub(plan.core, folder) as port:
        bench = Bench(port, folder, pin=plan.pin)
        for name, opener in chosen(options.peers):
            print(f"measuring {name}", file=sys.stderr, flush=True)
            try:
                with opener(bench) as subject:
                    measured.append(measure(subject, plan, bench.room))
            except (DidNotStartError, RefusedError, RuntimeError) as error:
                notes.append(f"{name} was not measured: {' '.join(str(error).split())[-500:]}")
    notes += [
        f"{m.name}: {m.streams.failures} streams failed: {' '.join(m.streams.complaint.split())[:300]}"
        for m in measured
        if m.streams.failures
    ]
    print(report.write(measured, plan, notes))
    return 0 if any(m.name == report.SUBJECT for m in measured) else 1


@contextmanager
def _room(keep: Path | None) -> Generator[Path]:
    """Make the folder of the run; what is kept can be looked at, and replayed, afterwards."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="clinx-bench-") as folder:
            yield Path(folder)
        return
    keep.mkdir(parents=True)
    yield keep.resolve()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of each load")
    parser.add_argument("--connections", type=int, default=16, help="connections of the whole-answer load")
    parser.add_argument("--streams", type=int, default=32, help="streams at once")
    parser.add_argument("--peers", choices=["all", "none"], default="all", help="measure the installed peers too")
    parser.add_argument("--client", choices=["auto", "own"], default="auto", help="auto: wrk where it is installed")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this new folder, and leave it there")
    options = parser.parse_args()
    if options.keep is not None and options.keep.exists():
        parser.error(f"--keep {options.keep}: it is there already")
    return options


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(143)  # so that every block ends what it started


if __name__ == "__main__":
    sys.exit(main())
