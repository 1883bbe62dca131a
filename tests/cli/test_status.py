import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.running import command, commanded, served
from clinx.cli.status import Status, as_text
from clinx.domain.override import Aspect, Override
from support.tree import SMALL


async def test_the_state_of_all_is_on_one_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch) as running:
        override = ("override", "set", "channels.main.weight", "0", "--reason", "slow", "--for", "1h", "--actor", "ann")
        assert await command(*override) == 0
        running.write("gateway.yaml", SMALL + "nonsense: 1\n")
        assert await command("apply", "--wait", "--timeout", "20s") == 1
        capsys.readouterr()

        assert await command("status", "--url", running.url) == 0
        lines = capsys.readouterr().out.splitlines()

    assert lines[0].split() == ["HOST", "NODE", "URL", "REVISION", "COMMIT", "SINCE", "(UTC)", "LAST", "LOOK", "SEEN"]
    assert lines[1].split()[2:4] == [running.url, served(running)]
    assert "FAILED" in lines[1]
    assert lines[2].endswith('gateway.yaml:6:1 E301 unknown key "nonsense"')
    assert lines[3].startswith("override 1: channels.main.weight=0 until 20")
    assert lines[3].endswith("by ann: slow")
    assert lines[4] == f"channels as {lines[1].split()[1]} sees them:"
    assert lines[5].split() == ["CHANNEL", "OVERRIDES", "CREDENTIAL", "MODEL", "STATE", "CAUSE", "IN", "FLIGHT"]
    assert lines[6].split() == ["main", "weight=0", "-", "-", "unused", "-", "0"]


async def test_programs_read_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch) as running:
        assert await command("apply", "--wait", "--timeout", "20s") == 0
        capsys.readouterr()
        assert await command("status", "--format", "json") == 0
        status = json.loads(capsys.readouterr().out)

    (process,) = status["processes"]
    assert (process["revision"], process["ok"], process["alive"], process["trial"]) == (
        served(running),
        True,
        True,
        None,
    )
    assert (status["rejections"], status["overrides"], status["channels"]) == ([], [], None)


async def test_a_gateway_that_cannot_be_asked_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch):
        assert await command("status", "--url", "http://127.0.0.1:9") == 1
    assert "http://127.0.0.1:9/-/channels cannot be asked" in capsys.readouterr().err


async def test_without_a_process_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch):
        pass

    assert await command("status") == 0
    assert capsys.readouterr().out == "no process serves\n"


def test_a_circuit_that_is_open_says_for_how_long() -> None:
    way = {"credential": "0123abcd", "model": "m", "state": "open", "next_look_seconds": 11.6}

    told = as_text(
        Status(datetime(2030, 1, 1, tzinfo=UTC), [], {}, [], [{"name": "a", "overrides": [], "ways": [way]}])
    )

    assert "open, next look in 12s" in told


def test_anybody_s_text_does_nothing_to_a_terminal() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    way = {"credential": "0123abcd", "model": "any-\x1b[2J", "state": "open", "is_current": False}
    override = Override("main", Aspect.WEIGHT, 0, "slow\n\x1b[2J", "ann", now, now, 7)

    told = as_text(Status(now, [], {}, [override], [{"name": "main", "overrides": [], "ways": [way]}]))

    assert "\x1b" not in told
    lines = told.splitlines()
    assert lines[1] == "override 7: channels.main.weight=0 until 2030-01-01 00:00:00, by ann: slow��[2J"
    assert re.split("  +", lines[-1])[2:5] == ["0123abcd", "any-�[2J", "open (of another tree)"]
