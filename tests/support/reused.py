"""PostgreSQL databases that tests take turns with: emptying one takes milliseconds, copying one a tenth of a second.

A database whose schema a test has changed, or whose connections do not end, is dropped instead.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

_TABLES = """
SELECT format('%I', relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
AND relname <> 'tortoise_migrations' ORDER BY relname
"""
_SEQUENCES = """
SELECT string_agg(format('SELECT setval(%L, 1, false)', sequencename), ';') FROM pg_sequences
WHERE schemaname = 'public' AND sequencename <> 'tortoise_migrations_id_seq'
"""
_SHAPE = """
SELECT md5(concat_ws('/',
  (SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_'),
  (SELECT string_agg(concat_ws(':', c.relname, a.attname, a.atttypid, a.attnotnull), ',' ORDER BY c.relname, a.attnum)
   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace),
  (SELECT string_agg(concat_ws(':', tgname, tgenabled), ',' ORDER BY tgrelid::regclass::text, tgname) FROM pg_trigger),
  (SELECT string_agg(concat_ws(':', conname, contype), ',' ORDER BY conrelid, conname) FROM pg_constraint
   WHERE connamespace = 'public'::regnamespace),
  (SELECT string_agg(proname || md5(prosrc), ',' ORDER BY proname) FROM pg_proc
   WHERE pronamespace = 'public'::regnamespace)))
"""
_OTHERS = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1"
)


@dataclass
class Reused:
    """The databases of one process."""

    address: Callable[[str], str]
    """Returns the URL of a database."""
    make: Callable[[], Awaitable[str]]
    """Makes a copy of the template and returns its name."""
    drop: Callable[[str], Awaitable[None]]
    free: list[str] = field(default_factory=list)
    _shape: str = ""
    _seeds: dict[str, str] = field(default_factory=dict)
    """Rows that migrations write, by table, as JSON."""
    _sequences: str = ""

    @asynccontextmanager
    async def lent(self) -> AsyncGenerator[str]:
        """Lend a database with all tables and nothing in them."""
        name = self.free.pop() if self.free else await self._new()
        try:
            yield self.address(name)
        finally:
            if await self._is_emptied(name):
                self.free.append(name)
            else:
                await self.drop(name)

    async def close(self) -> None:
        """Drop them all."""
        while self.free:
            await self.drop(self.free.pop())

    async def _new(self) -> str:
        name = await self.make()
        if not self._shape:
            connection = await asyncpg.connect(self.address(name))
            try:
                self._shape = await connection.fetchval(_SHAPE)
                self._sequences = await connection.fetchval(_SEQUENCES)
                for (table,) in await connection.fetch(_TABLES):
                    rows = await connection.fetchval(f"SELECT json_agg(t) FROM {table} t")  # noqa: S608  (our own tables)
                    self._seeds[table] = rows or "[]"
            finally:
                await connection.close()
        return name

    async def _is_emptied(self, name: str) -> bool:
        connection = await asyncpg.connect(self.address(name))
        try:
            await connection.fetch(_OTHERS, connection.get_server_pid())
            if await connection.fetchval(_SHAPE) != self._shape:
                return False
            # Not even the triggers that refuse to lose a line of the ledger look, and keys to other tables do not.
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(";".join(f"DELETE FROM {table}" for table in self._seeds))  # noqa: S608
            await connection.execute(self._sequences)
            for table, rows in self._seeds.items():
                if json.loads(rows):
                    sql = f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $1)"  # noqa: S608
                    await connection.execute(sql, rows)
        except asyncpg.PostgresError:
            return False
        finally:
            await connection.close()
        return True
