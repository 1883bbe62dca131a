"""How the rules of two trees differ, by name, as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, cast

from clinx.config.declared import is_rules
from clinx.config.document import DocumentReader
from clinx.config.nodes import json_text
from clinx.config.policy_schema import VERBS
from clinx.config.tree import Tree

_LIMITING: Final = frozenset({"limit", "budget"})
_LONGEST: Final = 120
"""Characters of a value that are shown."""


class Change(StrEnum):
    """What became of something that has a name."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key that says something else than before; None where it says nothing."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that is new, gone, or says something else."""

    name: str
    change: Change
    verb: str
    keys: tuple[KeyChange, ...] = ()
    """Of a changed rule."""

    @property
    def is_limit(self) -> bool:
        """Whether it says how much may pass."""
        return self.verb in _LIMITING


def rule_changes(before: Tree, after: Tree) -> tuple[RuleChange, ...]:
    """Return what became of each rule, by name."""
    reader = DocumentReader()
    old, new = _rules(before, reader), _rules(after, reader)
    return tuple(change for name in sorted({*old, *new}) if (change := _change(name, old.get(name), new.get(name))))


def is_reordered(before: Tree, after: Tree) -> bool:
    """Whether the rules that both have are tried in another order."""
    reader = DocumentReader()
    old, new = _rules(before, reader), _rules(after, reader)
    return [name for name in old if name in new] != [name for name in new if name in old]


def _rules(tree: Tree, reader: DocumentReader) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in filter(is_rules, sorted(tree.files)):
        root = reader.read(name, tree.files[name]).root
        for node in root.items if root is not None else []:
            plain = node.plain()
            if isinstance(plain, dict):
                rule = cast("dict[str, Any]", plain)
                found[str(rule.get("name"))] = _with_words(rule, tree)
    return found


def _with_words(rule: dict[str, Any], tree: Tree) -> dict[str, Any]:
    """Say of a list of words what is in it, so far as to tell it from another: it is a part of the rule."""
    guard = rule.get("guard")
    if not isinstance(guard, dict):
        return rule
    known = cast("dict[str, Any]", guard)
    file = known.get("words_file")
    data = tree.files.get(file) if isinstance(file, str) else None
    if data is None:
        return rule
    shown = f"{file} ({sha256(data).hexdigest()[:8]})"
    return {**rule, "guard": {**known, "words_file": shown}}


def _change(name: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> RuleChange | None:
    if old is None or new is None:
        there = new if old is None else old
        return RuleChange(name, Change.ADDED if old is None else Change.REMOVED, _verb(there or {}))
    keys = tuple(differences(old, new))
    return RuleChange(name, Change.CHANGED, _verb(new), keys) if keys else None


def _verb(rule: dict[str, Any]) -> str:
    return next((verb for verb in VERBS if verb in rule), "")


def differences(old: Any, new: Any, key: str = "") -> Iterator[KeyChange]:
    """Yield the keys, at any depth of maps, whose values differ; both are plain values of a document."""
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        for name in dict.fromkeys((*before, *after)):
            yield from differences(before.get(name), after.get(name), f"{key}.{name}" if key else name)
    elif old != new:
        yield KeyChange(key, _shown(old), _shown(new))


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json_text(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
