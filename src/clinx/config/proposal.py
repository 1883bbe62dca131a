"""A change of one value of a tree, as a change of the one file where it lives: ``channels.main.weight``, 5.

A value that a channel or profile inherits is said anew where the path leads, never changed for all who inherit it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from clinx.config.declared import Declared, declare
from clinx.config.diagnostics import did_you_mean
from clinx.config.document import DocumentReader
from clinx.config.editing import EditError, deleted, replaced
from clinx.config.nodes import Node
from clinx.config.tree import ROOT_FILE, Tree

_MAPS: Final = frozenset({"groups", "models", "profiles"})
_INDEX: Final = re.compile(r"\[([0-9]{1,6})\]")
_QUOTED: Final = re.compile(r'"([^"]*)"')
_NAME: Final = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True, slots=True)
class Change:
    """One file before and after."""

    file: str
    before: str
    after: str
    note: str | None = None
    """What a reader of the change should know."""

    def applied(self, tree: Tree) -> Tree:
        """Return the tree with the change."""
        return replace(tree, files={**tree.files, self.file: self.after.encode()})

    @property
    def patch(self) -> str:
        """The change as a unified diff that `git apply` takes."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"a/{self.file}",
            f"b/{self.file}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path leads: a file, the way to an entry in it, and the rest of the way."""

    file: str
    entry: tuple[str | int, ...]
    node: Node | None
    """The entry; None when it is not there yet."""
    rest: str
    inherited: Node | None = None
    """The entry with all that it inherits."""


def propose(tree: Tree, path: str, value: str | None) -> Change:
    """Return the change that writes a value, or for None takes the entry out.

    Raises:
        EditError: the path leads nowhere, or the change cannot be made without touching more.
    """
    place = _find(tree, path)
    if tree.root is None or not (tree.root / place.file).is_file():
        raise EditError(f"{place.file} is shipped with the gateway; copy it into the tree to change it there")
    rest = tuple(_steps(place.rest, place.node))
    text = tree.files[place.file].decode("utf-8-sig")
    whole = (*place.entry, *rest)
    if not whole:
        raise EditError("the path leads nowhere")
    is_own, is_inherited = _has(place.node, rest), bool(rest) and _has(place.inherited, rest)
    note = f"{path} is inherited: said anew here, for nobody else" if is_inherited and not is_own else None
    if value is not None:
        return Change(place.file, text, replaced(text, whole, value), note)
    if is_own:
        return Change(place.file, text, deleted(text, whole))
    if is_inherited:
        return Change(place.file, text, replaced(text, whole, "~"), note)
    raise EditError(f"{path} is not set")


def _find(tree: Tree, path: str) -> _Place:
    reader, documents = DocumentReader(), dict[str, Node]()
    for name in (ROOT_FILE, *tree.included):
        root = reader.read(name, tree.files[name]).root if name in tree.files else None
        if root is not None:
            documents[name] = root
    section, _, rest = path.partition(".")
    if section in _MAPS:
        return _in_map(documents, section, rest, declare(tree, reader, []))
    if section == "channels":
        return _in_channels(documents, rest, declare(tree, reader, []))
    if section in {"providers", "policies"}:
        files = {name: data for name, data in tree.files.items() if name.startswith(f"{section}/")}
        roots = {name: reader.read(name, data).root for name, data in files.items() if name.count("/") == 1}
        found = {name: root for name, root in roots.items() if root is not None}
        return _in_provider(found, rest) if section == "providers" else _in_rules(found, rest)
    if section == "include":
        raise EditError("what is included is edited by hand")
    return _Place(ROOT_FILE, (), documents.get(ROOT_FILE), path)


def _in_map(documents: Mapping[str, Node], section: str, rest: str, declared: Declared) -> _Place:
    sections = {name: root.map[section] for name, root in documents.items() if section in root.map}
    for file, node in sections.items():
        name, below = _name(rest, node.map)
        if name in node.map:
            entry = declared.profiles.get(name) if section == "profiles" else None
            inherited = entry.node if entry is not None else None
            return _Place(file, (section, name), node.map[name], below, inherited)
    name, below = _name(rest, ())
    if below:
        known = [each for node in sections.values() for each in node.map]
        raise EditError(_unknown(section, name, known))
    return _Place(next(iter(sections), ROOT_FILE), (section, name), None, "")


def _in_channels(documents: Mapping[str, Node], rest: str, declared: Declared) -> _Place:
    known: list[str] = []
    for file, root in documents.items():
        items = root.map["channels"].items if "channels" in root.map else []
        names = [_called(node) for node in items]
        name, below = _name(rest, names)
        if name in names:
            at = names.index(name)
            inherited = next((entry.node for entry in declared.channels if entry.name == name), None)
            return _Place(file, ("channels", at), items[at], below, inherited)
        known += names
    raise EditError(_unknown("channels", _name(rest, ())[0], known))


def _in_provider(roots: Mapping[str, Node], rest: str) -> _Place:
    names = [file.removeprefix("providers/").removesuffix(".yaml") for file in roots]
    name, below = _name(rest, names)
    file = f"providers/{name}.yaml"
    if file not in roots:
        raise EditError(_unknown("providers", name, names))
    return _Place(file, (), roots[file], below)


def _in_rules(roots: Mapping[str, Node], rest: str) -> _Place:
    known: list[str] = []
    for file, root in roots.items():
        names = [_called(node) for node in root.items]
        name, below = _name(rest, names)
        if name in names:
            at = names.index(name)
            return _Place(file, (at,), root.items[at], below)
        known += names
    raise EditError(_unknown("policies", _name(rest, ())[0], known))


def _called(node: Node) -> str:
    return str(node.map["name"].value) if "name" in node.map else ""


def _unknown(section: str, name: str, known: Sequence[str]) -> str:
    hint = did_you_mean(name, known)
    return f'there is no "{name}" in {section}{f" ({hint})" if hint else ""}'


def _name(text: str, known: Sequence[str] | Mapping[str, Node]) -> tuple[str, str]:
    """Split off the first name of a path: quoted, or the longest that is known (names have dots), or up to a dot."""
    if (quoted := _QUOTED.match(text)) is not None:
        return quoted[1], text[quoted.end() :].removeprefix(".")
    fitting = [each for each in known if each and (text == each or text.startswith((f"{each}.", f"{each}[")))]
    if fitting:
        name = max(fitting, key=len)
        return name, text[len(name) :].removeprefix(".")
    found = _NAME.match(text)
    if found is None:
        raise EditError("the path is not complete: channels.NAME.weight, models.NAME.price.input")
    return found[0], text[found.end() :].removeprefix(".")


def _steps(text: str, node: Node | None) -> Iterator[str | int]:
    while text:
        index = _INDEX.match(text)
        step: str | int
        if index is not None:
            step, text = int(index[1]), text[index.end() :].removeprefix(".")
        else:
            step, text = _name(text, node.map if node is not None else ())
            if node is not None and isinstance(node.value, list) and step.isdecimal():
                step = int(step)
        yield step
        node = node.child(step) if node is not None else None


def _has(node: Node | None, steps: Sequence[str | int]) -> bool:
    for step in steps:
        node = node.child(step) if node is not None else None
    return node is not None
