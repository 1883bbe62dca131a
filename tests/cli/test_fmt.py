from pathlib import Path

import pytest

from clinx.cli import main
from support.tree import SMALL, tree

MESSY = "provider: mine\nextends:   echo\nsettings:\n      a: { default: b }\n"
NEAT = "provider: mine\nextends:   echo\nsettings:\n  a: {default: b}\n"


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path))
    return tree(tmp_path, {"gateway.yaml": SMALL, "providers/mine.yaml": MESSY})


def test_a_check_names_what_would_change_and_changes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", "--check"]) == 1

    assert capsys.readouterr().out == f"{root / 'providers/mine.yaml'}\n"
    assert (root / "providers/mine.yaml").read_text() == MESSY


def test_the_files_of_the_tree_are_laid_out_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt"]) == 0
    assert capsys.readouterr().out == f"{root / 'providers/mine.yaml'}\n"
    assert (root / "providers/mine.yaml").read_text() == NEAT

    assert main(["fmt"]) == 0
    assert main(["fmt", "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_only_the_named_files_are_touched(root: Path) -> None:
    other = root / "other.yaml"
    other.write_text("a:   {b: 1 }\n")

    assert main(["fmt", str(other)]) == 0

    assert other.read_text() == "a:   {b: 1}\n"
    assert (root / "providers/mine.yaml").read_text() == MESSY


def test_a_broken_file_is_reported_and_does_not_hide_the_others(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "gateway.yaml").write_text("a: [")

    assert main(["fmt"]) == 1

    captured = capsys.readouterr()
    assert captured.out == f"{root / 'providers/mine.yaml'}\n"
    assert f"{root / 'gateway.yaml'}:" in captured.err
    assert "E101" in captured.err


def test_a_file_or_a_folder_that_is_not_there_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", str(root / "nope.yaml")]) == 1
    assert "nope.yaml: No such file or directory" in capsys.readouterr().err

    monkeypatch.setenv("CLINX_ROOT", str(root / "nowhere"))
    assert main(["fmt"]) == 2
