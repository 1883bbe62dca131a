"""YAML read as data that cannot hurt: no tags, no duplicate keys, no second document, bounded depth and expansion.

The tokens are ruamel.yaml's (pure Python: its C parser crashes the process on deep nesting), the tree is built here
from its events. That keeps positions and exact number texts, and makes aliases and merge keys cost what they expand
to, which is counted before anything is copied. YAML 1.2: ``on``, ``NO``, ``1:30`` and dates are strings.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, cast

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml import events as ev
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from clinx.config.diagnostics import ConfigError, Diagnostic, ordered
from clinx.config.nodes import Mark, Node, Scalar

MAX_DEPTH: Final = 64
MAX_NODES: Final = 100_000
MAX_DIGITS: Final = 40
MERGE: Final = "<<"

_NESTED: Final = f"nested deeper than {MAX_DEPTH} levels"
_WORDS: Final[Mapping[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_BASED: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file. ``root`` is None when it could not be read at all."""

    name: str
    root: Node | None
    diagnostics: tuple[Diagnostic, ...]


class DocumentReader:
    """Parses files and remembers the last reading of each: an edit of one file does not re-read the others."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._known: dict[str, tuple[bytes, Document]] = {}

    def read(self, name: str, data: bytes) -> Document:
        """Return the document in these bytes, whose findings use ``name`` as the file."""
        digest = hashlib.sha256(data).digest()
        known = self._known.get(name)
        if known is not None and known[0] == digest:
            return known[1]
        document = parse(name, data)
        self._known[name] = (digest, document)
        return document


def parse(name: str, data: bytes) -> Document:
    """Read one YAML document; never raises for what the bytes contain."""
    builder = _Builder(name)
    try:
        root = builder.build(_events(name, data))
    except ConfigError as error:
        return Document(name, None, ordered((*builder.found, *error.diagnostics)))
    return Document(name, root, ordered(builder.found))


def _events(name: str, data: bytes) -> Iterator[Any]:
    start = Mark(name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([Mark(name, line).finding("E108", "not UTF-8 text")]) from None
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.Scanner = _Shallow
    try:
        yield from yaml.parse(io.StringIO(text))
    except _TooDeep as error:
        raise ConfigError([Mark(name, error.line, error.column).finding("E105", _NESTED)]) from None
    except ReaderError as error:
        raise ConfigError([_unprintable(start, text, error)]) from None
    except YAMLError as error:
        raise ConfigError([_syntax(start, error)]) from None
    except (ValueError, RecursionError, ArithmeticError):
        # What the scanner does not guard itself, such as an escape beyond Unicode: \UFFFFFFFF.
        raise ConfigError([start.finding("E101", "not readable as YAML")]) from None


class _TooDeep(Exception):
    """Brackets are nested deeper than any value may be."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.line, self.column = line, column


class _Shallow(Scanner):
    """A scanner that stops at what is nested too deep, before anything is built of it.

    It looks up to a thousand signs ahead for the end of a key, and at every one of them at each bracket that is open:
    brackets alone would keep it busy for long before the first event.
    """

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803  (the name it is called by)
        """Take a bracket."""
        if self.flow_level >= MAX_DEPTH:
            place: Any = cast("Any", self).reader.get_mark()
            raise _TooDeep(place.line + 1, place.column + 1)
        super().fetch_flow_collection_start(TokenClass, to_push)  # pyright: ignore[reportUnknownMemberType]  (ruamel.yaml has no types)


def _unprintable(start: Mark, text: str, error: Any) -> Diagnostic:
    position: int = error.position
    before = text[:position]
    mark = Mark(start.file, before.count("\n") + 1, position - before.rfind("\n"))
    return mark.finding("E101", f"character U+{ord(text[position]):04X} is not allowed in YAML")


