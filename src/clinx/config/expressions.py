"""Checked syntax to closures over plain values. What has no method here is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, Final, cast

from jinja2 import nodes

from clinx.config.diagnostics import did_you_mean
from clinx.config.operations import (
    COMPARE,
    FILTERS,
    LONGEST,
    METHODS,
    MISSING,
    arithmetic,
    has,
    is_number,
    joined,
    look_up,
)
from clinx.config.patterns import compile_pattern, literal_prefix
from clinx.policies.allow import is_within
from clinx.policies.headers import is_credential
from clinx.policies.regex import PatternError

MAX_DEPTH: Final = 40
"""Levels of nesting: evaluating takes the stack of a running request."""

ALLOWED: Final = (
    "and, or, not, comparisons, in, in range(…), .field, [index], + - * / // %, ~, … if … else …, "
    "is defined, is match(…), is search(…), is within(…), |lower |upper |trim |length |default(…) |int |min |max, "
    ".startswith(…) .endswith(…) .split(…) .rsplit(…) .replace(…) .removeprefix(…) .removesuffix(…) .lower() .upper() "
    ".strip()"
)

Facts = Mapping[str, object]
Evaluate = Callable[[Facts], Any]


class ConditionError(ValueError):
    """An expression that is none of this language; the hint may name what was meant."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep the hint for the diagnostic."""
        super().__init__(message)
        self.hint = hint


