"""What the console's reading costs: ``python -m bench.console [ROWS]``, on SQLite in a temporary folder.

First what a batch of the ledger pays for dashboards; then pages of a request log of a million rows, and reports over
three months, of a gateway with a thousand users.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from clinx.billing.usage_report import Question, report
from clinx.domain.console import Keep
from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt, RequestLog
from clinx.domain.rollup import Facet
from clinx.domain.usage import Usage
from clinx.storage import rollups, search
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from clinx.storage.program import Program, execute
from clinx.storage.search import Filter, Place

ROWS = 1_000_000
NOW = datetime(2030, 4, 1, tzinfo=UTC)
DAYS = 90
USERS = 1_000
BATCHES, BATCH = 50, 100

LOG = RequestLog(
    id="", at=NOW, revision="r1", dialect="openai_chat", operation="chat", outcome="ok", status=200, user_id=1,
    token_id=1, group="default", model="gpt-4o", channel="main", upstream_model="gpt-4o-2024", upstream_id=None,
    stream=True, usage=Usage(input=1000, output=200), charge=Amount(5_000), quote=("1000 input at 2.5/1000000",),
    attempts=(Attempt("main", "0123abcd", "gpt-4o-2024", "ok", 200, 0.25),), seconds=2.5, first_byte_seconds=0.4,
    address="127.0.0.1",
)  # fmt: skip


async def _settling(database: Database, users: int) -> None:
    """What the rollups cost a batch, and what summing up costs beside it."""
    chance = random.Random(1)  # noqa: S311  (a workload)
    written = 0.0
    for number in range(BATCHES):
        at = NOW + timedelta(milliseconds=200 * number)
        logs = [_log(chance.randrange(users), f"{number}-{which}", at) for which in range(BATCH)]
        written += await database.atomically(_timed(rollups.append(logs)))
    started = time.process_time()
    while await rollups.fold(database):
        pass
    folded, count = time.process_time() - started, BATCHES * BATCH
    print(
        f"{BATCH} exchanges a batch, {users:,} users: {written / count * 1e6:.1f} us of the batch for each,"
        f" {folded / count * 1e6:.0f} us CPU to sum up"
    )


def _log(user: int, id_: str, at: datetime) -> RequestLog:
    return replace(
        LOG, id=id_, at=at, user_id=user + 1, token_id=user + 1, model=f"model-{user % 10}",
        channel=f"channel-{hash(id_) % 10}", group=f"group-{user % 3}",
    )  # fmt: skip


def _timed(program: Program[None]) -> Program[float]:
    started = time.perf_counter()
    yield from program
    return time.perf_counter() - started


async def fill(database: Database, rows: int) -> None:
    """Write a log of 90 days, and sums of as many: everything of everybody on each day."""
    step = DAYS * 86_400_000_000 // rows
    first = int((NOW - timedelta(days=DAYS)).timestamp()) * 1_000_000

    def logs() -> Program[None]:
        yield from execute(
            f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows - 1})"  # noqa: S608  (numbers)
            " INSERT INTO request_log (id, at, revision, dialect, operation, outcome, status, user_id, token_id,"
            ' "group", model, channel, upstream_model, upstream_id, stream, usage, charge, quote, attempts, seconds,'
            f" first_byte_seconds, address, asked_model) SELECT printf('req-%032x', i), {first} + i * {step}, 'r1',"
            " 'openai_chat', 'chat', CASE WHEN i % 500 = 0 THEN 'upstream_broken' WHEN i % 9973 = 0 THEN 'rare' ELSE"
            f" 'ok' END, 200, 1 + (i * 7919) % {USERS}, 1 + (i * 7919) % {3 * USERS}, 'group-' || (i % 5), 'model-' ||"
            " (i % 37), 'channel-' || (i % 41), 'gpt-4o-2024', printf('resp_%032x', i * 2654435761 % 4294967296),"
            ' true, \'{"input":1000,"output":200}\', 5000,'
            ' \'["1000 input at 2.5/1000000","200 output at 10/1000000"]\','
            ' \'[{"channel":"main","credential":"0123abcd","upstream_model":"gpt-4o-2024","outcome":"ok","status":200,'
            "\"seconds\":0.25}]', 2.5, 0.4, '127.0.0.1', 'gpt-4o' FROM n"
        )

    def sums(facet: str, names: int, whose: str) -> Program[None]:
        yield from execute(
            f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {names * DAYS - 1})"  # noqa: S608  (numbers)
            " INSERT INTO rollup (grain, start, user_id, facet, name, requests, charge, latency_5)"
            f" SELECT 'day', {first} + i / {names} * 86400000000, {whose}, '{facet}', '{facet}-' || (i % {names}), 10,"
            f" (i % {names}) * 1000, 10 FROM n"
        )

    await database.atomically(logs())
    for facet, names in (("total", 1), ("model", 37), ("channel", 41), ("group", 5), ("user", USERS), ("token", USERS)):
        await database.atomically(sums(facet, names, "0"))
    await database.atomically(sums("model", 20 * 50, "1 + i % 50"))


async def _median(call: Callable[[], Awaitable[Sequence[Any]]], times: int = 15) -> tuple[float, int]:
    spent: list[float] = []
    found = 0
    for _ in range(times):
        started = time.perf_counter()
        found = len(await call())
        spent.append((time.perf_counter() - started) * 1000)
    return sorted(spent)[times // 2], found


async def _pages(database: Database) -> None:
    everything = Filter(NOW - timedelta(days=DAYS), NOW)
    middle = Place(NOW - timedelta(days=DAYS / 2), "")
    filters: dict[str, Filter] = {
        "everything": everything,
        "a user": changed(everything, user_id=17),
        "a token": changed(everything, token_id=17),
        "a model": changed(everything, model="model-3"),
        "a channel": changed(everything, channel="channel-3"),
        "a group": changed(everything, group="group-3"),
        "failures": changed(everything, failed=True),
        "a rare outcome": changed(everything, outcome="rare"),
        "an outcome that never was": changed(everything, outcome="never"),
        "a user and a model": changed(everything, user_id=17, model="model-3"),
        "an upstream's id": changed(everything, upstream_id="resp_" + "0" * 31 + "0"),
        "an id": changed(everything, id=f"req-{500_000:032x}"),
    }
    for name, wanted in filters.items():
        first, found = await _median(lambda wanted=wanted: search.search(database, wanted))
        later, _ = await _median(lambda wanted=wanted: search.search(database, wanted, after=middle))
        print(f"page of {name}: {first:.1f} ms ({found} logs), from the middle on {later:.1f} ms")


async def _reports(database: Database) -> None:
    for name, by, user_id in (
        ("the total", Facet.TOTAL, None),
        ("models", Facet.MODEL, None),
        ("users", Facet.USER, None),
        ("a user's models", Facet.MODEL, 7),
    ):
        question = Question(NOW - timedelta(days=DAYS), NOW, by=by, user_id=user_id)

        async def ask(question: Question = question) -> Sequence[Any]:
            return (await report(database, question, now=NOW, keep=Keep())).points

        spent, found = await _median(ask)
        print(f"report of {name} over {DAYS} days: {spent:.1f} ms ({found} points)")


async def _run(folder: Path, rows: int) -> None:
    for users in (5, 100, USERS):
        url = f"sqlite:///{folder / f'batches-{users}.db'}"
        await migrate(url)
        database = await Database.connect(url)
        await _settling(database, users)
        await database.close()
    url = f"sqlite:///{folder / 'console.db'}"
    await migrate(url)
    database = await Database.connect(url)
    started = time.perf_counter()
    await fill(database, rows)
    print(f"{rows:,} logs written in {time.perf_counter() - started:.0f} s")
    await _pages(database)
    await _reports(database)
    await database.close()


def main() -> None:
    """Measure, and print a line for each figure."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(Path(folder), rows))


if __name__ == "__main__":
    main()
