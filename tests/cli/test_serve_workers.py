"""`clinx serve --workers`: small programs in the place of workers, then real ones."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from cli.test_serve import BROKEN, BROKEN_SAYS, DEADLINE, Served, serving
from clinx.cli import main, serve_workers
from clinx.cli.serve_workers import Crew
from support.counters import REDIS, needs_redis
from support.database import POSTGRES, _migrated_database, postgres_database
from support.fake_upstream import FakeUpstream
from support.gateway import chat, completion, tree_for
from support.tree import SMALL, tree

needs_postgres = pytest.mark.skipif(not POSTGRES, reason="CLINX_TEST_POSTGRES_URL is not set")
__all__ = ["_migrated_database", "postgres_database"]

SPEAKS = """
import os, pathlib, socket, sys
index, of, line, greets, folder = os.environ["_CLINX_WORKER"].split(" ", 4)
line = socket.socket(fileno=int(line))
test = socket.socket(socket.AF_UNIX)
test.connect(folder + "/test")
test.sendall(f"{index} {greets} {' '.join(sys.argv[1:])}\\n".encode())
"""
SERVES = SPEAKS + "line.sendall(b'r'); line.recv(1)"
"""Says that it serves, and goes when the line is closed."""
SECOND_CANNOT = SPEAKS + "sys.exit(1) if index == '1' else line.sendall(b'r'); line.recv(1)"
FIRST_CANNOT = SPEAKS + "sys.exit(0)"
"""Ends before it serves, if without a fault."""
SOON_DIES = SPEAKS + "line.sendall(b'r')"
LOOKS = (
    SPEAKS
    + """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
line.sendall(b'r')
signal.sigwait({signal.SIGHUP})
test.sendall(f"{index} looks\\n".encode())
test.recv(1)
test.sendall(f"{index} has looked\\n".encode())
line.sendall(b'l')
line.recv(1)
"""
)
"""Looks at the tree when it is told to, for as long as the test likes."""
LIMITED = """
- name: few
  limit: {requests: 60, per: 1h, of: user}
