"""What the console's API costs: ``python -m bench.console_api [ROWS]``, on SQLite in a temporary folder.

Pages of a request log of a million rows with their users, tokens and channels, and reports over three months, each as
a whole operation: parsed, checked, executed and encoded. Then many who follow the log while it grows.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from bench.console import DAYS, LOG, NOW, ROWS, USERS, fill
from clinx.accounts import tokens, users
from clinx.accounts.keys import Keys
from clinx.accounts.sessions import Sessions, Visitor
from clinx.accounts.throttle import Throttle
from clinx.config.compile import compile_tree
from clinx.config.current import Current
from clinx.config.secrets import SecretResolver
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.domain.identity import Role, User
from clinx.graphql.context import Context, Viewer
from clinx.graphql.hub import Hub
from clinx.graphql.operation import answer
from clinx.graphql.permissions import permissions_of
from clinx.graphql.rooms import Services
from clinx.graphql.schema import schema
from clinx.state.memory import MemoryCounters
from clinx.storage import request_logs
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from clinx.telemetry.tasks import Supervisor

CLIENTS, RATE, SECONDS = 20, 1_000, 20
PARTS = 10
"""Batches a second."""

TREE = """\
version: 1
models:
  small: {price: {input: "1", output: "2", per: 1M}, max_output: 4096}
channels:
"""
CHANNEL = "  - {name: channel-%d, provider: echo, models: [small]}\n"
LOGS = """query ($filter: RequestLogFilter!) { requestLogs(first: 50, filter: $filter) {
  edges { node { id at model outcome status charge inputTokens outputTokens milliseconds
    user { name } token { name } channel { name } } } pageInfo { endCursor }
} }"""
REPORT = """query ($input: UsageReportInput!) { usageReport(input: $input) { grain series {
  name figures { requests failures errorRate inputTokens outputTokens charge p50Milliseconds p95Milliseconds }
  columns { start requests charge inputTokens outputTokens }
} } }"""
TAIL = """subscription { requestLogTail(filter: {everyone: true}) { missed
  logs { requestId at model outcome status charge inputTokens outputTokens milliseconds channelName }
} }"""


class Bench:
    """The API over a database, without its HTTP side."""

    def __init__(self, folder: Path, database: Database, viewer: User, now: Callable[[], datetime]) -> None:
        """Wire it."""
        (folder / "tree").mkdir(parents=True)
        (folder / "tree" / "gateway.yaml").write_text(TREE + "".join(CHANNEL % number for number in range(41)))
        root = folder / "tree"
        secrets = SecretResolver({}, root, ())
        read = read_tree(root, default_tree())
        self.snapshot = compile_tree(read, secrets=secrets, dialects=DIALECTS, at=now()).snapshot
        self.supervisor = Supervisor()
        self.viewer = viewer
        self.services = Services(
            database=database,
            logs=database,
            current=Current(self.supervisor),
            keys=Keys.derive(b"k" * 32),
            throttle=Throttle(MemoryCounters(now), now=now),
            now=now,
            new_id=lambda: "id",
            node="node_bench",
            supervisor=self.supervisor,
            open_schema=False,
            hub=Hub(database, database, self.supervisor, now=now),
        )

    def context(self, session: int = 1) -> Context:
        """Return what an operation of an operator is handed."""
        viewer = Viewer(self.viewer, permissions_of(Role.ADMIN), session=session)
        return Context(self.services, self.snapshot, viewer, "req", None, "bench", secure=True)

    async def sign_in(self) -> int:
        """Return a session of the operator's, by its id."""
        sessions = Sessions(self.services.database, now=self.services.now)
        opened = await sessions.open(self.viewer, "password", Visitor(), lifetime=timedelta(days=1))
        return opened.session.id

    async def ask(self, text: str, variables: dict[str, Any]) -> bytes:
        """Answer an operation, down to its bytes."""
        context = self.context()
        result = await schema.execute(text, variables, context)
        if result.errors:
            raise result.errors[0]
        return msgspec.json.encode(answer(result.data, None, context))


