"""Money to measure with: a database, callers, and one life of a process after another, as `clinx serve` has them."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import asyncpg

from clinx.accounts import tokens, users
from clinx.accounts.tokens import Limits
from clinx.billing import topup
from clinx.billing.cashier import Cashier, Wanted
from clinx.billing.journal.durability import Sync
from clinx.billing.topup import Cause
from clinx.billing.treasury import Means, Place, Treasury
from clinx.domain.identity import Principal
from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt, RequestLog
from clinx.domain.usage import Usage
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from clinx.telemetry.tasks import Supervisor

CHARGE = Amount.parse("0.00123")
HOLD = Amount.parse("0.00246")
RICH = "1000000"
LIFETIME = timedelta(minutes=35)

_numbers = itertools.count()


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    return f"{next(_numbers):032x}"


@asynccontextmanager
async def database_at(server: str | None, folder: Path) -> AsyncGenerator[Database]:
    """A database of our own, gone afterwards: on a PostgreSQL server, else an SQLite file in a folder."""
    if server is None:
        async with _opened(f"sqlite:///{folder / 'clinx.db'}") as database:
            yield database
        return
    name = f"clinx_bench_{uuid.uuid4().hex}"
    await say(server, f"CREATE DATABASE {name}")
    try:
        async with _opened(urlsplit(server)._replace(path=f"/{name}").geturl()) as database:
            yield database
    finally:
        await say(server, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def _opened(url: str) -> AsyncGenerator[Database]:
    await migrate(url)
    database = await Database.connect(url)
    try:
        yield database
    finally:
        await database.close()


async def say(server: str, statement: str) -> None:
    """Run a statement on a PostgreSQL server, outside the database that is measured."""
    connection = await asyncpg.connect(server)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  (no types)
    try:
        await connection.execute(statement)  # pyright: ignore[reportUnknownMemberType]  (no types)
    finally:
        await connection.close()  # pyright: ignore[reportUnknownMemberType]  (no types)


@asynccontextmanager
async def life(database: Database, folder: Path, sync: Sync = Sync.GROUP) -> AsyncGenerator[Treasury]:
    """One life of a process that keeps its journal in a folder."""
    supervisor = Supervisor()
    means = Means(now, time.monotonic_ns, Random(1), lambda: uuid.uuid4().hex)  # noqa: S311  (jitter)
    treasury = await Treasury.open(database, supervisor, Place(folder / "journal", "bench", sync), means)
    try:
        yield treasury
    finally:
        await treasury.close()
        await supervisor.close()


async def make_caller(database: Database, *, balance: str = RICH, budget: str | None = None) -> Principal:
    user = await users.create(database, f"bench-{uuid.uuid4().hex}", at=now())
    cause = Cause("bench", "something to spend", uuid.uuid4().hex)
    await topup.grant(database, user, Amount.parse(balance), cause, at=now())
    limits = Limits(budget=Amount.parse(budget)) if budget else None
    issued = await tokens.issue(database, user, at=now(), limits=limits)
    return Principal(user, issued.token, user.group)


@dataclass(frozen=True, slots=True)
class Call:
    """What one exchange asks of the cashier, made before the clock runs."""

    caller: Principal
    wanted: Wanted
    log: RequestLog
    charge: Amount = CHARGE

    @classmethod
    def of(cls, caller: Principal) -> Call:
        id_ = new_id()
        return cls(caller, Wanted(id_, "bench", HOLD, HOLD, LIFETIME), log_of(id_, caller))

    async def run(self, cashier: Cashier) -> None:
        held = await cashier.reserve(self.caller, self.wanted)
        await cashier.settle(held, self.charge, log=self.log)


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
