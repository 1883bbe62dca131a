"""Conditions in the tree: Jinja2's expression syntax over a closed set of names, compiled once at load.

Jinja2 only parses. What it parses is checked against a list of harmless node types and turned into closures over
plain values: no code is generated, no attribute of any object is reached, nothing can be called but three string
tests, and the work is bounded by the length of the text. Caller text is only ever a value. A field the request does
not have makes a comparison false; a name the tree does not know is an error at load.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from jinja2 import TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from clinx.config.diagnostics import did_you_mean

MAX_LENGTH: Final = 2000
MAX_DEPTH: Final = 40
"""Levels of nesting: evaluating takes the stack of a running request."""

PRICE_NAMES: Final = frozenset({"request", "model", "group"})
"""What a price's condition may look at: ``request`` is the caller's body, ``group`` the one that serves it."""
PARAM_NAMES: Final = frozenset({"model", "operation", "stream"})
"""What the condition of a provider's parameter rule may look at."""

_Facts = Mapping[str, object]
_Evaluate = Callable[[_Facts], Any]


class ConditionError(ValueError):
    """An expression that is not a condition; the hint may name what was meant."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep the hint for the diagnostic."""
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition (`clinx.domain.pricing.Condition`)."""

    source: str
    evaluate: _Evaluate = field(repr=False, compare=False)

    def __call__(self, facts: Mapping[str, object]) -> bool:
        """Decide for one request; raises nothing."""
        return bool(self.evaluate(facts))


def compile_condition(source: str, names: frozenset[str]) -> Expression:
    """Compile an expression over these names.

    Raises:
        ConditionError: not an expression, a construct beyond the allowed ones, or an unknown name.
    """
    if len(source) > MAX_LENGTH:
        raise ConditionError(f"longer than {MAX_LENGTH} characters")
    environment = ImmutableSandboxedEnvironment()
    try:
        parser = Parser(environment, source, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise ConditionError(f'unexpected "{parser.stream.current.value}" after the expression')
        return Expression(source, _Compiler(names).compile(tree))
    except TemplateSyntaxError as error:
        raise ConditionError(error.message or "not an expression") from None
    except RecursionError:
        raise ConditionError("nested too deeply") from None


def _less_than(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Make an ordering false between things that have no order, rather than an error."""

    def ordered(left: Any, right: Any) -> bool:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        return (numbers or (isinstance(left, str) and isinstance(right, str))) and compare(left, right)

    return ordered


def _equal(left: Any, right: Any) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _unequal(left: Any, right: Any) -> bool:
    return left is not _MISSING and not _equal(left, right)


def _among(left: Any, right: Any) -> bool:
    if isinstance(right, str):
        return isinstance(left, str) and left in right
    if isinstance(right, Mapping):
        return isinstance(left, str) and left in right
    return any(_equal(left, each) for each in _list(right))


def _not_among(left: Any, right: Any) -> bool:
    return left is not _MISSING and not _among(left, right)


class _Missing:
    """What a request does not say: false, equal to nothing, in nothing."""

    def __bool__(self) -> bool:
        return False


