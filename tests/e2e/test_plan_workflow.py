"""The workflow in docs/github-actions, run by its own script over a repository with a pull request in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.git import git
from support.rehearsals import BEFORE
from support.tree import tree

SCRIPT = Path(__file__).parents[2] / "docs" / "github-actions" / "run-local.sh"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tree(tmp_path / "repository", BEFORE)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "what is served")
    return root


def run(root: Path, base: str | None = None) -> subprocess.CompletedProcess[str]:
    base = base or git(root, "rev-parse", "HEAD")
    tools = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "CLINX_STATE_DIR": str(root.parent / "none")}
    return subprocess.run(
        ["bash", str(SCRIPT), base], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def edit(root: Path, old: str, new: str) -> None:
    path = root / "gateway.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_change_within_its_bounds_is_commented_and_passes(repository: Path) -> None:
    edit(repository, 'input: "1", output: "2"', 'input: "1.1", output: "2"')

    ran = run(repository)

    assert ran.returncode == 0, ran.stderr
    assert "== Check\n== Plan\n== Comment\ngh pr comment 0 --edit-last --create-if-none --body-file /" in ran.stdout
    assert "Tokens were not looked at: no database at " in ran.stdout
    assert "clinx serve" not in ran.stdout
    assert git(repository, "status", "--porcelain") == "M gateway.yaml", "nothing is left in the tree"
    assert "| `small` |  | `input` | `1` | `1.1` | `1000000` | `+10%` |" in ran.stdout


def test_a_change_beyond_its_bounds_is_commented_and_fails(repository: Path) -> None:
    edit(repository, 'input: "1", output: "2"', 'input: "5", output: "2"')

    ran = run(repository)

    assert ran.returncode == 1
    assert "Denied: price_change > 20%: price_change is 400%" in ran.stdout


def test_what_is_no_plan_is_no_comment(repository: Path) -> None:
    ran = run(repository, "nowhere")

    assert ran.returncode == 1
    assert "nowhere is no folder and no revision" in ran.stderr
    assert "== Comment\n== Verdict\n" in ran.stdout


def test_a_tree_that_does_not_compile_fails_before_it_is_planned(repository: Path) -> None:
    edit(repository, "provider: echo", "provider: ecko")

    ran = run(repository)

    assert ran.returncode == 1
    assert "::error file=gateway.yaml" in ran.stdout
    assert "== Plan" not in ran.stdout
