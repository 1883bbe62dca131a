from __future__ import annotations

from pathlib import Path

from clinx.config.effects import Served, compare
from clinx.config.tree import default_tree, read_tree
from clinx.relay.inquiries.plan_sections import Outcome, Side, sections
from support.tree import SMALL, compile_root, tree


def side(folder: Path, text: str) -> Served:
    root = tree(folder, {"gateway.yaml": text})
    return Served(read_tree(root, default_tree()), compile_root(root).snapshot)


def outcome(tmp_path: Path, after: str) -> Outcome:
    effects = compare(side(tmp_path / "a", SMALL), side(tmp_path / "b", after))
    return Outcome(Side("a", "1"), Side("b", "2"), effects)


def test_only_tables_with_rows_are_told(tmp_path: Path) -> None:
    found = outcome(tmp_path, SMALL.replace('output: "2"', 'output: "3"'))

    assert [(each.title, each.rows) for each in sections(found)] == [
        ("Prices", [("small", "", "output", "2", "3", "1000000", "+50%")])
    ]
    assert not found.is_empty


def test_the_same_tree_has_no_tables(tmp_path: Path) -> None:
    found = outcome(tmp_path, SMALL)

    assert (sections(found), found.is_empty) == ([], True)
