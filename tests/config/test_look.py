from __future__ import annotations

import os
from pathlib import Path

from clinx.config.look import look_at
from clinx.config.tree import TreeReader, default_tree
from support.tree import SMALL, tree


def test_two_looks_are_equal_when_what_they_saw_is(tmp_path: Path) -> None:
    root = tree(tmp_path, {"gateway.yaml": SMALL, "key": "first"})
    reader, key = TreeReader(root, default_tree()), root / "key"
    first = look_at(reader, [key])

    os.utime(root / "gateway.yaml", (0, 0))
    assert look_at(reader, [key]) == first

    key.write_text("second")
    assert look_at(reader, [key]) != first
    assert look_at(reader, []) != first
    key.write_text("first")
    (root / "gateway.yaml").write_text(f"{SMALL}# other\n")
    assert look_at(reader, [key]) != first


def test_a_secret_that_is_gone_is_seen_to_be(tmp_path: Path) -> None:
    reader = TreeReader(tree(tmp_path, {"gateway.yaml": SMALL, "key": "first"}), default_tree())
    there = look_at(reader, [tmp_path / "key"])

    (tmp_path / "key").unlink()

    assert look_at(reader, [tmp_path / "key"]) != there
