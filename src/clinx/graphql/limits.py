"""What an operation may cost: measured before it is validated, for validation itself can be made expensive.

Every fragment is measured once. A field costs one, and a list as much as it may hold: ``first`` times what is asked of
each object, weighted where a field is dear. Built-in limiters walk nested fragments again and again, which takes
seconds for less than a kilobyte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from clinx.domain.identity import Role
from clinx.graphql.errors import Refusal

MOST_TOKENS: Final = 2_000
"""Words and signs of a document."""
MOST_DEPTH: Final = 12
MOST_ALIASES: Final = 30
MOST_FRAGMENTS: Final = 20
INTROSPECTION_DEPTH: Final = 24
"""The query that tools introspect a schema with is deep."""

MOST_COST: Final[Mapping[Role | None, int]] = {None: 500, Role.USER: 10_000, Role.ADMIN: 50_000, Role.ROOT: 50_000}
"""By role; None is whoever has not signed in."""

WEIGHTS: Final[Mapping[str, int]] = {
    "totalCount": 50,
    "usageReport": 100,
    "plan": 2_000,
    "channelTest": 500,
    "page": 100,
    "channelBalanceRefresh": 500,
    "signIn": 100,
    "register": 100,
}
"""What fields cost beside one, by name."""

_ONCE: Final = "totalCount"
"""Of a list, not of each of its objects."""
_UNKNOWN: Final = 100
"""How many objects a list may hold whose ``first`` is not known."""
_LONGEST: Final = 12
"""Digits of a number that are read: it is too large by then."""
_INTROSPECTING: Final = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Measure:
    """What a selection comes to."""

    cost: int = 0
    depth: int = 0
    aliases: int = 0
    once: int = 0
    """What of the cost is a list's own, however many objects it holds."""


@dataclass(slots=True)
class Meter:
    """Measures one document."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    known: dict[str, Measure | None] = field(default_factory=dict[str, "Measure | None"])

    def selection(self, selected: SelectionSetNode | None) -> Measure:
        """Measure what is selected.

        Raises:
            Refusal: ``query_too_complex``: a fragment contains itself.
        """
        found = [self._one(each) for each in selected.selections] if selected else []
        return Measure(
            cost=sum(each.cost for each in found),
            depth=max((each.depth for each in found), default=0),
            aliases=sum(each.aliases for each in found),
            once=sum(each.once for each in found),
        )

    def _one(self, node: object) -> Measure:
        if isinstance(node, FieldNode):
            return self._field(node)
        if isinstance(node, InlineFragmentNode):
            return self.selection(node.selection_set)
        if isinstance(node, FragmentSpreadNode):
            return self.fragment(node.name.value)
        return Measure()

    def _field(self, node: FieldNode) -> Measure:
        inside = self.selection(node.selection_set)
        name = node.name.value
        deeper = INTROSPECTION_DEPTH - MOST_DEPTH if name in _INTROSPECTING else 0
        cost = 1 + WEIGHTS.get(name, 0) + self._many(node) * (inside.cost - inside.once) + inside.once
        return Measure(
            cost=cost,
            depth=max(1, inside.depth + 1 - deeper),
            aliases=inside.aliases + (node.alias is not None),
            once=cost if name == _ONCE else 0,
        )

    def _many(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                if isinstance(value, VariableNode):
                    given = self.variables.get(value.name.value)
                    return max(1, given) if isinstance(given, int) else _UNKNOWN
                return _literal(value.value) if isinstance(value, IntValueNode) else _UNKNOWN
        return 1

    def fragment(self, name: str) -> Measure:
        """Measure a fragment, once.

        Raises:
            Refusal: ``query_too_complex``: it contains itself.
        """
        if name in self.known:
            if (found := self.known[name]) is None:
                raise _too_complex("a fragment contains itself")
            return found
        self.known[name] = None
        defined = self.fragments.get(name)
        found = self.selection(defined.selection_set) if defined else Measure()
        self.known[name] = found
        return found


def _literal(digits: str) -> int:
    """Read a number, of which nobody but us has seen yet how long it is."""
    return max(1, int(digits[:_LONGEST]))


def measure(document: DocumentNode, variables: Mapping[str, Any] | None) -> Measure:
    """Measure a document: the sum over its operations.

    Raises:
        Refusal: ``query_too_complex``: too many fragments, or one that contains itself.
    """
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    if len(fragments) > MOST_FRAGMENTS:
        raise _too_complex(f"more than {MOST_FRAGMENTS} fragments")
    meter = Meter(fragments, variables or {})
    try:
        measured = [
            *(meter.selection(o.selection_set) for o in document.definitions if isinstance(o, OperationDefinitionNode)),
            *(meter.fragment(name) for name in fragments),  # Those that nobody uses are validated too.
        ]
    except RecursionError:
        raise _too_complex("nested too deep") from None
    executed = measured[: len(measured) - len(fragments)]
    return Measure(
        sum(each.cost for each in executed),
        max((each.depth for each in executed), default=0),
        sum(each.aliases for each in measured),
    )


def check(found: Measure, role: Role | None) -> None:
    """Let a document pass that may be executed.

    Raises:
        Refusal: ``query_too_complex`` or ``query_too_expensive``.
    """
    if found.depth > MOST_DEPTH:
        raise _too_complex(f"more than {MOST_DEPTH} levels deep")
    if found.aliases > MOST_ALIASES:
        raise _too_complex(f"more than {MOST_ALIASES} aliases")
    most = MOST_COST[role]
    if found.cost > most:
        raise Refusal(
            f"This would cost {found.cost}, and at most {most} is allowed: ask for less at once.",
            "query_too_expensive",
            cost=found.cost,
            most=most,
        )


def _too_complex(why: str) -> Refusal:
    return Refusal(f"The document is too complex: {why}.", "query_too_complex", why=why)
