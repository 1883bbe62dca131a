"""What the names of expressions hold: which fields they have, of which kind, with which values.

A field that does not exist and a comparison that is always the same are legal syntax, and in a rule they open or shut
the gateway without a word. So both are refused at load, as far as the kinds are known: of what is computed, and of a
request's body, nothing is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from jinja2 import nodes

from clinx.config.diagnostics import did_you_mean
from clinx.config.expressions import ConditionError
from clinx.config.operations import METHODS
from clinx.dialects.registry import DIALECTS
from clinx.domain.identity import Role
from clinx.domain.operation import Operation
from clinx.policies.facts import DAYS, MODEL

Path = tuple[str, ...]
Compared = tuple[Path, str]
"""A path of names and a text that it is compared with."""

_NAMING: Final = frozenset({MODEL, ("group",), ("user", "group"), ("token", "group")})
"""Paths to names of the tree: whether there is such a name is for whoever knows the tree."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What stands behind a name."""

    said: str
    holds: tuple[type, ...] = ()
    """Types of constants that it can be equal to; empty where that is not known."""
    values: tuple[object, ...] = ()
    """All that it can be; empty where that is not known."""
    fields: Mapping[str, Kind] = field(default_factory=dict[str, "Kind"])
    """All fields that it has."""
    each: Kind | None = None
    """What its members are, whatever they are called."""


ANYTHING: Final = Kind("anything")
TEXT: Final = Kind("text", (str,))
NUMBER: Final = Kind("a number", (int, float))
FLAG: Final = Kind("true or false", (bool,))
_LIST: Final = Kind("a list")
_TEXTS: Final = Kind("a map of texts", each=TEXT)


def _one_of(words: Iterable[str]) -> Kind:
    return Kind("text", (str,), tuple(words))


def _between(first: int, last: int) -> Kind:
    return Kind("a number", (int, float), tuple(range(first, last + 1)))


KINDS: Final[Mapping[str, Kind]] = {
    "user": Kind(
        "a map",
        fields={"id": NUMBER, "name": TEXT, "group": TEXT, "role": _one_of(each.value for each in Role)},
    ),
    "token": Kind("a map", fields={"id": NUMBER, "name": TEXT, "group": TEXT, "tags": _TEXTS}),
    "group": TEXT,
    "model": TEXT,
    "operation": _one_of(each.value for each in Operation),
    "dialect": _one_of(DIALECTS),
    "stream": FLAG,
    "header": _TEXTS,
    "address": TEXT,
    "now": Kind(
        "a map",
        fields={
            "year": NUMBER,
            "month": _between(1, 12),
            "day": _between(1, 31),
            "hour": _between(0, 23),
            "minute": _between(0, 59),
            "weekday": _one_of(DAYS),
            "date": TEXT,
        },
    ),
    "offered": Kind("a list of names, for in"),
}
"""Kinds by name, as `clinx.policies.facts.scope` makes them; ``request`` may hold anything."""

_METHODS: Final[Mapping[str, Kind]] = {"startswith": FLAG, "endswith": FLAG, "split": _LIST, "rsplit": _LIST}
"""What methods give; all others give text."""
_FILTERS: Final[Mapping[str, Kind]] = {"lower": TEXT, "upper": TEXT, "trim": TEXT, "length": NUMBER, "int": NUMBER}


def compared_names(tree: nodes.Node) -> tuple[Compared, ...]:
    """Return what paths to names of the tree are compared with.

    Raises:
        ConditionError: a field that does not exist, or a comparison that is always the same.
    """
    found: list[Compared] = []
    for node in _walk(tree):
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            _kind(node)
        elif isinstance(node, nodes.Compare):
            found.extend(_compared(node))
    return tuple(found)


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Yield every node but the names of methods; a long chain of alternatives must not take stack."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        children = list(node.iter_child_nodes())
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            children[children.index(node.node)] = node.node.node
        waiting.extend(reversed(children))


def _kind(node: nodes.Node) -> Kind:
    match node:
        case nodes.Name(name=name):
            return KINDS.get(name, ANYTHING)
        case nodes.Getattr(node=holder, attr=key) | nodes.Getitem(node=holder, arg=nodes.Const(value=key)):
            return _member(_kind(holder), key, holder)
        case nodes.Getitem(node=holder):
            return _kind(holder).each or ANYTHING
        case _:
            return _made(node)


