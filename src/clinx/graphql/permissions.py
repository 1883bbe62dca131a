"""Who may see or do what in the console; the only place that decides it.

Every noun lists each of its fields with a `Rule` (`over`). `enforce` lays the rules over the built schema: a field
without one is a defect that no process starts with. A rule is checked before the field's resolver runs, and is written
into the field's description, so the printed schema says it too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema

from clinx.domain.permissions import Permission as Permission
from clinx.domain.permissions import permissions_of as permissions_of
from clinx.graphql.context import Context
from clinx.graphql.errors import Forbidden, InPerson, Refusal, SignInFirst

_USE_POST: Final = "The answer sets a cookie, which a stream cannot: send it by POST and take JSON."


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use a field."""

    shown: str
    """In the description of the field."""
    permission: Permission | None = None
    """Whoever has it may."""
    anyone: bool = False
    """Also those who have not signed in."""
    signed_in: bool = False
    """Whoever has signed in."""
    owner: bool = False
    """Whoever the parent object belongs to: its ``owner_id``."""
    session: bool = False
    """Nobody by an access key: what makes or changes credentials takes a person."""
    posted: bool = False
    """Not where an answer has no headers left to it: a session that no cookie could bring would be nobody's."""

    def check(self, context: Context, parent: object, *, changes: bool = False) -> None:
        """Let the viewer pass.

        Raises:
            SignInFirst: nobody has signed in, and somebody must.
            Forbidden: the viewer is not one of those who may.
            InPerson: nobody may by an access key.
            Refusal: ``post_required``: the answer is streamed, and sets a cookie.
        """
        if self.posted and context.streamed:
            raise Refusal(_USE_POST, "post_required")
        if self.anyone:
            return
        viewer = context.viewer
        if viewer is None:
            raise SignInFirst(ended=context.session_ended)
        if self.permission is not None and self.permission in viewer.permissions:
            return
        if not self.signed_in and not (self.owner and getattr(parent, "owner_id", None) == viewer.user.id):
            raise Forbidden(self.permission)
        if self.session and viewer.session is None:
            raise InPerson
        if (given := Permission.SELF_WRITE if changes else Permission.SELF_READ) not in viewer.permissions:
            raise Forbidden(given)


ANYONE: Final = Rule("For everybody.", anyone=True)
POSTED: Final = Rule("For everybody; not in a stream, for the answer sets a cookie.", anyone=True, posted=True)
SIGNED_IN: Final = Rule("For whoever has signed in.", signed_in=True)
SESSION: Final = Rule("For whoever has signed in; not by an access key.", signed_in=True, session=True)
OWNER: Final = Rule("For its owner.", owner=True)


def needs(permission: Permission) -> Rule:
    """Return the rule that a permission is needed."""
    return Rule(f"Needs `{permission}`.", permission=permission)


def own(permission: Permission) -> Rule:
    """Return the rule for what belongs to somebody: its owner may, and whoever has the permission."""
    return Rule(f"For its owner; others need `{permission}`.", permission=permission, owner=True)


Access = Mapping[str, Rule]
"""``Type.field`` to its rule."""


def over(type_name: str, rule: Rule, *fields: str) -> dict[str, Rule]:
    """Return one rule for several fields, by their names in the schema."""
    return {f"{type_name}.{name}": rule for name in fields}


class AccessError(Exception):
    """The table of rules and the schema do not say the same."""


_OF_PAGES: Final = {"Connection": ("edges", "pageInfo", "totalCount"), "Edge": ("cursor", "node")}


def pages(schema: GraphQLSchema) -> dict[str, Rule]:
    """Return the rules for pages of objects: they are guarded where they are asked for."""
    return {
        rule: ANYONE
        for name in schema.type_map
        for kind, fields in _OF_PAGES.items()
        if name.endswith(kind)
        for rule in over(name, ANYONE, *fields)
    }


def enforce(schema: GraphQLSchema, tables: Iterable[Access]) -> dict[str, Rule]:
    """Lay the rules over every field of every object type; return them as one table.

    Raises:
        AccessError: a field has no rule, a rule has no field, or two rules are of one field.
    """
    rules = _merged(tables)
    known: set[str] = set()
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for name, defined in type_.fields.items():
                key = f"{type_.name}.{name}"
                known.add(key)
                if (rule := rules.get(key)) is not None:
                    _lay(defined, rule, changes=type_.name == "Mutation")
    if missing := sorted(known - rules.keys()):
        raise AccessError(f"no rule says who may see {', '.join(missing)}")
    if strays := sorted(rules.keys() - known):
        raise AccessError(f"there is no field for the rules of {', '.join(strays)}")
    return rules


def _merged(tables: Iterable[Access]) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for table in tables:
        if twice := sorted(rules.keys() & table.keys()):
            raise AccessError(f"two rules for {', '.join(twice)}")
        rules.update(table)
    return rules


def _lay(defined: Any, rule: Rule, *, changes: bool) -> None:
    defined.description = f"{defined.description}\n\n{rule.shown}" if defined.description else rule.shown
    if rule.anyone and not rule.posted:
        return
    if defined.subscribe is not None:
        defined.subscribe = _guarded(defined.subscribe, rule, changes=changes)
    if defined.resolve is not None:
        defined.resolve = _guarded(defined.resolve, rule, changes=changes)


def _guarded(resolve: Callable[..., Any], rule: Rule, *, changes: bool) -> Callable[..., Any | Awaitable[Any]]:
    def guarded(source: object, info: GraphQLResolveInfo[Context], **args: Any) -> Any | Awaitable[Any]:
        rule.check(info.context, source, changes=changes)
        return resolve(source, info, **args)

    return guarded
