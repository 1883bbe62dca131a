"""What was seen of a tree at one moment. Content decides whether anything changed, never times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clinx.config.secrets import fingerprint
from clinx.config.tree import Tree, TreeReader


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment; two looks are equal when their contents are."""

    tree: Tree = field(compare=False)
    id: str
    secrets: Mapping[Path, str]
    """Files that the compiled trees refer to, by their fingerprints."""


def look_at(reader: TreeReader, secrets: Iterable[Path]) -> Look:
    """Read the tree and these secret files; blocks on files."""
    seen = {path: fingerprint(path) for path in secrets}
    tree = reader.read()
    return Look(tree, tree.id, seen)
