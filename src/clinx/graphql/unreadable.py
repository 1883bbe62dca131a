"""Where the value stands that a scalar could not read: argument, field, place in a list; or variable, field, place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    ListValueNode,
    Node,
    ObjectFieldNode,
    ValueNode,
    is_specified_scalar_type,
)

_IN_VARIABLE: Final = re.compile(r"Variable '\$(\w+)' has invalid value(?: at ((?:\.\w+|\[\d+\])+))?: ")
_PART: Final = re.compile(r"\w+")


def lay(schema: GraphQLSchema) -> None:
    """Let scalars say which literal they could not read; call this once."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLScalarType) and not is_specified_scalar_type(type_):
            type_.parse_literal = _pointing(type_.parse_literal)


def _pointing(parse: Callable[..., Any]) -> Callable[..., Any]:
    def pointing(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        try:
            return parse(node, variables)
        except GraphQLError as error:
            raise GraphQLError(error.message, node, original_error=error) from error

    return pointing


def locate(error: GraphQLError, document: DocumentNode) -> None:
    """Write into the extensions of a failure where in a document the value stands that it is about."""
    if error.extensions and error.nodes:
        path = _way(document, error.nodes[0])
        if path:
            error.extensions = {**error.extensions, "path": path}


def place(error: GraphQLError) -> list[str]:
    """Return where the value stands; of a variable's, it is read from what the executor put before what was said."""
    found: list[str] | None = (error.extensions or {}).get("path")
    if found is not None:
        return found
    variable = _IN_VARIABLE.match(error.message)
    return [] if variable is None else [variable[1], *_PART.findall(variable[2] or "")]


def _way(document: DocumentNode, value: Node) -> list[str]:
    waiting: list[tuple[Node, list[str]]] = [(document, [])]
    while waiting:
        node, path = waiting.pop()
        if node is value:
            return path
        waiting.extend(_below(node, path))
    return []


def _below(node: Node, path: list[str]) -> Iterator[tuple[Node, list[str]]]:
    if isinstance(node, ListValueNode):
        yield from ((each, [*path, str(place)]) for place, each in enumerate(node.values))
        return
    if isinstance(node, ArgumentNode | ObjectFieldNode):
        yield node.value, [*path, node.name.value]
        return
    for key in node.keys:
        each: Any = getattr(node, key, None)
        nodes = cast("Iterable[Any]", each if isinstance(each, list | tuple) else (each,))
        yield from ((inner, path) for inner in nodes if isinstance(inner, Node))
