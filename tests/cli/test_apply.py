from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from cli.running import command, commanded, served
from clinx.cli.apply import Progress, progress, report
from clinx.config.tree import default_tree, read_tree
from clinx.domain.revision import Served, Standing
from support.database import START
from support.tree import SMALL

FRESH = Served(
    "node_1", "host", "http://x", "old", None, START, ok=True, tree="old", diagnostics=(), error=None, seen_at=START
)
ME = replace(FRESH, answered="asked")
TRIAL = Standing("new", "10%", START, START + timedelta(minutes=10), 1, 0, 9, 0)


async def test_waiting_ends_when_the_tree_on_disk_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch) as running:
        old = served(running)
        running.write("gateway.yaml", SMALL + "# new\n")

        assert await command("apply", "--wait", "--timeout", "20s") == 0

        assert served(running) == read_tree(running.root, default_tree()).id != old
        assert capsys.readouterr().out.endswith(f": serves {served(running)}\n")


async def test_a_tree_that_is_refused_is_reported_with_its_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch) as running:
        running.write("gateway.yaml", SMALL + "nonsense: 1\n")

        assert await command("apply", "--wait", "--timeout", "20s") == 1

    out = capsys.readouterr().out
    assert f"serves {served(running)}, refuses " in out
    assert 'gateway.yaml:6:1 E301 unknown key "nonsense"' in out


async def test_without_waiting_the_processes_are_only_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch):
        assert await command("apply") == 0

    assert "every process is asked to look" in capsys.readouterr().out


async def test_nobody_to_ask_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch):
        pass

    assert await command("apply", "--wait") == 1
    assert capsys.readouterr().out == "no process serves\n"


@pytest.mark.parametrize(
    ("me", "expected", "line"),
    [
        (replace(ME, revision="new", tree="new"), Progress.DONE, "host node_1: serves new"),
        (replace(ME, trial=TRIAL, tree="new"), Progress.DONE, "host node_1: tries new on 10% until"),
        (ME, Progress.WAITING, "host node_1: serves old, its own tree is old"),
        (replace(ME, answered=None), Progress.WAITING, "host node_1: serves old, has not answered"),
        (replace(ME, ok=False, tree="new", error="no"), Progress.FAILED, "host node_1: serves old, refuses new:"),
        (replace(ME, ok=False, tree="new", answered="earlier"), Progress.WAITING, "host node_1: serves old, has not"),
    ],
)
def test_how_far_a_process_is(me: Served, expected: Progress, line: str) -> None:
    assert progress(me, "new", "asked") is expected
    assert report([me], "new", "asked")[0].startswith(line)
