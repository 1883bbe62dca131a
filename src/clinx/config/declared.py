"""What the files of a tree declare: typed entries with their nodes, gathered from all documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Generic, TypeVar

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import DocumentReader
from clinx.config.inherit import Inheritance
from clinx.config.nodes import Mark, Node, without_nulls
from clinx.config.policy_schema import RuleShape
from clinx.config.provider_schema import ProviderShape
from clinx.config.salvage import salvage
from clinx.config.schema import (
    LATER,
    ROOT_ONLY,
    ChannelShape,
    GatewayShape,
    GroupShape,
    ModelShape,
    ProfileShape,
    Shape,
)
from clinx.config.shape import read_shape
from clinx.config.tree import ROOT_FILE, Tree

S = TypeVar("S", bound=Shape)

POLICIES: Final = "policies/"
"""The folder of rules; what lies deeper (tests, lists of words) is no document of the tree's."""

_MAPS: Final = ("groups", "models", "profiles")
_SECTIONS: Final = (*_MAPS, "channels")


@dataclass(frozen=True, slots=True)
class Entry(Generic[S]):
    """One declared thing."""

    name: str
    node: Node
    mark: Mark
    """Where it is named."""
    shape: S | None
    """None when it is broken, which has been reported."""
    rest: tuple[Node, S] | None = None
    """What is left of a broken one without its broken parts, to be searched for further faults."""

    @property
    def sound(self) -> Entry[S]:
        """The entry as far as it can be checked: itself, or the rest of a broken one."""
        return self if self.rest is None else Entry(self.name, self.rest[0], self.mark, self.rest[1])


@dataclass(slots=True)
class Declared:
    """The whole tree, typed."""

    root: GatewayShape
    root_node: Node
    groups: dict[str, Entry[GroupShape]]
    models: dict[str, Entry[ModelShape]]
    profiles: dict[str, Entry[ProfileShape]]
    channels: list[Entry[ChannelShape]]
    providers: dict[str, Entry[ProviderShape]]
    rules: list[Entry[RuleShape]] = field(default_factory=list["Entry[RuleShape]"])
    """By the name of their file, then by their place in it."""


@dataclass(slots=True)
class _Sections:
    """The sections of all gateway documents together."""

    maps: dict[str, dict[str, tuple[Mark, Node]]] = field(
        default_factory=lambda: {section: {} for section in _MAPS},
    )
    channels: list[Node] = field(default_factory=list[Node])


def declare(tree: Tree, reader: DocumentReader, found: list[Diagnostic]) -> Declared:
    """Read every file of the tree; what is wrong with one entry does not hide the others."""
    files = {name: data for name, data in tree.files.items() if not name.startswith(POLICIES)}
    documents = {name: _root(reader, name, data, found) for name, data in files.items()}
    gateway = documents.get(ROOT_FILE) or Node({}, Mark(ROOT_FILE))
    _refuse_empty(documents.get(ROOT_FILE), found)
    sections = _Sections()
    _gather(gateway, sections, found)
    for name in tree.included:
        if (fragment := documents.get(name)) is not None:
            _gather_fragment(fragment, sections, found)
    groups = _entries(sections.maps["groups"], GroupShape, found)
    models = _entries(sections.maps["models"], ModelShape, found)
    profile_nodes = {name: node for name, (_, node) in sections.maps["profiles"].items()}
    profiles = Inheritance(profile_nodes, "E203", "profile", ("name",), found)
    return Declared(
        root=_root_shape(gateway, found),
        root_node=gateway,
        groups=groups,
        models=models,
        profiles=_profiles(sections.maps["profiles"], profiles, found),
        channels=[_channel(node, profiles, found) for node in sections.channels],
        providers=_providers(documents, found),
        rules=_rules(tree, reader, found),
    )


def is_rules(name: str) -> bool:
    """Tell whether a file of the tree holds rules."""
    return name.startswith(POLICIES) and name.count("/") == 1 and name.endswith(".yaml")


def _rules(tree: Tree, reader: DocumentReader, found: list[Diagnostic]) -> list[Entry[RuleShape]]:
    entries: list[Entry[RuleShape]] = []
    for name in filter(is_rules, sorted(tree.files)):
        document = reader.read(name, tree.files[name])
        found.extend(document.diagnostics)
        root = document.root
        if root is None or root.value == {}:
            continue
        if not isinstance(root.value, list):
            found.append(root.mark.finding("E303", "expected a list of rules", "begin each with - name: …"))
        entries.extend(_rule(node, found) for node in root.items)
    return entries


def _rule(node: Node, found: list[Diagnostic]) -> Entry[RuleShape]:
    denied = node.map.get("deny")
    if denied is not None and denied.value is None:
        # What stood there may have been commented out, and the condition with it: refusing is said on purpose.
        found.append(node.key_at(("deny",)).finding("E303", "deny has nothing behind it", "to refuse, write deny: {}"))
    filled = {key: Node({}, child.mark) if child.value is None else child for key, child in node.map.items()}
    whole = node.with_entries(filled, node.keys) if isinstance(node.value, dict) else node
    name = whole.map.get("name")
    reading = _Reading(RuleShape, frozenset(), found)
    return _entry(str(name.value) if name is not None else "", whole, node.mark, reading)


def _root(reader: DocumentReader, name: str, data: bytes, found: list[Diagnostic]) -> Node | None:
    document = reader.read(name, data)
    found.extend(document.diagnostics)
    if document.root is None or isinstance(document.root.value, dict):
        return document.root
    found.append(document.root.mark.finding("E303", "expected a map of sections"))
    return None


