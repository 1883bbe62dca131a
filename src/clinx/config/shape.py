"""A node against a shape: a typed value, or findings at the right lines."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from clinx.config.diagnostics import Diagnostic, did_you_mean
from clinx.config.nodes import Node
from clinx.config.strict import FORMS

Shaped = TypeVar("Shaped", bound=BaseModel)

_SHOWN = 60
"""Longest value that a message quotes."""


def read_shape(
    node: Node, shape: type[Shaped], found: list[Diagnostic], later: Collection[str] = frozenset()
) -> Shaped | None:
    """Return the typed value; None when there is an error, which is then in ``found``.

    Keys in ``later`` are refused as belonging to a later release; the rest is checked without them.
    """
    early = {key: child for key, child in node.map.items() if key not in later}
    refused = [key for key in node.map if key in later]
    found.extend(
        node.key_at((key,)).finding("E304", f'"{key}" is not supported by this release', "remove it") for key in refused
    )
    checked = node.with_entries(early, node.keys) if refused else node
    try:
        value = shape.model_validate(checked.plain())
    except ValidationError as error:
        given = error.errors(include_url=False, include_context=True)  # pyright: ignore[reportArgumentType]
        found.extend(_finding(checked, shape, each) for each in _first_causes(checked, given))
        return None
    return None if refused else value


_OTHER_TYPE = frozenset({"string_type", "int_type", "bool_type", "list_type", "dict_type", "model_type"})


def _first_causes(node: Node, given: Sequence[Any]) -> Iterator[Any]:
    """Leave out what only follows: a variant of another type than the value, a key that is there but misspelt."""
    places = [_place(node, each["loc"]) for each in given if not _is_of_other_type(each)]
    apt = {place[:depth] for place in places for depth in range(len(place) + 1)}
    strange = [each["loc"] for each in given if each["type"] == "extra_forbidden"]
    for each in given:
        if _is_of_other_type(each) and _place(node, each["loc"]) in apt:
            continue
        *above, last = each["loc"] or ("",)
        if each["type"] == "missing" and any([*above] == [*up] and _is_slip(key, last) for *up, key in strange):
            continue
        yield each


def _is_of_other_type(error: Any) -> bool:
    is_word = error["type"] == "literal_error" and isinstance(error["input"], list | dict)
    return is_word or error["type"] in _OTHER_TYPE


def _is_slip(key: object, meant: object) -> bool:
    return did_you_mean(str(key), [str(meant)]) is not None


def _place(node: Node, path: Iterable[str | int]) -> tuple[str | int, ...]:
    """Return as much of a path as the document has; variants are no places."""
    place: list[str | int] = []
    for part in path:
        if (below := node.child(part)) is not None:
            node = below
            place.append(part)
    return tuple(place)


def _finding(node: Node, shape: type[BaseModel], error: Any) -> Diagnostic:
    path: tuple[str | int, ...] = error["loc"]
    kind: str = error["type"]
    last = path[-1] if path else ""
    if kind == "extra_forbidden":
        known = _known_keys(shape, path[:-1])
        return node.key_at(path).finding("E301", f'unknown key "{last}"', did_you_mean(str(last), known))
    if kind == "missing":
        return node.at(path).finding("E302", f'missing key "{last}"')
    where = node.key_at(path[:-1]) if last == "[key]" else node.at(path)
    quotable = _PRIVATE.isdisjoint(path)
    name = _name(node, path)
    subject = f'"{name}": ' if name else ""
    return where.finding("E303", subject + _said(error, quotable=quotable))


def _name(node: Node, path: tuple[str | int, ...]) -> str:
    """Return the last key of the path that the document really has, if any; variants and positions are no names."""
    name = ""
    step = node
    for part in path:
        below = step.child(part)
        if below is not None and isinstance(part, str):
            name = part
        step = below or step
    return name


_PRIVATE = frozenset({"credentials", "headers", "proxy", "settings", "set", "query", "sign_in", "mail", "webhook"})
"""Keys whose values are never quoted: somebody may have written a secret there."""

_WORDS: Mapping[str, str] = {
    "string_type": "expected text (quote it)",
    "int_type": "expected a whole number",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "dict_type": "expected a map",
    "model_type": "expected a map",
    "string_pattern_mismatch": "not of the expected form",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}


def _said(error: Any, *, quotable: bool) -> str:
    kind: str = error["type"]
    message: str = error["msg"]
    if kind == "value_error":
        message = message.removeprefix("Value error, ")
    form = FORMS.get(error["ctx"]["pattern"]) if kind == "string_pattern_mismatch" else None
    text = form or _WORDS.get(kind) or message[:1].lower() + message[1:]
    value = error["input"]
    if not quotable or not isinstance(value, str | int) or kind == "string_type" or len(str(value)) > _SHOWN:
        return text
    return f"{text}, not {json.dumps(value, ensure_ascii=False)}"


def _known_keys(shape: Any, path: tuple[str | int, ...]) -> list[str]:
    """Return the keys the shape has at this path, following fields, lists, maps and variants."""
    shapes = [shape]
    for part in path:
        shapes = [step for each in shapes for step in _step(each, part)]
    return [name for each in shapes for name in _fields(each)]


def _fields(shape: Any) -> list[str]:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return [field.alias or name for name, field in shape.model_fields.items()]
    return []


def _step(shape: Any, part: str | int) -> list[Any]:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        field = next((f for name, f in shape.model_fields.items() if part in {name, f.alias}), None)
        # The name of a variant is not a key: stay where we are.
        return _variants(field.annotation) if field is not None else [shape]
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is list and isinstance(part, int):
        return _variants(arguments[0])
    if origin is dict:
        return _variants(arguments[1])
    return [shape]


def _variants(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if hasattr(annotation, "__metadata__"):
        return _variants(get_args(annotation)[0])
    if origin is Union or type(annotation).__name__ == "UnionType":
        return [variant for each in get_args(annotation) for variant in _variants(each)]
    return [annotation]