def _syntax(start: Mark, error: Any) -> Diagnostic:
    place = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    mark = Mark(start.file, place.line + 1, place.column + 1) if place is not None else start
    context, problem = getattr(error, "context", None), getattr(error, "problem", None)
    said = ", ".join(part for part in (context, problem) if part) or "not readable as YAML"
    return mark.finding("E101", said.splitlines()[0])


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not come yet."""

    mark: Mark
    anchor: str | None
    is_map: bool
    nodes: list[Node] = field(default_factory=list[Node])
    entries: dict[str, Node] = field(default_factory=dict[str, Node])
    keys: dict[str, Mark] = field(default_factory=dict[str, Mark])
    key: tuple[str, Mark] | None = None
    merges: list[Node] = field(default_factory=list[Node])
    size: int = 1


class _Builder:
    """Events to nodes, with an explicit stack: depth is a number, not a recursion."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Diagnostic] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._root: Node | None = None
        self._documents = 0
        self._work = 0
        self._on: Mapping[type[ev.Event], Callable[[Any], None]] = {
            ev.DocumentStartEvent: self._document,
            ev.ScalarEvent: self._scalar,
            ev.AliasEvent: self._alias,
            ev.SequenceStartEvent: self._open,
            ev.MappingStartEvent: self._open,
            ev.SequenceEndEvent: self._close,
            ev.MappingEndEvent: self._close,
        }

    def build(self, events: Iterator[Any]) -> Node:
        """Return the root; an empty document is an empty map.

        Raises:
            ConfigError: what follows cannot be trusted: a limit, a second document.
        """
        for event in events:
            if (handle := self._on.get(cast("type[ev.Event]", type(event)))) is not None:
                handle(event)
        if self._root is None or self._root.value is None:
            return Node({}, Mark(self.name))
        return self._root

    def _mark(self, event: Any) -> Mark:
        return Mark(self.name, event.start_mark.line + 1, event.start_mark.column + 1)

    def _report(self, mark: Mark, code: str, message: str, hint: str | None = None) -> None:
        self.found.append(mark.finding(code, message, hint))

    def _stop(self, mark: Mark, code: str, message: str) -> ConfigError:
        return ConfigError([mark.finding(code, message)])

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._stop(self._mark(event), "E104", "more than one document in a file")

    def _open(self, event: Any) -> None:
        mark = self._mark(event)
        self._refuse_tag(event, mark)
        if len(self._stack) >= MAX_DEPTH:
            raise self._stop(mark, "E105", _NESTED)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(mark, event.anchor, isinstance(event, ev.MappingStartEvent)))

    def _close(self, _event: Any) -> None:
        opened = self._stack.pop()
        for source in opened.merges:
            self._merge(opened, source)
        value = opened.entries if opened.is_map else opened.nodes
        node = Node(value, opened.mark, opened.keys, opened.size)
        if opened.anchor is not None:
            self._anchors[opened.anchor] = node
        self._place(node)

    def _scalar(self, event: Any) -> None:
        mark = self._mark(event)
        self._refuse_tag(event, mark)
        node = Node(self._resolve(event.value, mark) if event.implicit[0] else event.value, mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if not self._takes_key(event, node):
            self._place(node)

    def _alias(self, event: Any) -> None:
        mark = self._mark(event)
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._stop(mark, "E101", f'no anchor "{event.anchor}" is complete here')
        if not self._takes_key(event, node):
            self._place(node)

    def _refuse_tag(self, event: Any, mark: Mark) -> None:
        if event.tag is not None:
            self._report(mark, "E103", f'tag "{event.tag}" is refused', "a tree is plain data")

    def _takes_key(self, event: Any, node: Node) -> bool:
        """Take a scalar as the next key of the open map, if one is due."""
        opened = self._stack[-1] if self._stack else None
        if opened is None or not opened.is_map or opened.key is not None:
            return False
        mark = self._mark(event)
        if isinstance(node.value, str):
            opened.key = (node.value, mark)
            return True
        if isinstance(node.value, dict | list):
            raise self._stop(mark, "E106", "a key must be a string, not a list or map")
        text = str(getattr(event, "value", node.value))
        if isinstance(node.value, bool) or text != str(node.value) or not text.isdecimal():
            # A whole number in its plain form means the same quoted: a status.
            self._report(mark, "E106", f"key {text or '~'} is not a string", "quote it")
        opened.key = (text, mark)
        return True

    def _place(self, node: Node) -> None:
        """Put a finished node where it belongs: the root, the next item, or the value of the waiting key."""
        if not self._stack:
            self._root = node
            return
        opened = self._stack[-1]
        if not opened.is_map:
            opened.nodes.append(node)
        elif opened.key is None:
            raise self._stop(node.mark, "E106", "a key must be a string, not a list or map")
        else:
            self._enter(opened, *opened.key, node)
            opened.key = None
        self._grow(opened, node)

    def _enter(self, opened: _Open, key: str, mark: Mark, node: Node) -> None:
        if key == MERGE:
            sources = node.value if isinstance(node.value, list) else [node]
            opened.merges.extend(sources)
        elif key in opened.entries:
            first = opened.keys[key]
            self._report(mark, "E102", f'key "{key}" is already on line {first.line}')
        else:
            opened.entries[key] = node
            opened.keys[key] = mark

    def _merge(self, opened: _Open, source: Node) -> None:
        if not isinstance(source.value, dict):
            self._report(source.mark, "E101", f'"{MERGE}" takes a map or a list of maps')
            return
        self._work += len(source.value)
        for key, node in source.value.items():
            if key not in opened.entries:
                opened.entries[key] = node
                opened.keys[key] = source.keys[key]
                self._grow(opened, node)
        self._bound(self._work, opened.mark)

    def _grow(self, opened: _Open, node: Node) -> None:
        opened.size += node.size
        self._bound(opened.size, node.mark)

    def _bound(self, size: int, mark: Mark) -> None:
        if size > MAX_NODES:
            raise self._stop(mark, "E105", f"more than {MAX_NODES} values once aliases are expanded")

    def _resolve(self, text: str, mark: Mark) -> Scalar:
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "-+.0123456789":
            return text
        if _NOT_FINITE.fullmatch(text):
            self._report(mark, "E107", f"{text} is not a number one can count with")
            return None
        number = _number(text)
        if number is not None and len(text) > MAX_DIGITS:
            self._report(mark, "E107", f"a number of more than {MAX_DIGITS} characters")
            return None
        return text if number is None else number()


def _number(text: str) -> Callable[[], int | Decimal] | None:
    """Return how to read a plain scalar as a number, if YAML 1.2 says that it is one."""
    if _INTEGER.fullmatch(text):
        return lambda: int(text)
    if _BASED.fullmatch(text):
        return lambda: int(text, 0)
    if _DECIMAL.fullmatch(text):
        return lambda: Decimal(text)
    return None
