from __future__ import annotations

import stat
from pathlib import Path

import pytest

from clinx.config.last_good import LastGood
from clinx.config.tree import Tree, default_tree, read_tree
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
    assert [path.name for path in (tmp_path / "state" / "last-good.d").iterdir()] == [last.id]


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
    (tmp_path / "state" / "last-good.new").mkdir()

    with pytest.raises(OSError):
        kept.keep(read(tmp_path / "tree", SMALL + "# 2"))

    copy = kept.read()
    assert copy is not None
    assert copy.id == first.id
