"""How many calls a second the ledger alone carries: ``python -m bench.cashier [DATABASE_URL]``.

A call is a hold, a settlement with its two entries, and a log, each answered after its commit. Without a URL a SQLite
file in a temporary folder is used, with ``synchronous=FULL``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from clinx.accounts import tokens, users
from clinx.billing import topup
from clinx.billing.cashier import Cashier
from clinx.billing.topup import Cause
from clinx.domain.identity import Principal
from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt, RequestLog
from clinx.domain.usage import Usage
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from clinx.telemetry.tasks import Supervisor

CALLS = 5000
CHARGE = Amount.parse("0.00123")


def now() -> datetime:
    return datetime.now(UTC)


def log_of(request_id: str, caller: Principal) -> RequestLog:
    return RequestLog(
        id=request_id,
        at=now(),
        revision="bench",
        dialect="openai_chat",
        operation="chat",
        outcome="ok",
        status=200,
        user_id=caller.user.id,
        token_id=caller.token.id,
        group=caller.group,
        model="gpt-4o",
        channel="main",
        upstream_model="gpt-4o",
        upstream_id=None,
        stream=False,
        usage=Usage(input=100, output=98),
        charge=CHARGE,
        quote=("100 input at 2.5/1000000", "98 output at 10/1000000"),
        attempts=(Attempt("main", "0123abcd", "gpt-4o", "ok", 200, 0.5),),
        seconds=0.5,
        first_byte_seconds=None,
        address="127.0.0.1",
    )


async def make_caller(database: Database) -> Principal:
    user = await users.create(database, f"bench-{uuid.uuid4().hex}", at=now())
    cause = Cause("bench", "something to spend", uuid.uuid4().hex)
    await topup.grant(database, user, Amount.parse("1000000"), cause, at=now())
    issued = await tokens.issue(database, user, at=now())
    return Principal(user, issued.token, user.group)


async def call_on(cashier: Cashier, callers: list[Principal], numbers: Iterator[int]) -> None:
    for number in numbers:
        caller = callers[number % len(callers)]
        held = await cashier.reserve(
            caller, CHARGE + CHARGE, request_id=uuid.uuid4().hex, revision="bench", lifetime=timedelta(hours=1)
        )
        await cashier.settle(held, CHARGE, attempt=1, log=log_of(held.id, caller))


async def measure(url: str, connections: int, accounts: int) -> str:
    await migrate(url)
    database, supervisor = await Database.connect(url), Supervisor()
    cashier = Cashier(database, supervisor, now=now, random=Random(1))  # noqa: S311  (jitter)
    cashier.start()
    callers = [await make_caller(database) for _ in range(accounts)]
    numbers = iter(range(CALLS))
    began, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*(call_on(cashier, callers, numbers) for _ in range(connections)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    await cashier.close()
    await supervisor.close()
    await database.close()
    return f"{connections:>11} {accounts:>8} {CALLS / seconds:>9.0f} {cpu / CALLS * 1e6:>10.0f} us"


async def main(url: str) -> None:
    print(f"{'connections':>11} {'accounts':>8} {'calls/s':>9} {'CPU/call':>13}")
    for connections, accounts in ((1, 1), (16, 1), (16, 16), (64, 1), (64, 64)):
        print(await measure(url, connections, accounts))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'clinx.db'}"))