def _refuse_empty(root: Node | None, found: list[Diagnostic]) -> None:
    """Refuse a root document with nothing in it: most likely an editor has just truncated it to write it anew."""
    if root is not None and not root.map:
        found.append(root.mark.finding("E302", 'missing key "version"', "begin the file with version: 1"))


def _gather(document: Node, sections: _Sections, found: list[Diagnostic]) -> None:
    for section in _MAPS:
        node = document.map.get(section)
        for name, child in (node.map if node is not None else {}).items():
            mark = node.keys[name] if node is not None else child.mark
            first = sections.maps[section].setdefault(name, (mark, child))
            if first[0] is not mark:
                message = f'"{name}" is already in {first[0].file}, line {first[0].line}'
                found.append(mark.finding("E206", message))
    channels = document.map.get("channels")
    sections.channels.extend(channels.items if channels is not None else [])


def _gather_fragment(document: Node, sections: _Sections, found: list[Diagnostic]) -> None:
    found.extend(
        document.keys[key].finding("E301", f'only {ROOT_FILE} may have "{key}"')
        for key in sorted(ROOT_ONLY & document.map.keys())
    )
    _gather(document, sections, found)
    rest = {key: node for key, node in document.map.items() if key not in ROOT_ONLY}
    _root_shape(document.with_entries(rest, document.keys), found)


def _root_shape(document: Node, found: list[Diagnostic]) -> GatewayShape:
    """Check what is outside the entries, and the names of the entries."""
    # A key with nothing behind it is a section whose entries are all commented out.
    outline = {key: node for key, node in document.map.items() if node.value is not None}
    for section in _SECTIONS:
        node = outline.get(section)
        if node is not None and isinstance(node.value, dict):
            empty = {name: Node({}, child.mark) for name, child in node.value.items()}
            outline[section] = node.with_entries(empty, node.keys)
        elif node is not None and isinstance(node.value, list) and section == "channels":
            outline[section] = Node([], node.mark)
    shape = read_shape(document.with_entries(outline, document.keys), GatewayShape, found, LATER["gateway"])
    return shape if shape is not None else GatewayShape()


def _entries(
    nodes: Mapping[str, tuple[Mark, Node]],
    shape: type[S],
    found: list[Diagnostic],
    later: frozenset[str] = frozenset(),
) -> dict[str, Entry[S]]:
    """Type the entries of a map; an entry with nothing in it is one with every default."""
    filled = {name: (mark, Node({}, mark) if node.value is None else node) for name, (mark, node) in nodes.items()}
    return {name: _entry(name, node, mark, _Reading(shape, later, found)) for name, (mark, node) in filled.items()}


@dataclass(frozen=True, slots=True)
class _Reading(Generic[S]):
    """How an entry is read."""

    shape: type[S]
    later: frozenset[str]
    found: list[Diagnostic]
    is_torn: bool = False
    """Something it inherits from is not there: what it lacks is no fault of its own."""


def _entry(name: str, node: Node, mark: Mark, reading: _Reading[S]) -> Entry[S]:
    found: list[Diagnostic] = []
    shape = read_shape(node, reading.shape, found, reading.later)
    reading.found.extend(each for each in found if not (reading.is_torn and each.code == "E302"))
    if shape is not None and not reading.is_torn:
        return Entry(name, node, mark, shape)
    return Entry(name, node, mark, None, salvage(node, reading.shape))


def _profiles(
    nodes: Mapping[str, tuple[Mark, Node]], inheritance: Inheritance, found: list[Diagnostic]
) -> dict[str, Entry[ProfileShape]]:
    """Type the profiles as they will be inherited, so that a fault in one is found even if no channel uses it."""
    resolved = {name: (mark, without_nulls(inheritance.resolve(node, (name,)))) for name, (mark, node) in nodes.items()}
    return _entries(resolved, ProfileShape, found, LATER["channel"])


def _channel(node: Node, profiles: Inheritance, found: list[Diagnostic]) -> Entry[ChannelShape]:
    gaps = profiles.gaps
    merged = without_nulls(profiles.resolve(node))
    name = merged.map.get("name")
    reading = _Reading(ChannelShape, LATER["channel"], found, profiles.gaps > gaps)
    return _entry(str(name.value) if name is not None else "", merged, name.mark if name else node.mark, reading)


def _providers(documents: Mapping[str, Node | None], found: list[Diagnostic]) -> dict[str, Entry[ProviderShape]]:
    nodes = {
        PurePosixPath(name).stem: node
        for name, node in documents.items()
        if name.startswith("providers/") and node is not None
    }
    inheritance = Inheritance(nodes, "E201", "provider", ("provider", "description", "imports"), found)
    return {stem: _provider(stem, node, inheritance, found) for stem, node in nodes.items()}


def _provider(stem: str, node: Node, inheritance: Inheritance, found: list[Diagnostic]) -> Entry[ProviderShape]:
    gaps = inheritance.gaps
    merged = without_nulls(inheritance.resolve(node, (stem,)))
    mark = merged.at(("provider",))
    said = merged.map.get("provider")
    if said is not None and isinstance(said.value, str) and said.value != stem:
        found.append(mark.finding("E209", f'provider "{said.value}" in a file called {stem}.yaml'))
    return _entry(stem, merged, mark, _Reading(ProviderShape, LATER["provider"], found, inheritance.gaps > gaps))