_MISSING: Final = _Missing()

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": _equal,
    "ne": _unequal,
    "lt": _less_than(operator.lt),
    "lteq": _less_than(operator.le),
    "gt": _less_than(operator.gt),
    "gteq": _less_than(operator.ge),
    "in": _among,
    "notin": _not_among,
}
_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def _look_up(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return members.get(key, _MISSING) if isinstance(key, str) else _MISSING
    items = _list(value)
    return items[key] if type(key) is int and -len(items) <= key < len(items) else _MISSING


def _list(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def _chained(node: nodes.And | nodes.Or) -> list[nodes.Expr]:
    """Return the operands of ``a and b and c``, which are parsed as ``(a and b) and c``, side by side."""
    kind = type(node)
    operands: list[nodes.Expr] = []
    left: nodes.Expr = node
    while isinstance(left, kind):
        operands.append(left.right)
        left = left.left
    return [left, *reversed(operands)]


class _Compiler:
    """Checked nodes to closures. What has no method here is refused."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._depth = 0
        self._by_type: Mapping[type[nodes.Node], Callable[[Any], _Evaluate]] = {
            nodes.And: self._and,
            nodes.Or: self._or,
            nodes.Not: self._not,
            nodes.Compare: self._compare,
            nodes.Const: self._const,
            nodes.Name: self._name,
            nodes.Getattr: self._getattr,
            nodes.Getitem: self._getitem,
            nodes.List: self._items,
            nodes.Tuple: self._items,
            nodes.Test: self._test,
            nodes.Call: self._call,
            nodes.Neg: self._negative,
        }

    def compile(self, node: nodes.Node) -> _Evaluate:
        compiler = self._by_type.get(type(node))
        if compiler is None:
            raise ConditionError(f"{type(node).__name__.lower()} is not allowed in a condition", _ALLOWED)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConditionError("nested too deeply")
        evaluate = compiler(node)
        self._depth -= 1
        return evaluate

    def _and(self, node: nodes.And) -> _Evaluate:
        parts = [self.compile(each) for each in _chained(node)]
        return lambda facts: all(part(facts) for part in parts)

    def _or(self, node: nodes.Or) -> _Evaluate:
        parts = [self.compile(each) for each in _chained(node)]
        return lambda facts: any(part(facts) for part in parts)

    def _not(self, node: nodes.Not) -> _Evaluate:
        inner = self.compile(node.node)
        return lambda facts: not inner(facts)

    def _compare(self, node: nodes.Compare) -> _Evaluate:
        first = self.compile(node.expr)
        rest = [(_COMPARE[each.op], self.compile(each.expr)) for each in node.ops]
        if len(rest) == 1:
            compare, right = rest[0]
            return lambda facts: compare(first(facts), right(facts))

        def chain(facts: _Facts) -> bool:
            left = first(facts)
            for compare, right in rest:
                value = right(facts)
                if not compare(left, value):
                    return False
                left = value
            return True

        return chain

    def _const(self, node: nodes.Const) -> _Evaluate:
        value = node.value
        return lambda _: value

    def _name(self, node: nodes.Name) -> _Evaluate:
        name = node.name
        if name not in self._names:
            hint = did_you_mean(name, self._names) or f"known here: {', '.join(sorted(self._names))}"
            raise ConditionError(f'unknown name "{name}"', hint)
        return lambda facts: facts.get(name, _MISSING)

    def _getattr(self, node: nodes.Getattr) -> _Evaluate:
        inner, key = self.compile(node.node), node.attr
        return lambda facts: _look_up(inner(facts), key)

    def _getitem(self, node: nodes.Getitem) -> _Evaluate:
        inner, key = self.compile(node.node), self.compile(node.arg)
        return lambda facts: _look_up(inner(facts), key(facts))

    def _items(self, node: nodes.List | nodes.Tuple) -> _Evaluate:
        parts = [self.compile(each) for each in node.items]
        return lambda facts: [part(facts) for part in parts]

    def _negative(self, node: nodes.Neg) -> _Evaluate:
        if not isinstance(node.node, nodes.Const) or not isinstance(node.node.value, int | float):
            raise ConditionError("a minus sign belongs to a number", _ALLOWED)
        value = -node.node.value
        return lambda _: value

    def _test(self, node: nodes.Test) -> _Evaluate:
        if node.name != "defined" or node.args:
            raise ConditionError(f'unknown test "{node.name}"', _ALLOWED)
        inner = self.compile(node.node)
        return lambda facts: inner(facts) is not _MISSING

    def _call(self, node: nodes.Call) -> _Evaluate:
        target = node.node
        test = _TESTS.get(target.attr) if isinstance(target, nodes.Getattr) else None
        if test is None or len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise ConditionError("a call is not allowed in a condition", _ALLOWED)
        assert isinstance(target, nodes.Getattr)  # noqa: S101  (what `test is None` has just decided)
        inner, argument = self.compile(target.node), self.compile(node.args[0])

        def run(facts: _Facts) -> bool:
            text, part = inner(facts), argument(facts)
            return isinstance(text, str) and isinstance(part, str) and test(text, part)

        return run


_ALLOWED: Final = "and, or, not, comparisons, in, .field, [index], is defined, .startswith(…), .endswith(…)"
