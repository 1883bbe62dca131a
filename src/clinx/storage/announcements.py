"""What one process tells all others: a row in a table, written in the transaction it is about, heard within moments.

Nothing depends on an announcement: whoever misses one learns the same a little later in another way. Each is heard at
least once, in any order, also by the process that made it; those of the last `KEPT` are heard again after a start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, cast

import asyncpg

from clinx.storage import postgres, sqlite
from clinx.storage.codec import decode_json, micros
from clinx.storage.database import Database, Location
from clinx.storage.failures import StorageConflict, StorageUnavailable
from clinx.storage.program import Program, Row, Value, execute, for_sqlite

log = logging.getLogger("clinx.storage")

KEPT: Final = timedelta(minutes=10)
"""How long an announcement stays in the table."""
PRUNE_SECONDS: Final = 60.0
"""Time between two looks for older ones."""
LOOK_SECONDS: Final = 0.1
"""How often SQLite is asked whether anything was written at all: some microseconds."""
POLL_SECONDS: Final = 5.0
"""How often the table is read on PostgreSQL, whose notifications may be lost with a connection."""
LATE_SECONDS: Final = 30.0
"""How much later than a higher id a lower one may appear: longer than any transaction may take."""
RETRY_SECONDS: Final = 1.0
"""Pause after a failure."""
CHANNEL: Final = "clinx"
"""PostgreSQL's channel. The trigger on the table notifies; see the migrations."""
_NEWER: Final = "SELECT id, topic, subject FROM announcement WHERE id > $1 ORDER BY id"


class Topic(StrEnum):
    """What announcements are about."""

    TOKEN = "token"  # noqa: S105  (a topic)
    """A token was changed, revoked or deleted; the subject is its id."""
    USER = "user"
    """A user was changed or disabled; the subject is the id."""
    RECALL = "recall"
    """Somebody needs what others have leased; the subject is the scope: ``user:42``, ``token:7``."""
    FUNDS = "funds"
    """Money arrived; the subject is the scope."""
    OVERRIDE = "override"
    """What is overridden of a channel was changed; the subject is its name."""
    REVISION = "revision"
    """A revision was rejected, or is not any more; the subject is its id."""
    PROMOTE = "promote"
    """A revision that is on trial shall be served to all; the subject is its id."""
    RELOAD = "reload"
    """Look at the tree now; the subject names the request, for the answers."""
    CHANNEL = "channel"
    """An operator says that the credentials of a channel are good again; the subject is its name."""


def announce(topic: str, subject: str, now: datetime) -> Program[None]:
    """Tell every process, when the transaction this is a step of is committed."""
    yield from execute("INSERT INTO announcement (topic, subject, at) VALUES ($1, $2, $3)", topic, subject, micros(now))


Hear = Callable[[str, str], None]
"""Takes a topic and a subject. It must not fail, and return soon: it runs on the event loop."""


