"""One door to SQLite or PostgreSQL: connect, read, write, close. Nothing above `storage` knows which it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import (
    TortoiseContext,
    _current_context,  # pyright: ignore[reportPrivateUsage]  (entering a context is not re-entrant; see _current)
)
from tortoise.exceptions import BaseORMException, IntegrityError, ValidationError

from clinx.storage import postgres, sqlite
from clinx.storage.failures import StorageRefused, StorageUnavailable, reason_of
from clinx.storage.pool import BoundedClient
from clinx.storage.program import Program, Row, Value, for_sqlite

T = TypeVar("T")

APP: Final = "main"

HASTY_SECONDS: Final = 1.0
"""How long a request waits for what it must read before it is refused."""


class Engine(Protocol):
    """What runs programs."""

    async def run(self, program: Program[T]) -> T:
        """Run a program as one transaction."""
        ...

    async def look(self, program: Program[T]) -> T:
        """Run a program that only reads, on one view."""
        ...

    async def close(self) -> None:
        """Let running programs finish."""
        ...


class Location:
    """A parsed database URL."""

    def __init__(self, url: str) -> None:
        """Read the URL.

        Raises:
            ValueError: not ``sqlite:///PATH`` or ``postgres://…``.
        """
        self.path: Path | None = None
        """The file, when it is SQLite."""
        if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
            self.path = Path(url.removeprefix("sqlite:///"))
            self._credentials: dict[str, Any] = {"file_path": str(self.path), **sqlite.PRAGMAS}
            self.shown = str(self.path)
            """How failures name it: without user and password."""
            return
        split = urlsplit(url)
        if split.scheme not in {"postgres", "postgresql"}:
            raise ValueError("the database URL must be sqlite:///PATH or postgres://user:password@host:port/name")
        self._credentials = postgres.credentials(split)
        host = self._credentials["host"]
        host = f"[{host}]" if ":" in host else host
        self.shown = f"postgres://{host}:{self._credentials['port']}/{self._credentials['database']}"

    @property
    def apps(self) -> dict[str, dict[str, Any]]:
        """Tortoise's applications: ours."""
        return {
            APP: {
                "models": ["clinx.storage.models", "clinx.storage.steering_models", "clinx.storage.console_models"],
                "migrations": "clinx.storage.migrations",
                "default_connection": self._connection,
            }
        }

    def config(self, **overrides: Any) -> dict[str, Any]:
        """Return tortoise's configuration; overrides are added to the connection's credentials."""
        connection = {
            "engine": "tortoise.backends.sqlite" if self.path else "clinx.storage.pool",
            "credentials": {**self._credentials, **overrides},
        }
        return {"connections": {self._connection: connection}, "apps": self.apps}

    @property
    def _connection(self) -> str:
        """The connection's name. tortoise caches SQL by it, process-wide, so each engine has its own."""
        return "sqlite" if self.path else "asyncpg"


class Database:
    """An open database. Usable from any task of the loop it was opened on."""

    def __init__(self, location: Location, context: TortoiseContext, client: BaseDBAsyncClient, engine: Engine) -> None:
        """Use `connect`."""
        self._location = location
        self._context = context
        self._client = client
        self._hasty = client.within(HASTY_SECONDS) if isinstance(client, BoundedClient) else client
        self._engine = engine

    @classmethod
    async def connect(cls, url: str, *, may_be_away: bool = False) -> Database:
        """Open a database; the schema is `clinx.storage.migrate`'s business.

        Args:
            url: where it is.
            may_be_away: whether it is opened even if no server answers now; whoever uses it hears of that then.

        Raises:
            ValueError: the URL is not understood.
            StorageUnavailable: it cannot be reached.
        """
        location = Location(url)
        if location.path:
            sqlite.prepare_file(location.path)
        context = TortoiseContext()
        with _current(context):
            await context.init(location.config())
        client = context.db()
        if location.path:
            engine: Engine = sqlite.SqliteEngine(location.path)
        else:
            await client.create_connection(with_db=True)  # Makes the pool; the first to want a connection makes that.
            engine = postgres.PostgresEngine(cast("BoundedClient", client), location.shown)
        database = cls(location, context, client, engine)
        try:
            if not may_be_away:
                await database.fetch("SELECT 1")
        except BaseException:  # The driver's thread would keep the process alive.
            await database.close()
            raise
        return database

    async def is_reachable(self) -> bool:
        """Say whether it answers a query now, within a moment."""
        try:
            with self.reading(hasty=True) as client:
                await _query(client, "SELECT 1")
        except StorageUnavailable:
            return False
        return True

    @property
    def location(self) -> Location:
        """Where it is."""
        return self._location

    async def close(self) -> None:
        """Let running transactions finish and close every connection."""
        await self._engine.close()
        await self._context.close_connections()

    async def atomically(self, program: Program[T]) -> T:
        """Run a program as one write transaction; a caller cancelled while it waits does not stop it.

        Raises:
            StorageUnavailable: it cannot be written now; `StorageConflict` when it is worth an immediate retry,
                `StorageInDoubt` when it may have been written.
            StorageRefused: a constraint or a type refused the values.
        """
        return await self._engine.run(program)

    async def look(self, program: Program[T]) -> T:
        """Run a program that only reads: all of its steps see the same moment, and writers are not kept waiting.

        It may take minutes. Cancelled, it stops soon.

        Raises:
            StorageUnavailable: the database cannot be read now.
            StorageRefused: a value is out of range.
        """
        return await self._engine.look(program)

    async def fetch(self, sql: str, *values: Value) -> Sequence[Row]:
        """Read rows of one statement, written as in programs, outside any transaction.

        Raises:
            StorageUnavailable: the database cannot be used now.
        """
        with self.reading() as client:
            rows = await _query(client, for_sqlite(sql) if self._location.path else sql, *values)
        return [tuple(row) for row in rows]

    @contextmanager
    def reading(self, *, hasty: bool = False) -> Generator[BaseDBAsyncClient]:
        """Lend tortoise's client for reads and one-statement writes (``.using_db(client)``), outside any transaction.

        A hasty reader would rather hear within `HASTY_SECONDS` that there is no answer: a request waits for it.

        Raises:
            StorageUnavailable: the database cannot be used now.
            StorageRefused: a constraint or a column refused the values.
        """
        with _current(self._context), translated_errors(self._location.shown):
            yield self._hasty if hasty else self._client


async def _query(client: BaseDBAsyncClient, sql: str, *values: Value) -> Sequence[Row]:
    # The drivers' rows are sequences, whatever tortoise's annotation says.
    run = cast("Callable[[str, list[Value]], Awaitable[tuple[int, Sequence[Row]]]]", client.execute_query)  # pyright: ignore[reportUnknownMemberType]  (untyped there)
    return (await run(sql, list(values)))[1]


@contextmanager
def translated_errors(where: str) -> Generator[None]:
    """Turn the exceptions of tortoise and of the drivers into the storage's three; ``where`` names the database."""
    try:
        with sqlite.translated_errors(where), postgres.translated_errors(where):
            yield
    except (IntegrityError, ValidationError) as error:
        raise StorageRefused(str(error)) from error
    except BaseORMException as error:
        raise StorageUnavailable(reason_of(error), where=where) from error


@contextmanager
def _current(context: TortoiseContext) -> Generator[None]:
    """Make a context tortoise's current one in this task, and in no other.

    tortoise finds its connections through a context variable, which a task started elsewhere does not have; and
    ``with context`` keeps its token on the shared object, so two tasks may not be in it at once.
    """
    token = _current_context.set(context)
    try:
        yield
    finally:
        _current_context.reset(token)
