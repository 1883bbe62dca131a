from pathlib import Path

import pytest

from clinx.cli import main
from support.git import git
from support.tree import SMALL, tree


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path))
    return tree(tmp_path, {"gateway.yaml": "# mine\n" + SMALL})


def test_a_proposal_is_a_patch_that_git_takes_and_nothing_is_written(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (root / "gateway.yaml").read_text()

    assert main(["propose", "models.small.price.input", '"2.50"']) == 0

    patch = capsys.readouterr().out
    assert (root / "gateway.yaml").read_text() == before
    (root / "change.patch").write_text(patch)
    git(root, "apply", "change.patch")
    assert (root / "gateway.yaml").read_text() == before.replace('input: "1"', 'input: "2.50"')


def test_a_proposal_can_be_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["propose", "channels.main.weight", "5", "--write"]) == 0
    assert "weight: 5}" in (root / "gateway.yaml").read_text()
    assert main(["propose", "channels.main.weight", "--delete", "--write"]) == 0

    assert (root / "gateway.yaml").read_text() == "# mine\n" + SMALL
    assert capsys.readouterr().out.count("--- a/gateway.yaml\n+++ b/gateway.yaml\n") == 2


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["channels.main.provider", "ecko"], 1, 'unknown provider "ecko"'),
        (["channels.mian.weight", "1"], 1, 'did you mean "main"?'),
        (["channels.main.weight", "[1"], 1, "is not a value"),
        (["channels.main.weight"], 2, "give a value, or --delete"),
        (["channels.main.weight", "1", "--delete"], 2, "give a value, or --delete"),
    ],
)
def test_what_cannot_be_served_is_not_proposed(
    root: Path, argv: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["propose", *argv, "--write"]) == code

    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert (root / "gateway.yaml").read_text() == "# mine\n" + SMALL


def test_there_must_be_a_tree_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path / "empty"))

    assert main(["propose", "currency", "EUR"]) == 1
    assert "there is no tree in" in capsys.readouterr().err
