"""``extends``: profiles into channels, providers into providers. Cycles and unknown names are findings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from clinx.config.diagnostics import Diagnostic, did_you_mean
from clinx.config.nodes import Node, overlay

KEY: Final = "extends"
MAX_DEPTH: Final = 16


@dataclass(slots=True)
class Inheritance:
    """Resolves ``extends`` among named nodes; each name is resolved once."""

    sources: Mapping[str, Node]
    code: str
    """Code of the finding for an unknown name."""
    kind: str
    """What the names name, for messages."""
    own: Collection[str]
    """Keys that are not inherited: they say who one is."""
    found: list[Diagnostic]
    gaps: int = 0
    """How often a base could not be inherited: what was resolved meanwhile may lack something."""
    _resolved: dict[str, Node] = field(default_factory=dict[str, Node])
    _torn: set[str] = field(default_factory=set[str])
    """Names that lack something themselves."""

    def resolve(self, node: Node, trail: tuple[str, ...] = ()) -> Node:
        """Return the node with everything it inherits and without ``extends``."""
        wish = node.map.get(KEY)
        names = _names(wish)
        if wish is None or names is None:
            return node
        bases = [base for each in names if (base := self._base(each, trail)) is not None]
        rest = _without(node, {KEY})
        merged: Node | None = None
        for base in bases:
            merged = base if merged is None else overlay(merged, base)
        return rest if merged is None else overlay(merged, rest)

    def _base(self, wish: Node, trail: tuple[str, ...]) -> Node | None:
        name = str(wish.value)
        if name in trail:
            circle = " -> ".join((*trail[trail.index(name) :], name))
            return self._miss(trail, wish.mark.finding("E207", f"{self.kind}s extend each other: {circle}"))
        if name not in self.sources:
            hint = did_you_mean(name, self.sources)
            return self._miss(trail, wish.mark.finding(self.code, f'unknown {self.kind} "{name}"', hint))
        if len(trail) >= MAX_DEPTH:
            message = f"extends through more than {MAX_DEPTH} {self.kind}s"
            return self._miss(trail, wish.mark.finding("E105", message))
        if name not in self._resolved:
            resolved = self.resolve(self.sources[name], (*trail, name))
            self._resolved[name] = _without(resolved, self.own)
        if name in self._torn:
            self._note_gap(trail)
        return self._resolved[name]

    def _miss(self, trail: tuple[str, ...], finding: Diagnostic) -> None:
        self.found.append(finding)
        self._note_gap(trail)

    def _note_gap(self, trail: tuple[str, ...]) -> None:
        self.gaps += 1
        self._torn.update(trail)


def _names(wish: Node | None) -> list[Node] | None:
    """Return the wished names, or None when the value is something the schema will refuse."""
    if wish is None:
        return None
    names = wish.items if isinstance(wish.value, list) else [wish]
    return names if all(isinstance(each.value, str) for each in names) else None


def _without(node: Node, keys: Collection[str]) -> Node:
    kept = {key: child for key, child in node.map.items() if key not in keys}
    return node.with_entries(kept, {key: mark for key, mark in node.keys.items() if key in kept})
