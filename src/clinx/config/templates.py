"""Values of a rewrite: plain YAML whose texts may hold ``{{ expression }}``, compiled once at load.

A text that is one expression and nothing else has the expression's value, of whatever type; any other is text. What
asks for something the request does not say is `NOTHING`, and what it was for is left out. Caller text is only ever a
value: it is never read as a template.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from clinx.config.conditions import ConditionError, no_expression
from clinx.config.expressions import Evaluate, ExpressionCompiler
from clinx.config.nodes import Node, json_text
from clinx.config.operations import MISSING, joined
from clinx.config.vocabulary import compared_names

MAX_LENGTH: Final = 20_000
"""Characters of one text: a system prompt fits."""

_UNUSED: Final = {
    "block_start_string": "\0%",
    "block_end_string": "%\0",
    "comment_start_string": "\0#",
    "comment_end_string": "#\0",
}
"""Statements and comments begin with what no YAML holds, so a prompt may hold what they usually begin with."""

_Compute: TypeAlias = Callable[[Mapping[str, object]], object]


@dataclass(frozen=True, slots=True)
class Value:
    """A compiled value (`clinx.policies.rule.Value`). Two are the same when they were written the same."""

    source: str
    compute: _Compute = field(repr=False, compare=False)

    def __call__(self, facts: Mapping[str, object]) -> object:
        """Work it out for one request; raises nothing."""
        return self.compute(facts)


def compile_template(text: str, names: frozenset[str]) -> Value:
    """Compile one text.

    Raises:
        ConditionError: too long, or with an expression that is none.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"longer than {MAX_LENGTH} characters")
    return Value(text, _template(text, names))


def _template(text: str, names: frozenset[str]) -> _Compute:
    if "{{" not in text:
        return _constant(text)
    try:
        parts = _parts(text, ExpressionCompiler(names))
    except TemplateSyntaxError as error:
        raise no_expression(error.message or "not a template", "") from None
    except RecursionError:
        raise ConditionError("nested too deeply") from None
    if len(parts) == 1:
        return parts[0]
    return lambda facts: joined([part(facts) for part in parts])


def compile_value(node: Node, names: frozenset[str], reject: Callable[[Node, ConditionError], None]) -> Value:
    """Compile a value with templates at any depth; what is wrong goes to ``reject``, with where it stands."""
    return Value(json_text(node.plain()).decode(), _compute(node, names, reject))


def _compute(node: Node, names: frozenset[str], reject: Callable[[Node, ConditionError], None]) -> _Compute:
    if isinstance(node.value, dict):
        return _mapped({key: _compute(child, names, reject) for key, child in node.value.items()})
    if isinstance(node.value, list):
        return _listed([_compute(child, names, reject) for child in node.value])
    if isinstance(node.value, str):
        try:
            return _jsonable(compile_template(node.value, names).compute)
        except ConditionError as error:
            reject(node, error)
            return _constant(MISSING)
    # Through JSON: a decimal of the tree is a number of the body.
    return _constant(json.loads(json_text(node.value)))


def _parts(text: str, compiler: ExpressionCompiler) -> list[Evaluate]:
    environment = ImmutableSandboxedEnvironment(keep_trailing_newline=True, **_UNUSED)
    parts = (part for output in environment.parse(text).body for part in cast("nodes.Output", output).nodes)
    return [_part(part, compiler) for part in parts]


def _part(part: nodes.Expr, compiler: ExpressionCompiler) -> Evaluate:
    if isinstance(part, nodes.TemplateData):
        return _constant(part.data)
    evaluate = compiler.compile(part)
    compared_names(part)
    return evaluate


def _constant(value: object) -> _Compute:
    return lambda _: value


def _mapped(parts: Mapping[str, _Compute]) -> _Compute:
    def run(facts: Mapping[str, object]) -> object:
        found = {key: part(facts) for key, part in parts.items()}
        return MISSING if MISSING in found.values() else found

    return run


def _listed(parts: list[_Compute]) -> _Compute:
    def run(facts: Mapping[str, object]) -> object:
        found = [part(facts) for part in parts]
        return MISSING if MISSING in found else found

    return run


def _jsonable(value: _Compute) -> _Compute:
    def run(facts: Mapping[str, object]) -> object:
        try:
            return _plain(value(facts))
        except (RecursionError, _UnwritableError):
            return MISSING

    return run


class _UnwritableError(Exception):
    """A value that JSON has no form for."""


def _plain(value: Any) -> object:
    """Return a value as it can be written as JSON.

    Raises:
        _UnwritableError: it cannot, or a part of it.
    """
    if isinstance(value, str):
        # A header may hold what is no text.
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, int | float):
        return cast("object", value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_plain(each) for each in cast("list[object]", value)]
    raise _UnwritableError
