"""What is left of a broken entry without its broken parts: it is never served, only searched for further faults.

One fault must not hide another in the same entry. What was left out may leave something missing, so findings of that
kind (`independent` drops them) say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from clinx.config.diagnostics import Diagnostic, errors
from clinx.config.nodes import Node

Shaped = TypeVar("Shaped", bound=BaseModel)
Path = tuple[str | int, ...]

_STAND_INS: Final[Mapping[str, str]] = {"name": "unnamed", "provider": "unnamed", "path": "/"}
"""Values for required keys that are missing: what stands beside them is worth a look."""

_ABSENCES: Final = frozenset({"E205", "E212", "E302", "E305"})
"""Findings that may come from a part that was left out."""

_MOST_PASSES: Final = 8
"""Faults can be inside each other, but not deeper than a document's shape."""


def salvage(node: Node, shape: type[Shaped]) -> tuple[Node, Shaped] | None:
    """Return the sound rest of a node and its typed value; None when nothing is left."""
    for _ in range(_MOST_PASSES):
        try:
            return node, shape.model_validate(node.plain())
        except ValidationError as error:
            places = {_place(node, each) for each in error.errors(include_url=False)}
        if () in places:
            return None
        # From the back: leaving out an item of a list must not move those that are still to go.
        for path in sorted(places, key=_order, reverse=True):
            node = _mended(node, path)
    return None


def independent(found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield those findings about a rest that cannot come from what was left out."""
    yield from (each for each in errors(found) if each.code not in _ABSENCES)


def _place(node: Node, error: Any) -> Path:
    """Return the deepest part of the document that an error is about, or the missing key that can be stood in for."""
    path: list[str | int] = []
    for part in error["loc"]:
        # The name of a variant is not a key: stay where we are.
        if (below := node.child(part)) is not None:
            node = below
            path.append(part)
    last = error["loc"][-1] if error["loc"] else ""
    return (*path, last) if error["type"] == "missing" and last in _STAND_INS else tuple(path)


def _order(path: Path) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in path]


def _mended(node: Node, path: Path) -> Node:
    """Return the node without the part at this path, or with a stand-in where the path leads to a missing key."""
    part, *rest = path
    if isinstance(node.value, list):
        items = [_mended(each, tuple(rest)) if rest and i == part else each for i, each in enumerate(node.value)]
        kept = [each for i, each in enumerate(items) if rest or i != part]
        return Node(kept, node.mark, node.keys, 1 + sum(each.size for each in kept))
    entries = dict(node.map)
    below = entries.pop(str(part), None)
    if rest and below is not None:
        entries[str(part)] = _mended(below, tuple(rest))
    elif below is None and part in _STAND_INS:
        entries[str(part)] = Node(_STAND_INS[str(part)], node.mark)
    return node.with_entries(entries, node.keys)
