"""Real databases for tests: a SQLite file, and PostgreSQL as well when ``CLINX_TEST_POSTGRES_URL`` is set.

    async def test_something(database):
        caller = await make_caller(database, balance="1.00")

Import the fixtures in a room's ``conftest.py``: ``from support.database import database, database_url``.
"""

import asyncio
import atexit
import functools
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncGenerator, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from clinx.accounts import tokens, users
from clinx.accounts.tokens import Issued, Limits
from clinx.billing import topup
from clinx.billing.topup import Cause
from clinx.domain.identity import Principal, User
from clinx.domain.ledger import Origin
from clinx.domain.money import ZERO, Amount
from clinx.domain.request_log import Attempt, RequestLog
from clinx.domain.usage import Usage
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from support.reused import Reused

POSTGRES = os.environ.get("CLINX_TEST_POSTGRES_URL", "")
ENGINES = ["sqlite", *([pytest.param("postgres", marks=pytest.mark.postgres)] if POSTGRES else [])]
START = datetime(2030, 1, 1, tzinfo=UTC)
ORIGIN = Origin("node_test", 1)
"""The life of a process that tests write under."""


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    instant: datetime = START
    seconds: float = field(default=1000.0)

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)
        self.seconds += seconds


class Wire:
    """A way to a server that can be cut without either end hearing of it: a pulled cable, on loopback."""

    def __init__(self, host: str, port: int) -> None:
        self._server_address = (host, port)
        self._open = asyncio.Event()
        self._open.set()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    @asynccontextmanager
    async def laid(self) -> AsyncGenerator["Wire"]:
        server = await asyncio.start_server(self._carry_both, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._open.set()
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            await server.wait_closed()

    def cut(self) -> None:
        self._open.clear()

    def mend(self) -> None:
        self._open.set()

    def hang_up(self) -> None:
        """End all connections; new ones are served."""
        for writer in self._writers:
            writer.close()

    async def _carry_both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await self._open.wait()
        try:
            there_reader, there_writer = await asyncio.open_connection(*self._server_address)
            self._writers.append(there_writer)
            await asyncio.gather(self._carry(reader, there_writer), self._carry(there_reader, writer))
        except OSError:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
        writer.transport.abort()


@pytest_asyncio.fixture
async def postgres_database(_migrated_database: str) -> AsyncGenerator[str]:
    """The URL of a whole PostgreSQL database of the test's own, with all tables."""
    async with _copied(_migrated_database) as url:
        yield url


@asynccontextmanager
async def _copied(template: str) -> AsyncGenerator[str]:
    """A copy takes a twentieth of the time that migrating takes."""
    name = await _copy(template)
    try:
        yield _address(name)
    finally:
        await _drop(name)


async def _copy(template: str) -> str:
    name = f"clinx_test_{uuid.uuid4().hex}"
    # Nobody pulls the plug; a disk that is flushed for each transaction is what tests would wait for.
    await on_server(
        f"CREATE DATABASE {name} TEMPLATE {template}", f"ALTER DATABASE {name} SET synchronous_commit = off"
    )
    return name


async def _drop(name: str) -> None:
    await on_server(f"DROP DATABASE {name} WITH (FORCE)")


def _address(name: str) -> str:
    return urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()


async def on_server(*statements: str) -> None:
    """Run statements outside the test's own database."""
    connection = await asyncpg.connect(POSTGRES)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


_LAID: dict[str, str] = {}
"""By engine: what is migrated and has to be dropped. Each room's conftest has a fixture of its own; they share this."""


def _run(step: Coroutine[object, object, object]) -> None:
    """Run it on a loop of its own: what lasts as long as the session must not end with one of pytest's loops."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, step).result()


@functools.cache
def migrated_file() -> Path:
    """Return a SQLite file with all tables, to be copied: migrations take longer than most tests."""
    folder = tempfile.TemporaryDirectory(prefix="clinx-test-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "clinx.db"
    _run(migrate(f"sqlite:///{path}"))
    return path


def lay_tables(path: Path) -> None:
    """Put a SQLite file there with all tables and nothing in them, as a gateway that ran before left it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(migrated_file(), path)


@pytest.fixture(scope="session")
def _migrated_file() -> Path:
    return migrated_file()


@pytest.fixture(scope="session")
def _migrated_database() -> Generator[str]:
    """The name of a PostgreSQL database with all tables, to be copied."""
    if not POSTGRES or "postgres" in _LAID:
        yield _LAID.get("postgres", "")
        return
    name = f"clinx_test_{uuid.uuid4().hex}"
    _run(on_server(f"CREATE DATABASE {name}"))
    try:
        _run(migrate(_address(name)))
        _LAID["postgres"] = name
        yield name
    finally:
        _LAID.pop("postgres", None)
        _run(_REUSED.close())
        _run(_drop(name))


def lent_postgres() -> AbstractAsyncContextManager[str]:
    """Lend a PostgreSQL database with all tables and nothing in them to who uses the fixture ``_migrated_database``."""
    return _REUSED.lent()


_REUSED = Reused(_address, lambda: _copy(_LAID["postgres"]), _drop)


@pytest_asyncio.fixture(params=ENGINES)
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state' / 'clinx.db'}"
        return
    schema = f"clinx_test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(POSTGRES)
    try:
        await connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}schema={schema}"
        await connection.execute(f"DROP SCHEMA {schema} CASCADE")
    finally:
        await connection.close()


