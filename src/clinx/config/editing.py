"""One value of a document replaced, added or taken out, and nothing else touched: no comment, no space, no order.

A change is made in the text, where the marks of the parsed document say; then the text is read again, and if it does
not say exactly what was wished, the change is refused.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast

from ruamel.yaml import YAML, MappingNode, ScalarNode

from clinx.config.document import parse
from clinx.config.formatting import comments

Path = Sequence[str | int]
"""Keys of maps, and places in lists."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.*/-]*")
_WORDS: Final = frozenset({"true", "false", "null"})


class EditError(ValueError):
    """The change cannot be made without touching more than was asked for."""


def replaced(text: str, path: Path, value: str) -> str:
    """Return the document with a value written where the path leads; what is missing on the way is made.

    Raises:
        EditError: it cannot be done, or would lose a comment.
    """
    wish, before = _read_value(value), _plain(text)
    spot, depth = _descend(text, path)
    rest = path[depth:]
    edited = _added(text, spot, rest, value) if rest else _over(text, spot, value)
    if _plain(edited) != _with(before, path, wish) or comments(edited) != comments(text):
        raise EditError("the value cannot be written there without touching more; edit the file by hand")
    return edited


def deleted(text: str, path: Path) -> str:
    """Return the document without the entry at the path; comments on its own lines go with it.

    Raises:
        EditError: there is no such entry, or it cannot be taken out alone.
    """
    before = _plain(text)
    spot, depth = _descend(text, path[:-1])
    if depth < len(path) - 1:
        raise EditError("there is no such entry")
    edited = _without_entry(text, spot, path[-1])
    if _plain(edited) != _less(before, path):
        raise EditError("the entry cannot be taken out without touching more; edit the file by hand")
    return edited


