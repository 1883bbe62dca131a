from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from clinx.config.last_good import MOST, LastGood
from clinx.config.tree import Tree, default_tree, read_tree
from support.git import git
from support.tree import SMALL, tree


def read(root: Path, text: str) -> Tree:
    files = {"gateway.yaml": "include: [parts/a.yaml]\n" + text, "parts/a.yaml": "groups: {vip: {}}\n"}
    return read_tree(tree(root, files), default_tree())


def test_what_is_kept_is_complete_and_the_same_revision(tmp_path: Path) -> None:
    kept = LastGood(tmp_path / "state")
    original = read(tmp_path / "tree", SMALL)
    assert kept.read() is None

    kept.keep(original)
    copy = kept.read()

    assert copy is not None
    assert (copy.id, copy.files, copy.included, copy.is_builtin) == (
        original.id,
        original.files,
        ("parts/a.yaml",),
        False,
    )


def test_a_newer_tree_replaces_the_older_copy(tmp_path: Path) -> None:
    kept = LastGood(tmp_path / "state")
    for text in (SMALL, SMALL + "# 2", SMALL + "# 3", SMALL + "# 3"):
        last = read(tmp_path / "tree", text)
        kept.keep(last)

    copy = kept.read()
    assert copy is not None
    assert copy.id == last.id
    assert kept.history()[0].revision == last.id


def test_a_clock_that_went_back_does_not_drop_the_newest(tmp_path: Path) -> None:
    kept = LastGood(tmp_path / "state")
    trees = [read(tmp_path / "tree", f"{SMALL}# {number}") for number in range(MOST)]
    for ahead, old in enumerate(trees, 4_000_000_000):
        kept.keep(old)
        os.utime(tmp_path / "state" / "last-good.d" / old.id, (ahead, ahead))

    newest = read(tmp_path / "tree", f"{SMALL}# newest")
    kept.keep(newest)

    copy, history = kept.read(), kept.history()
    assert copy is not None
    assert (copy.id, len(history)) == (newest.id, MOST)
    assert [each.revision for each in history[:2]] == [newest.id, trees[-1].id]


def test_what_a_sibling_drops_meanwhile_is_no_part_of_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = LastGood(tmp_path / "state")
    kept.keep(first := read(tmp_path / "tree", SMALL))
    kept.keep(second := read(tmp_path / "tree", SMALL + "# 2"))
    listed = Path.iterdir

    def dropped(folder: Path) -> list[Path]:
        found = list(listed(folder))
        if folder.name == "last-good.d":
            shutil.rmtree(folder / first.id)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", dropped)
        assert [each.revision for each in kept.history()] == [second.id]


def test_only_the_owner_reads_the_copies(tmp_path: Path) -> None:
    LastGood(tmp_path / "state").keep(read(tmp_path / "tree", SMALL))
    folder = tmp_path / "state" / "last-good.d"

    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_failed_write_leaves_what_was_kept(tmp_path: Path) -> None:
    kept = LastGood(tmp_path / "state")
    first = read(tmp_path / "tree", SMALL)
    kept.keep(first)
    (tmp_path / "state" / f"last-good.{os.getpid()}.new").mkdir()

    with pytest.raises(OSError):
        kept.keep(read(tmp_path / "tree", SMALL + "# 2"))

    copy = kept.read()
    assert copy is not None
    assert copy.id == first.id


def test_the_history_is_complete_and_in_the_order_of_service(tmp_path: Path) -> None:
    kept = LastGood(tmp_path / "state")
    trees = [read(tmp_path / "tree", SMALL + f"# {number}") for number in range(MOST + 2)]
    for each in trees:
        kept.keep(each)
    kept.keep(trees[10])

    assert [each.revision for each in kept.history()] == [
        trees[10].id,
        *(t.id for t in trees[:10:-1]),
        *(t.id for t in trees[9:1:-1]),
    ]
    found = kept.find(trees[5].id)
    assert found is not None
    assert found.files == trees[5].files


@pytest.mark.parametrize("revision", ["0123456789ab", "..", "../last-good.d", ""])
def test_what_is_not_in_the_history_is_not_found(tmp_path: Path, revision: str) -> None:
    kept = LastGood(tmp_path / "state")
    kept.keep(read(tmp_path / "tree", SMALL))

    assert kept.find(revision) is None


def test_a_copy_that_was_changed_is_not_what_it_was(tmp_path: Path) -> None:
    kept = LastGood(tmp_path / "state")
    original = read(tmp_path / "tree", SMALL)
    kept.keep(original)
    (tmp_path / "state" / "last-good.d" / original.id / "gateway.yaml").write_text(SMALL + "# forged")

    assert kept.find(original.id) is None


def test_the_history_says_which_commit_a_tree_was(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    kept = LastGood(tmp_path / "state")

    kept.keep(read_tree(root, default_tree()))

    assert [each.commit for each in kept.history()] == [git(root, "rev-parse", "HEAD")]
