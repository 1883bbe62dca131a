import asyncio
import shutil
from pathlib import Path

import pytest

from clinx.cli import main
from clinx.storage.migrate import migrate
from support.tree import SMALL


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "clinx.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(autouse=True)
def _tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, migrated: Path) -> None:
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path))
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)
    (tmp_path / "gateway.yaml").write_text(SMALL)
    (tmp_path / "state").mkdir()
    shutil.copy(migrated, tmp_path / "state" / "clinx.db")


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def put(capsys: pytest.CaptureFixture[str], path: str, value: str, end: str = "2h") -> tuple[int, str, str]:
    return run(capsys, "override", "set", path, value, "--reason", "vendor is down", "--for", end, "--actor", "ann")


def test_an_override_is_set_listed_and_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = put(capsys, "channels.main.disabled", "true")
    assert (code, err) == (0, "")
    assert out.startswith("override 1: channels.main.disabled=true until 20")

    code, out, _ = run(capsys, "override", "list")
    assert out.splitlines()[1].split("  ")[:2] == ["1", " channels.main.disabled=true"]
    assert "ann" in out
    assert "vendor is down" in out

    assert run(capsys, "override", "drop", "1")[:2] == (0, "dropped override 1: channels.main.disabled=true\n")
    assert run(capsys, "override", "list")[1].count("\n") == 1
    assert "channels.main.disabled=true" in run(capsys, "override", "list", "--all")[1]
    assert run(capsys, "override", "drop", "1")[0] == 1


def test_a_later_override_of_the_same_aspect_takes_the_place_of_the_earlier(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(capsys, "channels.main.weight", "0")
    put(capsys, "channels.main.weight", "7")
    put(capsys, "channels.main.priority", "-3")

    out = run(capsys, "override", "list")[1]

    assert [line.split()[1] for line in out.splitlines()[1:]] == ["channels.main.weight=7", "channels.main.priority=-3"]


@pytest.mark.parametrize(
    ("path", "value", "end", "said"),
    [
        ("channels.mian.disabled", "true", "2h", "no channel 'mian'; did you mean \"main\"?"),
        ("channels.main.disabled", "1", "2h", "expected true or false"),
        ("channels.main.weight", "1000001", "2h", "expected a whole number from 0 to 1000000"),
        ("channels.main.priority", "high", "2h", "expected a whole number from -1000000"),
        ("channels.main.weight", "1", "8d", "at most 7 days"),
        ("channels.main.weight", "1", "2020-01-01", "at most 7 days"),
    ],
)
def test_a_wrong_override_is_refused_and_nothing_is_written(
    path: str, value: str, end: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = put(capsys, path, value, end)

    assert (code, out) == (1, "")
    assert said in err
    assert run(capsys, "override", "list", "--all")[1].count("\n") == 1


def test_a_reason_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["override", "set", "channels.main.weight", "1", "--reason", " ", "--for", "2h"]
    assert main(argv) == 1
    assert "--reason must say why" in capsys.readouterr().err


def test_a_path_that_leads_nowhere_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        put(capsys, "channels.main.tags", "x")
    assert caught.value.code == 2


def test_a_span_that_cannot_be_is_answered_with_one_that_can(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        put(capsys, "channels.main.weight", "1", "5s")
    assert "not a span such as 30m or 2h, nor a date such as 2030-01-31: '5s'" in capsys.readouterr().err


def test_a_broken_tree_does_not_stand_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gateway.yaml").write_text("nonsense: [")

    code, _, err = put(capsys, "channels.main.disabled", "true")

    assert code == 0
    assert "whether there is a channel 'main' is not known" in err