_ARITHMETIC: Final[Mapping[type[nodes.Node], Callable[[Any, Any], Any]]] = {
    nodes.Add: arithmetic(lambda left, right: left + right),
    nodes.Sub: arithmetic(lambda left, right: left - right),
    nodes.Mul: arithmetic(lambda left, right: left * right),
    nodes.Div: arithmetic(lambda left, right: left / right),
    nodes.FloorDiv: arithmetic(lambda left, right: left // right),
    nodes.Mod: arithmetic(lambda left, right: left % right),
}


def chained(node: nodes.And | nodes.Or) -> list[nodes.Expr]:
    """Return the operands of ``a and b and c``, which are parsed as ``(a and b) and c``, side by side."""
    kind = type(node)
    operands: list[nodes.Expr] = []
    left: nodes.Expr = node
    while isinstance(left, kind):
        operands.append(left.right)
        left = left.left
    return [left, *reversed(operands)]


class ExpressionCompiler:
    """Compiles expressions over a closed set of names."""

    def __init__(self, names: frozenset[str]) -> None:
        """Take the names."""
        self._names = names
        self._depth = 0
        self._by_type: Mapping[type[nodes.Node], Callable[[Any], Evaluate]] = {
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
            nodes.Filter: self._filter,
            nodes.Call: self._call,
            nodes.Neg: self._negative,
            nodes.Concat: self._concat,
            nodes.CondExpr: self._choice,
            **dict.fromkeys(_ARITHMETIC, self._arithmetic),
        }

    def compile(self, node: nodes.Node) -> Evaluate:
        """Return what evaluates a node; it raises nothing.

        Raises:
            ConditionError: a construct beyond the allowed ones, or an unknown name.
        """
        compiler = self._by_type.get(type(node))
        if compiler is None:
            raise ConditionError(f"{type(node).__name__.lower()} is not allowed here", f"allowed: {ALLOWED}")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConditionError("nested too deeply")
        evaluate = compiler(node)
        self._depth -= 1
        return evaluate

    def _and(self, node: nodes.And) -> Evaluate:
        *parts, last = [self.compile(each) for each in chained(node)]

        def every(facts: Facts) -> Any:
            for part in parts:
                if not (value := part(facts)):
                    return value
            return last(facts)

        return every

    def _or(self, node: nodes.Or) -> Evaluate:
        *parts, last = [self.compile(each) for each in chained(node)]

        def either(facts: Facts) -> Any:
            for part in parts:
                if value := part(facts):
                    return value
            return last(facts)

        return either

    def _not(self, node: nodes.Not) -> Evaluate:
        inner = self.compile(node.node)
        return lambda facts: not inner(facts)

    def _choice(self, node: nodes.CondExpr) -> Evaluate:
        if node.expr2 is None:
            raise ConditionError('"if" needs an "else" here')
        test, then, otherwise = self.compile(node.test), self.compile(node.expr1), self.compile(node.expr2)
        return lambda facts: then(facts) if test(facts) else otherwise(facts)

    def _compare(self, node: nodes.Compare) -> Evaluate:
        first = self.compile(node.expr)
        if len(node.ops) == 1 and isinstance(node.ops[0].expr, nodes.Const):
            return _against(first, node.ops[0].op, node.ops[0].expr.value)
        rest = [(COMPARE[each.op], self._operand(each)) for each in node.ops]
        if len(rest) == 1:
            compare, right = rest[0]
            return lambda facts: compare(first(facts), right(facts))

        def chain(facts: Facts) -> bool:
            left = first(facts)
            for compare, right in rest:
                value = right(facts)
                if not compare(left, value):
                    return False
                left = value
            return True

        return chain

    def _operand(self, node: nodes.Operand) -> Evaluate:
        """Compile the right side of a comparison, which may be a constant range or list after ``in``."""
        among = node.expr
        if node.op in {"in", "notin"} and _is_range(among):
            numbers = _range(cast("nodes.Call", among))
            return lambda _: numbers
        if isinstance(among, nodes.List | nodes.Tuple) and all(isinstance(each, nodes.Const) for each in among.items):
            values = [cast("nodes.Const", each).value for each in among.items]
            return lambda _: values
        return self.compile(among)

    def _arithmetic(self, node: nodes.BinExpr) -> Evaluate:
        for side in (node.left, node.right):
            if isinstance(side, nodes.Const) and not is_number(side.value):
                raise ConditionError("arithmetic is for numbers", "text is joined with ~")
        compute, left, right = _ARITHMETIC[type(node)], self.compile(node.left), self.compile(node.right)
        return lambda facts: compute(left(facts), right(facts))

    def _concat(self, node: nodes.Concat) -> Evaluate:
        parts = [self.compile(each) for each in node.nodes]
        return lambda facts: joined([part(facts) for part in parts])

    def _const(self, node: nodes.Const) -> Evaluate:
        value = node.value
        return lambda _: value

    def _name(self, node: nodes.Name) -> Evaluate:
        name = node.name
        if name not in self._names:
            hint = did_you_mean(name, self._names) or f"known here: {', '.join(sorted(self._names))}"
            raise ConditionError(f'unknown name "{name}"', hint)
        return lambda facts: facts.get(name, MISSING)

    def _getattr(self, node: nodes.Getattr) -> Evaluate:
        inner, key = self._holder(node.node, node.attr), node.attr
        return lambda facts: look_up(inner(facts), key)

    def _getitem(self, node: nodes.Getitem) -> Evaluate:
        named = node.arg.value if isinstance(node.arg, nodes.Const) else None
        inner, key = self._holder(node.node, named), self.compile(node.arg)
        return lambda facts: look_up(inner(facts), key(facts))

    def _items(self, node: nodes.List | nodes.Tuple) -> Evaluate:
        parts = [self.compile(each) for each in node.items]
        return lambda facts: [part(facts) for part in parts]

    def _negative(self, node: nodes.Neg) -> Evaluate:
        if not isinstance(node.node, nodes.Const) or not isinstance(node.node.value, int | float):
            raise ConditionError("a minus sign belongs to a number", "write 0 - …")
        value = -node.node.value
        return lambda _: value

    def _defined(self, node: nodes.Expr) -> Evaluate:
        """Compile whether something is there; a member of a map is not looked at, for it may be large."""
        match node:
            case nodes.Getattr(node=holder, attr=key) | nodes.Getitem(node=holder, arg=nodes.Const(value=str() as key)):
                inner = self._holder(holder, key)
                return lambda facts: has(inner(facts), key)
            case _:
                inner = self.compile(node)
                return lambda facts: inner(facts) is not MISSING

    def _holder(self, node: nodes.Node, key: object) -> Evaluate:
        """Compile what a member is looked up in."""
        if isinstance(node, nodes.Name) and node.name == "header" and isinstance(key, str) and is_credential(key):
            raise ConditionError(f'header "{key}" may hold a credential', "rules do not read it")
        return self.compile(node)

    def _test(self, node: nodes.Test) -> Evaluate:
        if (node.name, node.args or []) == ("defined", []):
            return self._defined(node.node)
        inner = self.compile(node.node)
        match node.name, node.args or []:
            case ("match" | "search") as name, [nodes.Const(value=str() as pattern)]:
                return _pattern_test(inner, pattern, anchored=name == "match")
            case "within", [_, *_] as ranges if all(isinstance(each, nodes.Const) for each in ranges):
                return _network_test(inner, [str(cast("nodes.Const", each).value) for each in ranges])
            case _:
                raise ConditionError(f'unknown test "{node.name}"', _hint(node.name, _TESTS))

    def _filter(self, node: nodes.Filter) -> Evaluate:
        known = FILTERS.get(node.name)
        if known is None or node.node is None:
            raise ConditionError(f'unknown filter "{node.name}"', _hint(node.name, FILTERS))
        run, wanted = known
        if len(node.args) != wanted or node.kwargs or node.dyn_args or node.dyn_kwargs:
            said = f"{wanted or 'no'} argument{'' if wanted == 1 else 's'}"
            raise ConditionError(f'the filter "{node.name}" takes {said}')
        inner, arguments = self.compile(node.node), [self.compile(each) for each in node.args]
        return lambda facts: run(inner(facts), *(argument(facts) for argument in arguments))

    def _call(self, node: nodes.Call) -> Evaluate:
        target = node.node
        if not isinstance(target, nodes.Getattr):
            name = target.name if isinstance(target, nodes.Name) else ""
            said = "range(…) belongs after in" if name == "range" else "a call is not allowed here"
            raise ConditionError(said, f"allowed: {ALLOWED}")
        method = METHODS.get(target.attr)
        if method is None:
            raise ConditionError(f'unknown method "{target.attr}"', _hint(target.attr, METHODS))
        run, least, most = method
        if not least <= len(node.args) <= most or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise ConditionError(f"wrong arguments of .{target.attr}(…)")
        inner, arguments = self.compile(target.node), [self.compile(each) for each in node.args]

        def call(facts: Facts) -> Any:
            text = inner(facts)
            if not isinstance(text, str) or len(text) > LONGEST:
                return MISSING
            return run(text, *(argument(facts) for argument in arguments))

        return call


def _against(first: Evaluate, op: str, value: Any) -> Evaluate:
    """Compare with a constant, as most conditions do."""
    if op == "eq" and isinstance(value, str):
        return lambda facts: first(facts) == value
    compare = COMPARE[op]
    return lambda facts: compare(first(facts), value)


_TESTS: Final = ("defined", "match", "search", "within")


def _hint(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    return did_you_mean(name, known) or f"known: {', '.join(known)}"


def _is_range(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range"


def _range(node: nodes.Call) -> range:
    numbers = [each.value for each in node.args if isinstance(each, nodes.Const) and type(each.value) is int]
    whole = len(numbers) == len(node.args) and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
    try:
        return range(*numbers if whole else ())
    except (TypeError, ValueError):
        raise ConditionError("range(…) takes one to three whole numbers") from None


def _pattern_test(inner: Evaluate, source: str, *, anchored: bool) -> Evaluate:
    try:
        pattern = compile_pattern(source)
    except PatternError as error:
        raise ConditionError(str(error), error.hint) from None
    prefix, is_whole = literal_prefix(source)
    if is_whole and (anchored or source.startswith("^")):
        return lambda facts: isinstance(text := inner(facts), str) and text.startswith(prefix)
    find = pattern.match if anchored else pattern.search

    def matches(facts: Facts) -> bool:
        text = inner(facts)
        try:
            return isinstance(text, str) and find(text.encode()) is not None
        except UnicodeEncodeError:
            # A header may hold what is no text.
            return False

    return matches


def _network_test(inner: Evaluate, ranges: list[str]) -> Evaluate:
    try:
        networks = tuple(ip_network(each) for each in ranges)
    except ValueError as error:
        raise ConditionError(f"not an address range: {error}") from None
    return lambda facts: isinstance(address := inner(facts), str) and is_within(address, networks)
