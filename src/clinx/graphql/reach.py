"""What leads to an object says something of whoever reached it; what asks for more than that may be null.

A refusal of a field that is never null takes away all that it is part of. So a field with a stricter rule than some way
to its object is made nullable: whoever may not see it gets null there, an error with its path, and the rest. Of an
object that is refused as a whole it is the way that is made nullable. Fields of `Query` and of the like stay as they
are: there is nothing around them to be saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from graphql import GraphQLNonNull, GraphQLObjectType, GraphQLSchema, get_named_type

from clinx.graphql.permissions import Rule

_ROOTS: Final = frozenset({"Query", "Mutation", "Subscription"})
_IN_PERSON: Final = "in person"

Known = frozenset[str]
"""What is known of whoever reached something: permissions they hold, and that they are no access key."""
Way = tuple[GraphQLObjectType, str, Any]
"""An object, and a field of it with its name."""


def loosen(schema: GraphQLSchema, rules: Mapping[str, Rule]) -> list[str]:
    """Let be null what some of those who reach its object may not see; return that as ``Type.field``, sorted.

    What an interface promises stays promised, and what belongs to its owner is only ever reached by who may.
    """
    known, loosened = _known(schema, rules), list[str]()
    missing = {type_.name: _missing(type_, rules, known[type_.name]) for type_ in _objects(schema)}
    for type_, name, defined in _fields(schema):
        if type_.name in _ROOTS or name in _promised(type_):
            continue
        takes, has = _told(rules[f"{type_.name}.{name}"]), known[type_.name]
        is_refused = not takes <= has | missing[type_.name] or not missing.get(_target(defined), Known()) <= has | takes
        if is_refused and isinstance(defined.type, GraphQLNonNull):
            defined.type = cast("Any", defined.type).of_type
            loosened.append(f"{type_.name}.{name}")
    return sorted(loosened)


def _missing(type_: GraphQLObjectType, rules: Mapping[str, Rule], known: Known) -> Known:
    """Return what every field of an object takes and is not known: it is refused as a whole then."""
    return Known.intersection(*(_told(rules[f"{type_.name}.{name}"]) - known for name in type_.fields))


def _known(schema: GraphQLSchema, rules: Mapping[str, Rule]) -> dict[str, Known]:
    """Return what is known by every way to each object: at first all there is, then less until nothing changes."""
    everything = Known(fact for rule in rules.values() for fact in _told(rule))
    known = {type_.name: Known() if type_.name in _ROOTS else everything for type_ in _objects(schema)}
    ways = [(type_.name, name, _target(defined)) for type_, name, defined in _fields(schema)]
    is_settled = False
    while not is_settled:
        is_settled = True
        for parent, name, child in ways:
            if child in known:
                common = known[child] & (known[parent] | _told(rules[f"{parent}.{name}"]))
                is_settled = is_settled and common == known[child]
                known[child] = common
    return known


def _target(defined: Any) -> str:
    """Return the type that a field leads to; what leads to an interface finds only what whoever asks may see."""
    return str(cast("Any", get_named_type(defined.type)).name)


def _promised(type_: GraphQLObjectType) -> set[str]:
    return {name for interface in type_.interfaces for name in interface.fields}


def _fields(schema: GraphQLSchema) -> Iterator[Way]:
    return ((type_, name, defined) for type_ in _objects(schema) for name, defined in type_.fields.items())


def _objects(schema: GraphQLSchema) -> Iterator[GraphQLObjectType]:
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            yield type_


def _told(rule: Rule) -> Known:
    """Return what is known of whoever passes a rule, which is also what it takes, but for what is one's own."""
    if rule.permission is not None:
        return Known() if rule.signed_in or rule.owner else Known({rule.permission})
    return Known({_IN_PERSON}) if rule.session else Known()