class _Heard:
    """Which announcements were heard. On PostgreSQL ids may become visible out of order, within `LATE_SECONDS`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._recent: dict[int, float] = {}
        self.floor = 0
        """Everything up to this id was heard, whatever commits late."""
        self.last = 0
        """The highest id that was heard."""

    def note(self, id_: int) -> bool:
        """Take note of an id; False when it was heard before."""
        now = self._monotonic()
        while self._recent and now - next(iter(self._recent.values())) >= LATE_SECONDS:
            oldest = next(iter(self._recent))
            del self._recent[oldest]
            self.floor = max(self.floor, oldest)
        if id_ <= self.floor or id_ in self._recent:
            return False
        self._recent[id_] = now
        self.last = max(self.last, id_)
        return True


class Listener:
    """Hears what any process announces, within about 0.1 s."""

    def __init__(self, database: Database, *, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        """Wire it; nothing is heard before `run`."""
        self._database = database
        self._location = database.location
        self._now = now
        self._monotonic = monotonic
        self._heard = _Heard(monotonic)
        self._pruned_at = monotonic()
        self._failing = False

    async def run(self, hear: Hear) -> None:
        """Hear until cancelled. A database that is away only delays; nothing is raised."""
        where = self._location.shown
        while True:
            try:
                with sqlite.translated_errors(where), postgres.translated_errors(where):
                    await (self._hear_sqlite(hear) if self._location.path else self._hear_postgres(hear))
            except StorageUnavailable as error:
                self._say(error)
            await asyncio.sleep(RETRY_SECONDS)

    def _say(self, error: StorageUnavailable) -> None:
        if not self._failing and not isinstance(error, StorageConflict):
            self._failing = True  # Once: an hour without a database is no news every second.
            log.warning("announcements.delayed", extra={"reason": str(error)})

    async def _hear_sqlite(self, hear: Hear) -> None:
        assert self._location.path is not None  # noqa: S101  (tells the type checker what `run` asked)
        address = f"{self._location.path.absolute().as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)) as connection:
            seen: int | None = None
            while True:
                # Both on the event loop: the one reads shared memory, the other a page or two of a small table.
                version: int = connection.execute("PRAGMA data_version").fetchone()[0]
                if version != seen:
                    self._take(connection.execute(for_sqlite(_NEWER), (self._heard.last,)).fetchall(), hear)
                    seen = version
                await self._keep_tidy()
                await asyncio.sleep(LOOK_SECONDS)

    async def _hear_postgres(self, hear: Hear) -> None:
        connection = await _connect(self._location)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            (schema,) = (await connection.fetch("SELECT current_schema()", timeout=POLL_SECONDS))[0]

            def notified(_connection: object, _pid: int, _channel: str, payload: str) -> None:
                where, *row = decode_json(payload)
                if where == schema:
                    self._take([row], hear)

            await connection.add_listener(CHANNEL, notified)
            while not lost.is_set():
                self._take(await connection.fetch(_NEWER, self._heard.floor, timeout=POLL_SECONDS), hear)
                await self._keep_tidy()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), POLL_SECONDS)
        finally:
            connection.terminate()
        raise StorageUnavailable("the connection was lost", where=self._location.shown)

    def _take(self, rows: Sequence[Row], hear: Hear) -> None:
        if self._failing:
            self._failing = False
            log.warning("announcements.recovered")
        for id_, topic, subject in rows:
            if self._heard.note(id_):
                hear(topic, subject)

    async def _keep_tidy(self) -> None:
        if self._monotonic() - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = self._monotonic()
        with contextlib.suppress(StorageUnavailable):  # The next one, a minute later, does it as well.
            await self._database.atomically(_prune(self._now() - KEPT))


def _prune(before: datetime) -> Program[int]:
    return execute("DELETE FROM announcement WHERE at < $1", micros(before))


class _Connection(Protocol):
    """What listening needs of asyncpg's connection, which has no types."""

    async def fetch(self, sql: str, *values: Value, timeout: float) -> list[Row]:  # noqa: ASYNC109  (as asyncpg has it)
        """Return the rows."""
        ...

    async def add_listener(self, channel: str, heard: Callable[[object, int, str, str], None]) -> None:
        """Call for each notification: connection, process, channel, payload."""
        ...

    def add_termination_listener(self, ended: Callable[[object], None]) -> None:
        """Call when the connection has ended."""
        ...

    def terminate(self) -> None:
        """Drop the connection without waiting for anybody."""
        ...


async def _connect(location: Location) -> _Connection:
    """Open a connection beside the pool: it is kept, and the pool's are few and lent for a while only."""
    (connection,) = location.config()["connections"].values()
    given = connection["credentials"]
    settings = {"application_name": given["application_name"], "search_path": given.get("schema")}
    connect = cast("Callable[..., Awaitable[_Connection]]", asyncpg.connect)  # pyright: ignore[reportUnknownMemberType]  (untyped there)
    return await connect(
        **{name: given[name] for name in ("host", "port", "user", "password", "database", "ssl") if name in given},
        server_settings={name: value for name, value in settings.items() if value},
        timeout=postgres.ACQUIRE_SECONDS,
    )
