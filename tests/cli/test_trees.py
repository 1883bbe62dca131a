from __future__ import annotations

from pathlib import Path

import pytest

from clinx.cli.trees import NoTreeError, earlier, folder_of, own
from clinx.config.last_good import LastGood
from clinx.config.tree import default_tree, read_tree
from support.git import git
from support.rehearsals import AFTER, BEFORE
from support.tree import tree


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def test_the_root_document_names_its_folder(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", BEFORE)

    assert folder_of(root / "gateway.yaml") == root
    assert own(root).name == str(root)
    with pytest.raises(NoTreeError, match="no folder"):
        folder_of(tmp_path / "nowhere")


def test_a_tree_is_compared_with_the_one_served_last(tmp_path: Path, state: Path) -> None:
    before, after = tree(tmp_path / "a", BEFORE), tree(tmp_path / "b", AFTER)
    kept = read_tree(before, default_tree())
    LastGood(state).keep(kept)

    assert earlier(after, None).tree.id == kept.id
    assert earlier(after, kept.id[:6]).name == f"revision {kept.id}"
    assert earlier(after, str(before)).name == str(before)


def test_where_nothing_was_served_the_committed_tree_counts_wherever_it_lies_in_the_repository(tmp_path: Path) -> None:
    root = tree(tmp_path / "repository" / "deep", BEFORE)
    git(tmp_path / "repository", "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    committed = own(root)
    tree(root, AFTER)

    assert earlier(root, None).snapshot.channels == committed.snapshot.channels
    assert earlier(root, "HEAD").tree.id == committed.tree.id
    assert own(root).tree.id != committed.tree.id
    with pytest.raises(NoTreeError, match="--all is no folder and no revision"):
        earlier(root, "--all")


def test_without_any_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(NoTreeError, match="nothing to compare with"):
        earlier(tree(tmp_path / "tree", BEFORE), None)
