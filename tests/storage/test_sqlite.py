import sqlite3
import stat
from pathlib import Path

import pytest

from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageUnavailable
from clinx.storage.migrate import migrate
from clinx.storage.program import Program, execute, fetch
from clinx.storage.sqlite import SqliteEngine, translated_errors


async def test_the_file_is_nobody_elses_to_read(tmp_path: Path):
    path = tmp_path / "state" / "clinx.db"
    database = await Database.connect(f"sqlite:///{path}")
    await database.close()

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_commit_survives_power_loss_by_its_settings(tmp_path: Path):
    database = await Database.connect(f"sqlite:///{tmp_path / 'clinx.db'}")

    async def pragma(name: str) -> object:
        def program() -> Program[object]:
            return (yield from fetch(f"PRAGMA {name}"))[0][0]

        return await database.atomically(program())

    assert [await pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")] == [
        "wal",
        2,
        1,
        5000,
    ]
    await database.close()


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StorageUnavailable) as caught:
        await Database.connect(f"sqlite:///{tmp_path / 'file' / 'clinx.db'}")

    assert str(caught.value) == f"the database cannot be used now ({tmp_path / 'file' / 'clinx.db'}: File exists)"


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path):
    (tmp_path / "clinx.db").write_bytes(b"this is not SQLite" * 100)

    with pytest.raises(StorageUnavailable):
        await Database.connect(f"sqlite:///{tmp_path / 'clinx.db'}")


async def test_a_transaction_begins_with_the_write_lock(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'clinx.db'}"
    await migrate(url)
    engine = SqliteEngine(tmp_path / "clinx.db")
    other = sqlite3.connect(tmp_path / "clinx.db", isolation_level=None, timeout=0)

    def program() -> Program[str]:
        yield from fetch("SELECT 1")
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return str(error)
        return "no lock"

    other.close()
    other = sqlite3.connect(tmp_path / "clinx.db", isolation_level=None, timeout=0, check_same_thread=False)
    assert await engine.run(program()) == "database is locked"
    await engine.close()
    other.close()


async def test_a_busy_file_is_a_conflict_and_the_next_program_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("clinx.storage.sqlite.PRAGMAS", {"busy_timeout": "0"})
    path = tmp_path / "clinx.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN IMMEDIATE")
    engine = SqliteEngine(path)

    def program() -> Program[int]:
        return (yield from execute("INSERT INTO t VALUES ($1)", 1))

    with pytest.raises(StorageConflict):
        await engine.run(program())
    other.execute("ROLLBACK")
    assert await engine.run(program()) == 1

    await engine.close()
    other.close()


async def test_a_full_disk_is_unavailable_and_nothing_is_kept(tmp_path: Path):
    engine = SqliteEngine(tmp_path / "clinx.db")

    def fill() -> Program[None]:
        yield from execute("CREATE TABLE t (x)")
        yield from fetch("PRAGMA max_page_count = 3")
        for _ in range(100):
            yield from execute("INSERT INTO t VALUES ($1)", "x" * 1000)

    def tables() -> Program[int]:
        return len((yield from fetch("SELECT name FROM sqlite_master")))

    with pytest.raises(StorageUnavailable, match=r"clinx\.db: database or disk is full"):
        await engine.run(fill())

    assert await engine.run(tables()) == 0
    await engine.close()


def test_other_failures_of_the_driver_are_unavailability():
    with pytest.raises(StorageUnavailable) as caught, translated_errors("x.db"):
        raise sqlite3.NotSupportedError

    assert str(caught.value) == "the database cannot be used now (x.db: NotSupportedError)"
