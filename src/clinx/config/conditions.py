"""Conditions in the tree: Jinja2's expression syntax over a closed set of names, compiled once at load.

Jinja2 only parses. What it parses is checked against a list of harmless node types and turned into closures over
plain values: no code is generated, no attribute of any object is reached, nothing can be called but a few methods of
text, and the work is bounded by the length of the text. Caller text is only ever a value. A field the request does
not have makes a comparison false; a name the tree does not know is an error at load.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from clinx.config.anchors import anchors_of
from clinx.config.expressions import ConditionError, Evaluate, ExpressionCompiler
from clinx.config.vocabulary import Compared, compared_names
from clinx.policies.rule import Anchor

MAX_LENGTH: Final = 2000

PRICE_NAMES: Final = frozenset({"request", "model", "group"})
"""What a price's condition may look at: ``request`` is the caller's body, ``group`` the one that serves it."""
PARAM_NAMES: Final = frozenset({"model", "operation", "stream"})
"""What the condition of a provider's parameter rule may look at."""
POLICY_NAMES: Final = frozenset(
    {
        "user",
        "token",
        "group",
        "model",
        "operation",
        "dialect",
        "stream",
        "header",
        "address",
        "now",
        "request",
        "offered",
    }
)
"""What rules may look at: see `clinx.policies.facts.scope`."""

_END: Final = re.compile("'?end of (template|print statement)'?")
"""What the parser calls the end of what it was given."""
_ASSIGNED: Final = re.compile(r"""["']=["']""")


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Called, it is a condition (`clinx.domain.pricing.Condition`)."""

    source: str
    evaluate: Evaluate = field(repr=False, compare=False)
    """Its value for one request; raises nothing."""
    anchors: tuple[Anchor, ...] = field(default=(), repr=False, compare=False)
    """What holds whenever it does."""
    names: tuple[Compared, ...] = field(default=(), repr=False, compare=False)
    """The names of the tree that something is compared with, with what that is."""

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
    try:
        tree = _parse(source)
        return Expression(source, ExpressionCompiler(names).compile(tree), anchors_of(tree), compared_names(tree))
    except TemplateSyntaxError as error:
        raise no_expression(error.message or "not an expression", source) from None
    except RecursionError:
        raise ConditionError("nested too deeply") from None


def _parse(source: str) -> nodes.Expr:
    parser = Parser(ImmutableSandboxedEnvironment(), source, state="variable")
    tree = parser.parse_expression()
    if not parser.stream.eos:
        raise no_expression(f'unexpected "{parser.stream.current.value}" after the expression', source)
    return tree


def no_expression(message: str, source: str) -> ConditionError:
    """Return what the parser said of a text, in the words of the tree, with what was probably meant."""
    message = _END.sub("end of the expression", message)
    if source.lstrip().startswith("{{"):
        return ConditionError("all of it is an expression, without braces", "leave out {{ and }}")
    if _ASSIGNED.search(message):
        return ConditionError(message, "to compare, write ==")
    return ConditionError(message)