@pytest_asyncio.fixture(params=ENGINES)
async def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, _migrated_file: Path, _migrated_database: str
) -> AsyncGenerator[str]:
    """The URL of a database with all tables and nothing in them."""
    if request.param == "sqlite":
        target = tmp_path / "state" / "clinx.db"
        target.parent.mkdir()
        shutil.copy(_migrated_file, target)
        yield f"sqlite:///{target}"
        return
    async with _REUSED.lent() as url:
        yield url


@asynccontextmanager
async def kept_in(engine: str) -> AsyncGenerator[dict[str, str]]:
    """The settings of a whole gateway that keeps everything in an engine: nothing is said of SQLite, its files are new.

    The fixture ``_migrated_database`` has to be asked for first.
    """
    if engine == "sqlite":
        yield {}
        return
    async with _REUSED.lent() as url:
        yield {"database_url": url}


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    opened = await Database.connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def make_user(
    database: Database, name: str = "ann", *, balance: str = "0", group: str = "default", at: datetime = START
) -> User:
    user = await users.create(database, name, at=at, group=group)
    await fund(database, user, balance)
    return user


async def make_token(
    database: Database, user: User, *, limits: Limits | None = None, name: str = "default", at: datetime = START
) -> Issued:
    return await tokens.issue(database, user, name, at=at, limits=limits)


async def make_caller(
    database: Database, name: str = "ann", *, balance: str = "0", limits: Limits | None = None
) -> Principal:
    user = await make_user(database, name, balance=balance)
    issued = await make_token(database, user, limits=limits)
    return Principal(user, issued.token, issued.token.group or user.group)


async def fund(database: Database, user: User, amount: str) -> None:
    if Amount.parse(amount) != ZERO:
        cause = Cause("test", "to have something", uuid.uuid4().hex)
        await topup.grant(database, user, Amount.parse(amount), cause, at=START)


def request_log(request_id: str, principal: Principal | None = None, *, charge: Amount = ZERO) -> RequestLog:
    return RequestLog(
        id=request_id,
        at=START,
        revision="r1",
        dialect="openai_chat",
        operation="chat",
        outcome="ok",
        status=200,
        user_id=principal.user.id if principal else None,
        token_id=principal.token.id if principal else None,
        group=principal.group if principal else None,
        model="gpt-4o",
        channel="main",
        upstream_model="gpt-4o-2024",
        upstream_id="up-1",
        stream=False,
        usage=Usage(input=10, output=20, estimated=True),
        charge=charge,
        quote=("10 input at 2.5/1000000",),
        attempts=(Attempt("main", "0123abcd", "gpt-4o-2024", "ok", 200, 0.25),),
        seconds=0.25,
        first_byte_seconds=None,
        address="127.0.0.1",
        asked_model="gpt-4o-high",
    )
