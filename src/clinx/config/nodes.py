"""Values of a document with the place each was written at, and how one inherits from another.

A `Node` keeps the position of every key and value, across inheritance, so that a finding about a merged channel
points at the line that said it, whichever file that is in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from clinx.config.diagnostics import Diagnostic

Scalar = str | int | bool | Decimal | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def finding(self, code: str, message: str, hint: str | None = None) -> Diagnostic:
        """Report something about this place."""
        return Diagnostic(self.file, self.line, self.column, code, message, hint)


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list of nodes or a map of nodes. Treat ``value`` as immutable: aliases share it."""

    value: Scalar | list[Node] | dict[str, Node]
    mark: Mark
    keys: Mapping[str, Mark] = field(default_factory=dict[str, Mark])
    """Where each key of a map was written."""
    size: int = 1
    """Number of nodes after expanding aliases; what bounds the work of everyone who walks this."""

    @property
    def map(self) -> dict[str, Node]:
        """The map, or an empty one if this is something else (which the schema reports)."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The list, or an empty one if this is something else."""
        return self.value if isinstance(self.value, list) else []

    def at(self, path: Iterable[str | int]) -> Mark:
        """Return where the value at this path was written.

        Parts that lead nowhere (a missing key, the name of a variant) stay at the closest parent.
        """
        node, mark = self, self.mark
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                node = node.value[str(part)]
                mark = node.mark
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                mark = node.mark
        return mark

    def key_at(self, path: Iterable[str | int]) -> Mark:
        """Return where the last key of this path was written, rather than its value."""
        *parents, last = path
        node = self
        for part in parents:
            node = node.child(part) or node
        return node.keys.get(str(last)) or self.at((*parents, last))

    def child(self, part: str | int) -> Node | None:
        """Return the node below, if there is one."""
        if isinstance(self.value, dict):
            return self.value.get(str(part))
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None

    def plain(self) -> Any:
        """Return the value as plain dicts, lists and scalars, with decimals where the text had a point."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def with_entries(self, entries: Mapping[str, Node], keys: Mapping[str, Mark]) -> Node:
        """Return a map at the same place with other entries."""
        return Node(dict(entries), self.mark, dict(keys), 1 + sum(node.size for node in entries.values()))


def overlay(base: Node, over: Node) -> Node:
    """Let ``over`` inherit from ``base``: maps are merged key by key, lists and scalars replace, ``~`` deletes."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    entries = dict(base.value)
    for key, node in over.value.items():
        entries[key] = overlay(entries[key], node) if key in entries else node
    return over.with_entries(entries, {**base.keys, **over.keys})


def without_nulls(node: Node) -> Node:
    """Carry out the deletions that ``~`` asks for, at every depth of maps."""
    if not isinstance(node.value, dict):
        return node
    kept = {key: without_nulls(child) for key, child in node.value.items() if child.value is not None}
    return node.with_entries(kept, {key: mark for key, mark in node.keys.items() if key in kept})


def json_text(value: Any) -> bytes:
    """Write a plain value as JSON; decimals keep the digits of their source text."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return b"{" + b",".join(json_text(k) + b":" + json_text(v) for k, v in entries.items()) + b"}"
    if isinstance(value, list):
        parts = cast("list[Any]", value)
        return b"[" + b",".join(map(json_text, parts)) + b"]"
    if isinstance(value, Decimal):
        return str(value).encode()
    return json.dumps(value).encode()