"""
APART_SAYS = (
    "policies/limits.yaml:3:10 E503 limit 'few' cannot be counted by 2 workers apart"
    " (Set CLINX_REDIS, or serve with one worker.)"
)


@dataclass
class Seen:
    """What the workers' programs say of themselves, and which of them are still there."""

    folder: Path
    said: list[str] = field(default_factory=list)
    here: int = 0
    patient: bool = False
    """Whether those that look at the tree are left to look."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(holds)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._change(1, (await reader.readline()).decode().strip())
        async for line in reader:
            await self._change(0, line.decode().strip())
            if not self.patient:
                writer.write(b"!")
        await self._change(-1)
        writer.close()

    async def _change(self, number: int, *said: str) -> None:
        async with self._changed:
            self.here += number
            self.said += said
            self._changed.notify_all()


@pytest.fixture
async def seen() -> AsyncGenerator[Seen]:
    with tempfile.TemporaryDirectory(prefix="clinx-") as folder:  # Of a short name: sockets have no longer ones.
        made = Seen(Path(folder))
        async with await asyncio.start_unix_server(made.hear, f"{folder}/test"):
            yield made


def crew(program: str, seen: Seen, count: int = 2) -> Crew:
    return Crew((sys.executable, "-c", program), count, seen.folder, ("--demo",))


async def test_a_worker_that_dies_is_started_again_and_greets_only_once(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_workers, "FIRST_PAUSE", 0.001)
    kept = crew(SERVES, seen)
    task = asyncio.Task(kept.run())
    await seen.until(lambda: len(seen.said) == 2)
    kept._running[0].process.kill()
    await seen.until(lambda: len(seen.said) == 3)
    kept._stop(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE):
        code = await task

    assert seen.said == ["0 1 --demo", "1 0", "0 0"]
    assert code == 0


@pytest.mark.parametrize(
    ("settled", "pauses"), [(60.0, [0.002, 0.004, 0.004]), (0.0, [0.001, 0.001, 0.001])], ids=["soon", "later"]
)
async def test_one_that_dies_soon_is_started_again_later_each_time(
    seen: Seen, settled: float, pauses: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, seconds in (("FIRST_PAUSE", 0.001), ("LONGEST_PAUSE", 0.004), ("SETTLED", settled)):
        monkeypatch.setattr(serve_workers, name, seconds)
    kept = crew(SOON_DIES, seen, count=1)
    task = asyncio.Task(kept.run())
    await seen.until(lambda: len(seen.said) == 4)
    kept._stop(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE):
        await task

    died = [record for record in caplog.records if record.msg == "worker.died"]
    assert [vars(record)["again_in_seconds"] for record in died[:3]] == pauses


async def test_workers_look_at_the_tree_one_after_another(seen: Seen, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "clinx.workers")
    kept = crew(LOOKS, seen, count=3)
    task = asyncio.Task(kept.run())
    await seen.until(lambda: len(seen.said) == 3)
    signal.raise_signal(signal.SIGHUP)
    await seen.until(lambda: len(seen.said) == 9)
    kept._stop(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE):
        code = await task

    assert seen.said[3:] == [f"{index} {does}" for index in range(3) for does in ("looks", "has looked")]
    assert code == 0


async def test_one_that_looks_for_too_long_does_not_keep_the_others(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_workers, "LOOKED_SECONDS", 0.01)
    seen.patient = True
    kept = crew(LOOKS, seen)
    task = asyncio.Task(kept.run())
    await seen.until(lambda: len(seen.said) == 2)
    signal.raise_signal(signal.SIGHUP)
    await seen.until(lambda: len(seen.said) == 4)
    kept._stop(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE):
        await task

    assert sorted(seen.said[2:]) == ["0 looks", "1 looks"]


@pytest.mark.parametrize(("program", "said"), [(FIRST_CANNOT, ["0 1 --demo"]), (SECOND_CANNOT, ["0 1 --demo", "1 0"])])
async def test_when_one_cannot_start_in_the_first_place_none_is_left(seen: Seen, program: str, said: list[str]) -> None:
    async with asyncio.timeout(DEADLINE):
        code = await crew(program, seen).run()
    await seen.until(lambda: seen.here == 0)

    assert (code, seen.said) == (1, said)


async def test_workers_go_when_the_process_that_keeps_them_is_gone(seen: Seen) -> None:
    program = (
        "import asyncio, pathlib, sys; from clinx.cli.serve_workers import Crew;"
        "asyncio.run(Crew((sys.executable, '-c', sys.argv[1]), 2, pathlib.Path(sys.argv[2])).run())"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, SERVES, str(seen.folder))
    await seen.until(lambda: seen.here == 2)
    parent.kill()
    await parent.wait()

    await seen.until(lambda: seen.here == 0)


def test_a_sqlite_file_is_served_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--workers", "2", "--root", str(tmp_path)]) == 1

    assert "several workers need PostgreSQL" in capsys.readouterr().err


def test_a_port_that_somebody_has_is_not_shared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINX_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code = main(["serve", "--workers", "2", "--root", str(tmp_path), "--port", str(port)])

    assert code == 1
    assert "Address already in use" in capsys.readouterr().err


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a database that nobody is asked for."""
    monkeypatch.setenv("CLINX_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
    monkeypatch.delenv("CLINX_REDIS", raising=False)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"gateway.yaml": BROKEN}, BROKEN_SAYS),
        ({"gateway.yaml": SMALL, "policies/limits.yaml": LIMITED}, APART_SAYS),
    ],
    ids=["broken", "not-to-be-counted-apart"],
)
def test_what_workers_cannot_serve_is_said_once_before_any_is_started(
    files: dict[str, str],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serve_workers, "Crew", None)

    assert main(["serve", "--workers", "2", "--root", str(tree(tmp_path, files)), "--port", "0"]) == 1
    assert capsys.readouterr().err == f"{says}\n"


