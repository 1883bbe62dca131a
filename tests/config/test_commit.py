from __future__ import annotations

from pathlib import Path

import pytest

from clinx.config.commit import checked_out
from support.git import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "deploy").mkdir(parents=True)
    (root / "deploy" / "gateway.yaml").write_text("version: 1\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    return root


def test_a_branch_a_detached_head_and_a_packed_one_name_the_commit(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")

    assert checked_out(repository) == commit
    git(repository, "checkout", "-q", "--detach")
    assert checked_out(repository) == commit
    git(repository, "checkout", "-q", "main")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git/refs/heads/main").exists()
    assert checked_out(repository) == commit


def test_a_folder_inside_a_repository_belongs_to_it(repository: Path) -> None:
    assert checked_out(repository / "deploy") == git(repository, "rev-parse", "HEAD")


def test_a_linked_work_tree_names_its_own_commit(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    (tmp_path / "linked" / "more.yaml").write_text("")
    git(tmp_path / "linked", "add", ".")
    git(tmp_path / "linked", "commit", "-q", "-m", "two")

    assert checked_out(tmp_path / "linked") == git(repository, "rev-parse", "other")
    assert checked_out(repository) == git(repository, "rev-parse", "main")


def test_no_repository_or_a_broken_one_has_no_commit(tmp_path: Path) -> None:
    assert checked_out(tmp_path / "nowhere") is None
    (tmp_path / ".git").mkdir()
    assert checked_out(tmp_path) is None
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/none\n")
    assert checked_out(tmp_path) is None
    (tmp_path / ".git" / "HEAD").write_text("nonsense")
    assert checked_out(tmp_path) is None