async def _median(call: Callable[[], Awaitable[bytes]], times: int = 15) -> tuple[float, float, int]:
    """Return milliseconds by the clock, and of the processor: another machine, or a busy one, waits otherwise."""
    spent: list[float] = []
    found = b""
    began = time.process_time()
    for _ in range(times):
        started = time.perf_counter()
        found = await call()
        spent.append((time.perf_counter() - started) * 1000)
    return sorted(spent)[times // 2], (time.process_time() - began) * 1000 / times, len(found)


async def _questions(bench: Bench) -> None:
    since, until = (NOW - timedelta(days=DAYS)).isoformat(), NOW.isoformat()
    window: dict[str, Any] = {"since": since, "until": until, "everyone": True}
    questions: dict[str, tuple[str, dict[str, Any]]] = {
        "50 logs with user, token and channel": (LOGS, {"filter": window}),
        "50 logs of a model": (LOGS, {"filter": {**window, "model": "model-3"}}),
        "report of the total": (REPORT, {"input": window}),
        "report of ten models": (REPORT, {"input": {**window, "by": "MODEL"}}),
        "report of ten users": (REPORT, {"input": {**window, "by": "USER"}}),
        "report of fifty models": (REPORT, {"input": {**window, "by": "MODEL", "most": 50}}),
    }
    for name, (text, variables) in questions.items():
        spent, used, size = await _median(lambda text=text, variables=variables: bench.ask(text, variables))
        print(f"{name}: {spent:.1f} ms, of which {used:.1f} ms CPU ({size:,} bytes)")


class Following:
    """Those who follow, and what came."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.logs = self.missed = self.bytes = 0

    async def follow(self, bench: Bench, session: int) -> None:
        """Take everything that comes."""
        context = bench.context(session)
        found: Any = await schema.stream(TAIL, context_value=context)
        async with aclosing(found):
            async for result in found:
                if result.errors:
                    raise result.errors[0]
                news = result.data["requestLogTail"]
                self.logs += len(news["logs"])
                self.missed += news["missed"]
                self.bytes += len(msgspec.json.encode(answer(result.data, None, context)))


async def _tail(bench: Bench, database: Database, clients: int) -> None:
    following, lag, number = Following(), 0.0, 0
    sessions = [await bench.sign_in() for _ in range(clients)]
    tasks = [bench.supervisor.start(following.follow(bench, each), name="client") for each in sessions]
    await asyncio.sleep(1)
    before, started, cpu = _resident(), time.perf_counter(), time.process_time()
    for part in range(SECONDS * PARTS):
        at = bench.services.now()
        logs = [replace(LOG, id=f"{clients}-{number + each:012}", at=at) for each in range(RATE // PARTS)]
        number += len(logs)
        await database.atomically(request_logs.append(logs))
        due = started + (part + 1) / PARTS - time.perf_counter()
        await asyncio.sleep(max(0.0, due))
        lag = max(lag, -due)
    used = (time.process_time() - cpu) / (time.perf_counter() - started)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(
        f"{clients} who follow {RATE:,} calls a second for {SECONDS} s: {used * 100:.0f} % of a core, of which some is"
        f" writing them; {following.logs:,} shown, {following.missed:,} left out, {following.bytes:,} bytes,"
        f" {before / 1e6:.0f} MB before and {_resident() / 1e6:.0f} MB after, late at most {lag * 1000:.0f} ms"
    )


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def _run(folder: Path, rows: int) -> None:
    url = f"sqlite:///{folder / 'console.db'}"
    await migrate(url)
    database = await Database.connect(url)
    ops = await users.create(database, "ops", at=NOW, role=Role.ADMIN)
    for number in range(USERS):
        user = await users.create(database, f"user{number}", at=NOW)
        await tokens.issue(database, user, "default", at=NOW)
    await fill(database, rows)
    bench = Bench(folder, database, ops, lambda: NOW)
    await _questions(bench)
    began = time.monotonic()
    live = Bench(folder / "live", database, ops, lambda: NOW + timedelta(seconds=time.monotonic() - began))
    for clients in (0, CLIENTS):
        await _tail(live, database, clients)
    await bench.supervisor.close()
    await live.supervisor.close()
    await database.close()


def main() -> None:
    """Measure, and print a line for each figure."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(Path(folder), rows))
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


if __name__ == "__main__":
    main()
