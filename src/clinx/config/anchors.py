"""What must at least be so for a condition to hold, read off its syntax: how rules are found without trying them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from jinja2 import nodes

from clinx.config.patterns import literal_prefix
from clinx.policies.facts import presence, reader
from clinx.policies.rule import Anchor, Match

_METHODS: Final[Mapping[str, Match]] = {"startswith": Match.PREFIX, "endswith": Match.SUFFIX}


def anchors_of(tree: nodes.Node) -> tuple[Anchor, ...]:
    """Return what holds whenever the condition does; nothing that is not certain."""
    return tuple(anchor for part in _conjuncts(tree) if (anchor := _anchor(part)) is not None)


def _conjuncts(node: nodes.Node) -> Iterator[nodes.Node]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, nodes.And):
            waiting.extend((part.right, part.left))
        else:
            yield part


def _anchor(node: nodes.Node) -> Anchor | None:
    match node:
        case nodes.Or():
            return _either(node)
        case nodes.Getattr() | nodes.Getitem() | nodes.Name():
            return _present(node)
        case nodes.Compare(ops=[only]):
            return _compared(node.expr, only.op, only.expr)
        case nodes.Test():
            return _tested(node)
        case nodes.Call(node=nodes.Getattr(attr="startswith" | "endswith" as name) as method, args=[argument]):
            texts = argument.items if isinstance(argument, nodes.List | nodes.Tuple) else [argument]
            return _ends(method.node, _METHODS[name], _constants(texts))
        case _:
            return None


def _either(node: nodes.Or) -> Anchor | None:
    """Of alternatives there is an anchor where all of them ask the same of the same thing."""
    left, right = _anchor(node.left), _anchor(node.right)
    if left is None or right is None or (left.path, left.match) != (right.path, right.match):
        return None
    return Anchor(left.path, left.match, left.values | right.values)


def _compared(left: nodes.Expr, op: str, right: nodes.Expr) -> Anchor | None:
    """Of what is not there no comparison holds, but that something is not in it; some say what it is."""
    exact: Anchor | None = None
    if op == "eq":
        exact = _exact(left, [right]) or _exact(right, [left])
    elif op == "in" and isinstance(right, nodes.List | nodes.Tuple):
        exact = _exact(left, right.items)
    return exact or _present(left) or (None if op == "notin" else _present(right))


def _tested(node: nodes.Test) -> Anchor | None:
    match node.name, node.args or []:
        case "match", [nodes.Const(value=str() as pattern)]:
            return _ends(node.node, Match.PREFIX, [literal_prefix(pattern)[0]])
        case "defined" | "search" | "within", _:
            return _present(node.node)
        case _:
            return None


def _exact(subject: nodes.Node, values: list[nodes.Expr]) -> Anchor | None:
    path, found = _path(subject), _constants(values)
    return None if path is None or not found else Anchor(path, Match.EXACT, frozenset(found))


def _present(subject: nodes.Node) -> Anchor | None:
    path = _path(subject)
    return None if path is None or presence(path) is None else Anchor(path, Match.PRESENT, frozenset())


def _ends(subject: nodes.Node, match: Match, texts: list[object]) -> Anchor | None:
    path = _path(subject)
    if path is None or not texts or not all(isinstance(text, str) and text for text in texts):
        return _present(subject)
    return Anchor(path, match, frozenset(texts))


def _constants(parts: list[nodes.Expr]) -> list[object]:
    """Return the values of constants that a rule can be found by; nothing where some are none."""
    found: list[object] = []
    for part in parts:
        if not (isinstance(part, nodes.Const) and isinstance(part.value, str | int | float)):
            return []
        found.append(part.value)
    return found


def _path(node: nodes.Node) -> tuple[str, ...] | None:
    """Return the path of names that an expression looks up, if rules are found by what is there."""
    names: list[str] = []
    while not isinstance(node, nodes.Name):
        match node:
            case nodes.Getattr(node=above, attr=name) | nodes.Getitem(node=above, arg=nodes.Const(value=str() as name)):
                names.append(name)
                node = above
            case _:
                return None
    path = (node.name, *reversed(names))
    return path if reader(path) is not None else None
