"""JSON Schema to the format's own subset of OpenAPI's, and back.

Each place that takes a schema takes either: the subset in the older member, which every model knows, or JSON Schema in
the newer one. So what the subset can say is said in it, and all else is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, cast

import msgspec
from msgspec import Raw

DEEPEST: Final = 64
"""Levels of a schema."""

_KEPT: Final = frozenset(
    {
        *("type", "description", "title", "required", "enum", "minItems", "maxItems", "minLength", "maxLength"),
        *("minimum", "maximum", "pattern", "nullable", "minProperties", "maxProperties", "propertyOrdering"),
    }
)
"""Keywords that mean the same in both."""

_DROPPED: Final = frozenset({"$schema", "$id", "$comment", "default", "examples", "example", "deprecated", "strict"})
"""Keywords without which no other answer is allowed."""

_FORMATS: Final = frozenset({"enum", "date-time", "float", "double", "int32", "int64"})
_NULL: Final = "null"
_COUNTS: Final = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {name.upper(): name for name in ("string", "number", "integer", "boolean", "array", "object", "null")}
)

_Schema = Mapping[str, object]


class Beyond(Exception):
    """The subset cannot say it."""


def to_subset(schema: Raw) -> object | None:
    """Return a schema in the subset; None when it cannot say it. What is in the subset already comes back as it is."""
    try:
        given = msgspec.json.decode(schema)
        written = _narrowed(given, DEEPEST)
    except (Beyond, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return schema if written == given else written


def from_subset(schema: Raw) -> Raw:
    """Return a schema of the subset as JSON Schema; one that is JSON Schema already, too, comes back as it is."""
    try:
        given = msgspec.json.decode(schema)
        read = _widened(given, DEEPEST)
    except (Beyond, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return schema
    return schema if read == given else Raw(msgspec.json.encode(read))


def _narrowed(given: object, depth: int) -> _Schema:
    schema = _mapping(given, depth)
    found: dict[str, object] = {}
    for name, value in schema.items():
        if name in _KEPT:
            found[name] = value
        elif name == "format":
            found.update({"format": value} if value in _FORMATS else {})
        elif name == "additionalProperties" and isinstance(value, bool):
            continue
        elif name == "const" and isinstance(value, str):
            found["enum"] = [value]
        elif name not in _DROPPED:
            found.update(_inner(name, value, lambda inner: _narrowed(inner, depth - 1)))
    return _without_null(found)


def _inner(name: str, value: object, each: Callable[[object], object]) -> Iterator[tuple[str, object]]:
    """Apply a change to the schemas inside a keyword.

    Raises:
        Beyond: it is not a keyword of the subset.
    """
    if name == "properties" and isinstance(value, dict):
        yield name, {key: each(inner) for key, inner in cast("_Schema", value).items()}
    elif name == "items" and isinstance(value, dict):
        yield name, each(cast("object", value))
    elif name == "anyOf" and isinstance(value, list):
        yield name, [each(inner) for inner in cast("list[object]", value)]
    else:
        raise Beyond


def _without_null(found: dict[str, object]) -> _Schema:
    """Say with ``nullable`` what JSON Schema says with a type."""
    kind = found.get("type")
    if isinstance(kind, list):
        others = [each for each in cast("list[object]", kind) if each != _NULL]
        if len(others) != 1 or len(others) == len(cast("list[object]", kind)):
            raise Beyond
        found.update({"type": others[0], "nullable": True})
    if isinstance(options := found.get("anyOf"), list):
        rest = [option for option in cast("list[object]", options) if option != {"type": _NULL}]
        if len(rest) < len(cast("list[object]", options)):
            found.update({"anyOf": rest, "nullable": True})
    if any(not isinstance(each, str) for each in cast("list[object]", found.get("enum") or ())):
        raise Beyond
    return found


def _widened(given: object, depth: int) -> _Schema:
    schema = _mapping(given, depth)
    found: dict[str, object] = {}
    for name, value in schema.items():
        if name == "type" and isinstance(value, str):
            found[name] = _TYPES.get(value, value)
        elif name in _COUNTS and isinstance(value, str) and value.isdecimal():
            found[name] = int(value)
        elif name in {"properties", "items", "anyOf"}:
            found.update(_inner(name, value, lambda inner: _widened(inner, depth - 1)))
        elif name not in {"nullable", "propertyOrdering"}:
            found[name] = value
    return _with_null(found) if schema.get("nullable") is True else found


def _with_null(found: dict[str, object]) -> _Schema:
    if isinstance(options := found.get("anyOf"), list):
        found["anyOf"] = [*cast("list[object]", options), {"type": _NULL}]
    elif isinstance(kind := found.get("type"), str):
        found["type"] = [kind, _NULL]
        if isinstance(values := found.get("enum"), list):
            found["enum"] = [*cast("list[object]", values), None]
    return found


def _mapping(given: object, depth: int) -> _Schema:
    if not depth or not isinstance(given, dict):
        raise Beyond
    return cast("_Schema", given)