@pytest.mark.usefixtures("nowhere")
def test_over_a_broken_tree_the_workers_find_out_what_was_good_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, ...]] = []

    @dataclass
    class Started:
        command: tuple[str, ...]
        count: int
        folder: Path
        first: tuple[str, ...]

        async def run(self) -> int:
            started.append(self.command[3:])
            return 0

    monkeypatch.setattr(serve_workers, "Crew", Started)
    root = tree(tmp_path, {"gateway.yaml": BROKEN})

    assert main(["serve", "--workers", "2", "--root", str(root), "--port", "0", "--last-good"]) == 0
    [command] = started
    assert command[:-1] == ("serve", "--root", str(root), "--last-good", "--port")


@pytest.fixture
async def upstream() -> AsyncGenerator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server.answers(json=completion())


def working(folder: Path, database: str, *arguments: str, redis: str = "") -> AbstractAsyncContextManager[Served]:
    """Two workers over the tree in a folder."""
    return serving(
        folder, *arguments, CLINX_DATABASE_URL=database, CLINX_WORKERS="2", CLINX_REDIS=redis, UPSTREAM_KEY="k"
    )


@needs_postgres
@pytest.mark.postgres
async def test_each_worker_has_a_journal_and_a_revision_and_all_of_them_follow_a_changed_tree(
    tmp_path: Path, postgres_database: str
) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    async with working(tmp_path, postgres_database) as served:
        await served.is_up()
        await served.logs("worker.started")
        await served.logs("worker.serves")
        before = revisions(await metrics(served))
        tree(root, {"gateway.yaml": SMALL + "# again\n"})
        served.told(signal.SIGHUP)
        reloaded = [(await served.logs("config.reloaded"))["revision"] for _ in range(2)]
        after = revisions(await metrics(served))
        served.told(signal.SIGTERM)
        code = await served.ends()

    assert before == {("0", served.revision), ("1", served.revision)}
    assert after == {(str(index), revision) for index, revision in enumerate(reloaded)}
    assert set(reloaded) == {reloaded[0]} != {served.revision}
    assert sorted(path.name for path in (tmp_path / "state" / "journal").iterdir() if path.is_dir()) == ["0", "1"]
    assert code == 0


@needs_postgres
@pytest.mark.postgres
@needs_redis
async def test_calls_go_on_while_a_worker_is_killed_and_comes_back_and_limits_hold_across_workers(
    tmp_path: Path, postgres_database: str, upstream: FakeUpstream
) -> None:
    limits = LIMITED.replace("few", f"few-{os.urandom(8).hex()}")
    tree(tmp_path / "tree", {**tree_for(upstream.url), "policies/limits.yaml": limits})
    async with working(tmp_path, postgres_database, "--demo", redis=REDIS) as served:
        await served.is_up()
        key = await served.key()
        second = (await served.logs("worker.started"))["pid"]
        await served.logs("worker.serves")
        before = [await call(served, key) for _ in range(10)]
        os.kill(second, signal.SIGKILL)
        await served.logs("worker.died")
        during = [await call(served, key) for _ in range(10)]
        await served.logs("worker.serves")
        after = [status for _ in range(6) for status in await asyncio.gather(*(call(served, key) for _ in range(10)))]
        figures = await metrics(served)
        served.told(signal.SIGTERM)
        code = await served.ends()

    assert before == during == [200] * 10
    assert sorted(after) == [200] * 40 + [429] * 20
    assert set(re.findall(r'clinx_exchanges_total\{.*worker="(\d)"\}', figures)) == {"0", "1"}
    assert code == 0


async def call(served: Served, key: str) -> int:
    """Call over a connection of its own: the kernel deals connections out, not calls."""
    url, headers = f"{served.url}/v1/chat/completions", {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session, session.post(url, json=chat(), headers=headers) as answer:
        await answer.read()
        return answer.status


async def metrics(served: Served) -> str:
    async with served.session.get(f"{served.url}/-/metrics") as answer:
        return await answer.text()


def revisions(figures: str) -> set[tuple[str, str]]:
    """Which worker serves which revision."""
    found = re.findall(r'^clinx_config_revision_info\{revision="(\w+)",worker="(\d)"\} 1', figures, re.MULTILINE)
    return {(worker, revision) for revision, worker in found}