def _made(node: nodes.Node) -> Kind:
    """Return the kind of what is not looked up but worked out."""
    match node:
        case nodes.Call(node=nodes.Getattr(attr=method)):
            return _METHODS.get(method, TEXT)
        case nodes.Filter(name=name):
            return _FILTERS.get(name, ANYTHING)
        case nodes.Concat():
            return TEXT
        case nodes.Not() | nodes.Compare() | nodes.Test():
            return FLAG
        case _:
            return ANYTHING


def _member(kind: Kind, key: object, holder: nodes.Node) -> Kind:
    if kind is ANYTHING or (kind is _LIST and isinstance(key, int)):
        return ANYTHING
    if kind.each is not None:
        return kind.each
    known = kind.fields.get(key) if isinstance(key, str) else None
    if known is not None:
        return known
    if not kind.fields:
        hint = f"call it: .{key}(…)" if key in METHODS and kind.holds == TEXT.holds else None
        raise ConditionError(f'{_written(holder)} is {kind.said} and has no field "{key}"', hint)
    hint = did_you_mean(str(key), kind.fields) or f"known: {', '.join(kind.fields)}"
    raise ConditionError(f'{_written(holder)} has no field "{key}"', hint)


def _compared(node: nodes.Compare) -> Iterator[Compared]:
    left = node.expr
    for operand in node.ops:
        for subject, constant, is_exact in _pairs(left, operand):
            _refuse_constant(subject, constant, is_exact=is_exact)
            path = _path(subject)
            if is_exact and path in _NAMING and isinstance(constant, str):
                yield path, constant
        left = operand.expr


def _pairs(left: nodes.Expr, operand: nodes.Operand) -> Iterator[tuple[nodes.Expr, object, bool]]:
    """Yield what is compared with which constants, and whether it must be, or not be, the very same."""
    right = operand.expr
    if operand.op in {"in", "notin"}:
        if isinstance(right, nodes.List | nodes.Tuple):
            yield from ((left, each.value, True) for each in right.items if isinstance(each, nodes.Const))
        elif isinstance(right, nodes.Call) and isinstance(right.node, nodes.Name):
            # Only `range` can be called: it holds numbers.
            yield from ((left, each.value, False) for each in right.args if isinstance(each, nodes.Const))
        return
    is_exact = operand.op in {"eq", "ne"}
    if isinstance(right, nodes.Const):
        yield left, right.value, is_exact
    elif isinstance(left, nodes.Const):
        yield right, left.value, is_exact


def _refuse_constant(subject: nodes.Expr, constant: object, *, is_exact: bool) -> None:
    """Refuse a constant that the subject never is, or has no order with.

    Raises:
        ConditionError: it is of another type, or none of the values.
    """
    kind = _kind(subject)
    if constant is None or not kind.holds:
        return
    shown = json.dumps(constant, ensure_ascii=False)
    if isinstance(constant, bool) != (kind is FLAG) or not isinstance(constant, kind.holds):
        said = f"{_written(subject)} is {kind.said}, and never compares with {shown}"
        raise ConditionError(said, _meant(kind, shown))
    if is_exact and kind.values and constant not in kind.values:
        raise ConditionError(f"{_written(subject)} is never {shown}", _nearest(kind, constant))


def _meant(kind: Kind, shown: str) -> str | None:
    bare = shown.strip('"')
    if kind.holds == NUMBER.holds and bare.isdigit():
        return f"without quotes: {bare}"
    if kind is TEXT and shown[0] != '"':
        return f"in quotes: '{bare}'"
    return "a flag needs no comparison: name it, or say not" if kind is FLAG else None


def _nearest(kind: Kind, constant: object) -> str:
    if not isinstance(constant, str):
        return f"it is from {kind.values[0]} to {kind.values[-1]}"
    words = cast("tuple[str, ...]", kind.values)
    return did_you_mean(constant, words) or f"known: {', '.join(words)}"


def _path(node: nodes.Node) -> Path:
    """Return the path of names that leads to a value; nothing where another way does."""
    match node:
        case nodes.Name(name=name):
            return (name,)
        case nodes.Getattr(node=holder, attr=key) | nodes.Getitem(node=holder, arg=nodes.Const(value=str() as key)):
            above = _path(holder)
            return (*above, key) if above else ()
        case _:
            return ()


def _written(node: nodes.Node) -> str:
    return ".".join(_path(node)) or "this"
