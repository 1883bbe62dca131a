"""What the ledger alone carries: ``python -m bench.ledger [postgres://server/any]``.

A call is a hold and a settlement with its two entries and its log. Without a server everything is in SQLite files in a
temporary folder; on one, in databases of our own that are dropped afterwards. The journal is synced as by default.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import uvloop

from bench import calls, direct, restart, revival
from bench.bank import database_at, make_caller
from clinx.storage.database import Database

T = TypeVar("T")

PARTS = ("cost", "lag", "fastest", "recovery", "restart", "direct")
RATE = 2_000
SECONDS = 10.0
KILLS = 5


async def _cost(database: Database, folder: Path) -> None:
    for name, budget in (("", None), (", a token with a budget", "500000")):
        caller = await make_caller(database, budget=budget)
        found = await calls.cost(database, folder, caller)
        print(
            f"hold + settle{name}: {found.calling:.1f} us CPU of the caller, {found.behind:.1f} us behind it;"
            f" {len(found.waited)} of {found.calls:,} calls waited for the database,"
            f" the last of them was number {max(found.waited, default=0) + 1:,}"
        )


async def _lag(database: Database, folder: Path) -> None:
    lags = await calls.lag(database, folder, RATE, SECONDS)
    print(
        f"journal to ledger at {RATE:,} calls/s: p50 {lags.percentile(50):.0f} ms, p99 {lags.percentile(99):.0f} ms,"
        f" most {max(lags.seen):.0f} ms; {lags.waited} of {len(lags.seen):,} calls waited for the database"
    )


async def _fastest(database: Database, folder: Path) -> None:
    rate = await calls.fastest(database, folder, SECONDS)
    print(f"the shipper keeps up with {rate:,.0f} calls/s, made in the same process")


async def _recovery(database: Database, folder: Path) -> None:
    found = await revival.measure(database, folder)
    print(
        f"recovery of {found.records:,} records: serving after {found.opened:.2f} s, done after {found.recovered:.2f} s"
        f" ({found.cpu:.2f} s CPU)"
    )


async def _direct(database: Database, folder: Path) -> None:
    for connections in (1, 16, 64):
        rate = await direct.frozen(database, folder, connections)
        print(f"direct holds of one account, {connections} at once: {rate.per_second:,.0f}/s, {rate.cpu:.0f} us CPU")
    rate = await direct.poor(database, folder)
    print(f"direct holds of an account that pays for one at a time: {rate.per_second:,.0f}/s, {rate.cpu:.0f} us CPU")


PARTS_OF_A_DATABASE: dict[str, Callable[[Database, Path], Awaitable[None]]] = {
    "cost": _cost,
    "lag": _lag,
    "fastest": _fastest,
    "recovery": _recovery,
    "direct": _direct,
}


async def _measure(part: str, server: str | None, folder: Path) -> None:
    async with database_at(server, folder) as database:
        await PARTS_OF_A_DATABASE[part](database, folder)


def _restart(folder: Path) -> None:
    found = restart.measure(folder, KILLS)
    print(
        f"killed under load, first answer after {statistics.median(found):.2f} s (median of {len(found)},"
        f" {min(found):.2f} to {max(found):.2f})"
    )


def main() -> None:
    """Measure and print a line for each figure."""
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("server", nargs="?", help="a database URL of a PostgreSQL server; SQLite without")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    print(f"{'PostgreSQL' if options.server else 'SQLite'}; load average {os.getloadavg()[0]:.1f}", flush=True)
    for part in options.parts:
        with tempfile.TemporaryDirectory(prefix="clinx-bench-") as folder:
            if part != "restart":
                uvloop.run(_measure(part, options.server, Path(folder)))
            elif options.server is None:
                _restart(Path(folder))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