def written(key: str) -> str:
    """Return a key as it is written in a document."""
    if _PLAIN_KEY.fullmatch(key) and key not in _WORDS:
        return key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class _Value:
    """A value as it stands in the text: from its first sign to behind its last."""

    start: int
    end: int
    column: int
    is_scalar: bool
    is_map: bool
    is_block: bool
    """A collection that is written in lines of its own."""
    text: str = ""
    """Of a scalar."""
    keys: tuple[_Value, ...] = ()
    """Of a map, beside `values`."""
    values: tuple[_Value, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written where it should stand."""
        return self.is_scalar and self.start == self.end


@dataclass(frozen=True, slots=True)
class _Spot:
    """A value, and its key in the map that holds it."""

    value: _Value
    key: _Value | None

    def after_key(self, text: str) -> int:
        """Return where the colon behind the key has ended."""
        if self.key is None:
            _refuse()
        return text.index(":", self.key.end) + 1


def _refuse() -> NoReturn:
    raise EditError("there is no place for it; edit the file by hand")


def _composed(text: str) -> _Value:
    yaml: Any = YAML(typ="safe", pure=True)
    return _value(text, yaml.compose(io.StringIO(text)))


def _value(text: str, node: Any) -> _Value:
    """Read ruamel.yaml's node: the marks of its blocks lie behind what follows them, and are not used."""
    start, end, column = node.start_mark.index, node.end_mark.index, node.start_mark.column
    if isinstance(node, ScalarNode):
        is_literal = cast("Any", node).style in {"|", ">"}
        end = len(text[:end].rstrip()) if is_literal else end
        return _Value(
            start, end, column, is_scalar=True, is_map=False, is_block=False, text=str(cast("Any", node).value)
        )
    is_map, below = isinstance(node, MappingNode), cast("list[Any]", node.value)
    keys = tuple(_value(text, key) for key, _ in below) if is_map else ()
    values = tuple(_value(text, each[1] if is_map else each) for each in below)
    is_block = not node.flow_style
    if is_block and values:
        first = (keys or values)[0]
        start, column = first.start, first.column
        end = max(each.end for each in (*keys[-1:], values[-1]))
    return _Value(start, end, column, is_scalar=False, is_map=is_map, is_block=is_block, keys=keys, values=values)


def _descend(text: str, path: Path) -> tuple[_Spot, int]:
    """Follow a path as far as it leads; return where that is, and how many of its steps were made."""
    spot = _Spot(_composed(text), None)
    for depth, part in enumerate(path):
        below = _below(spot.value, part)
        if below is None:
            return spot, depth
        spot = below
    return spot, len(path)


def _below(value: _Value, part: str | int) -> _Spot | None:
    if value.is_map:
        pairs = zip(value.keys, value.values, strict=True)
        return next((_Spot(each, key) for key, each in pairs if key.text == part), None)
    if isinstance(part, int) and part < len(value.values):
        return _Spot(value.values[part], None)
    return None


def _over(text: str, spot: _Spot, value: str) -> str:
    """Write a value over another."""
    old = spot.value
    if old.is_empty or (old.is_block and spot.key is not None):
        start = spot.after_key(text)
        if "#" in text[start : old.start] and not old.is_empty:
            raise EditError("a comment stands between the key and its value; edit the file by hand")
        return f"{text[:start]} {value}{text[start if old.is_empty else old.end :]}"
    return text[: old.start] + value + text[old.end :]


def _added(text: str, spot: _Spot, rest: Path, value: str) -> str:
    """Write an entry that was not there: what is missing above it is written around it."""
    if any(isinstance(part, int) for part in rest):
        raise EditError("a list is not made longer here; write the whole list")
    for part in reversed(rest[1:]):
        value = f"{{{written(str(part))}: {value}}}"
    entry, holder = f"{written(str(rest[0]))}: {value}", spot.value
    if holder.is_empty and spot.key is not None:
        after = spot.after_key(text)
        return f"{text[:after]}\n{' ' * (spot.key.column + 2)}{entry}{text[after:]}"
    if not holder.is_map:
        raise EditError("the path leads into a value that is no map")
    if not holder.is_block:
        return _added_in_flow(text, holder, entry)
    line_end = text.find("\n", holder.end)
    line = f"\n{' ' * holder.column}{entry}"
    return f"{text}{line}\n" if line_end < 0 else text[:line_end] + line + text[line_end:]


def _added_in_flow(text: str, holder: _Value, entry: str) -> str:
    if not holder.values:
        inner = holder.start + 1
        return f"{text[:inner]}{entry}{text[inner:]}"
    if holder.values[-1].is_empty:
        raise EditError("the entry before it has no value; edit the file by hand")
    end = holder.values[-1].end
    return f"{text[:end]}, {entry}{text[end:]}"


def _without_entry(text: str, spot: _Spot, part: str | int) -> str:
    extents = _extents(spot.value)
    place = next((n for n, (name, _, _) in enumerate(extents) if name == part), None)
    if place is None:
        raise EditError("there is no such entry")
    if not spot.value.is_block:
        return _without_in_flow(text, extents, place)
    if len(extents) == 1:
        return _over(text, spot, "{}" if spot.value.is_map else "[]")
    _, start, end = extents[place]
    line = text.rfind("\n", 0, start) + 1
    if not spot.value.is_map:
        start = text.rindex("-", 0, start)
    if text[line:start].strip():
        # It shares its line with a dash: the next entry takes its place there.
        if place + 1 == len(extents):
            _refuse()
        return text[:start] + text[extents[place + 1][1] :]
    line_end = text.find("\n", end)
    return text[:line] + (text[line_end + 1 :] if line_end >= 0 else "")


def _without_in_flow(text: str, extents: Sequence[tuple[str | int, int, int]], place: int) -> str:
    _, start, end = extents[place]
    if place + 1 < len(extents):
        return text[:start] + text[extents[place + 1][1] :]
    return text[: extents[place - 1][2] if place else start] + text[end:]


def _extents(value: _Value) -> list[tuple[str | int, int, int]]:
    """Return each entry of a collection: its key or place, where it begins and ends in the text."""
    if value.is_map:
        pairs = zip(value.keys, value.values, strict=True)
        return [(key.text, key.start, max(key.end, each.end)) for key, each in pairs]
    if value.is_scalar:
        raise EditError("the path leads into a value that has no entries")
    return [(place, each.start, each.end) for place, each in enumerate(value.values)]


def _read_value(text: str) -> object:
    if "\n" in text or not text.strip():
        raise EditError("a value is one line of YAML")
    document = parse("value", f"value: {text}\n".encode())
    if document.root is None or document.diagnostics or set(document.root.map) != {"value"}:
        raise EditError(f"{text!r} is not a value; put text in quotes")
    return document.root.map["value"].plain()


def _plain(text: str) -> object:
    document = parse("document", text.encode())
    if document.root is None or document.diagnostics:
        raise EditError("the file cannot be read, before or after; edit it by hand")
    return document.root.plain()


def _with(plain: object, path: Path, value: object) -> object:
    """Return plain data with a value where the path leads."""
    if not path:
        return value
    first, *rest = path
    if isinstance(plain, list) and isinstance(first, int):
        items = cast("list[object]", plain)
        return [_with(each, rest, value) if place == first else each for place, each in enumerate(items)]
    entries = cast("Mapping[str | int, object]", plain if isinstance(plain, dict) else {})
    return {**entries, first: _with(entries.get(first), rest, value)}


def _less(plain: object, path: Path) -> object:
    """Return plain data without the entry at the path."""
    first, *rest = path
    if isinstance(plain, list):
        items = list(enumerate(cast("list[object]", plain)))
        kept = [(place, each) for place, each in items if rest or place != first]
        return [_less(each, rest) if place == first else each for place, each in kept]
    entries = cast("Mapping[str | int, object]", plain)
    kept_entries = {key: each for key, each in entries.items() if rest or key != first}
    return {key: _less(each, rest) if key == first else each for key, each in kept_entries.items()}
