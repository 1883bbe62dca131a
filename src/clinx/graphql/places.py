"""Which part of an input a failure is about: every `UserError.path` is made here, of fields that the input has.

Rooms below name what they know (a *name*, an *address*), which inputs call by names of their own. So a failure says
what it is about as far as it can, and the place is looked up in the input of the mutation. What is about no field
alone has an empty path: who one is, how much was tried, what may be done at all.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_named_type,
)
from strawberry.utils.str_converters import to_camel_case

from clinx.graphql.context import Context
from clinx.graphql.errors import UserError

_WHAT: Final = frozenset(
    {"access_key_invalid", "name_reserved", "offer_invalid", "profile_invalid", "token_invalid", "webhook_invalid"}
)
"""Codes whose parameter ``what`` names a field."""
_OF_IDS: Final = frozenset({"invalid_id", "not_found", "not_yourself", "role_too_low"})
"""Codes that are about whatever an id stands for."""
_KEY: Final = ("idempotencyKey",)
_SECRETS: Final = ("secret", "code", "ceremony", "challenge")
_ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "name_invalid": ("name",),
    "name_taken": ("name",),
    "group_invalid": ("group",),
    "email_invalid": ("email",),
    "email_needed": ("email",),
    "email_taken": ("email",),
    "password_invalid": ("password", "new"),
    "sign_in_refused": ("old",),
    "challenge_refused": _SECRETS,
    "factor_refused": ("code", "credential"),
    "last_way_in": ("id",),
    "version_conflict": ("expectedVersion",),
    "idempotency_conflict": _KEY,
    "idempotency_pending": _KEY,
    "key_reused": _KEY,
    "code_mistyped": ("code",),
    "code_unknown": ("code",),
    "code_used": ("code",),
    "code_expired": ("code",),
    "code_disabled": ("code",),
    "invitation_unknown": ("code",),
    "invitation_too_late": ("code",),
    "invitation_from_later": ("code",),
    "transfer_too_small": ("amount",),
    "rewards_too_few": ("amount",),
    "refund_too_large": ("amount",),
    "amount_out_of_range": ("amount",),
    "second_person_needed": ("by", "amount"),
    "charge_unknown": ("requestId", "entry"),
    "provider_unknown": ("provider",),
    "provider_unavailable": ("provider", "id"),
    "method_unknown": ("method",),
    "adjustment_decided": ("id",),
    "adjustment_expired": ("id",),
    "not_the_proposer": ("id",),
}
"""What a code is about, by fields' names: the first that was given, or that the input has."""
_EXCEPT: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("StepUpInput", "sign_in_refused"): ("password",),
    ("PasskeySignInFinishInput", "challenge_refused"): (),
}
"""Where an input means something else by a name, or either of two may be meant."""


def lay(schema: GraphQLSchema) -> None:
    """Go around every mutation; call this once, before what is told is written down."""
    if schema.mutation_type is not None:
        for defined in schema.mutation_type.fields.values():
            assert defined.resolve is not None, "every mutation does something"  # noqa: S101
            defined.resolve = _placed(defined.resolve)


def _placed(resolve: Callable[..., Any]) -> Callable[..., Any]:
    async def placed(source: object, info: GraphQLResolveInfo[Context], **args: Any) -> Any:
        found = resolve(source, info, **args)
        payload = await found if inspect.isawaitable(found) else found
        for error in cast("list[UserError]", getattr(payload, "errors", None) or []):
            error.path = place(error, _input(info), args.get("input") or {})
        return payload

    return placed


def _input(info: GraphQLResolveInfo[Context]) -> GraphQLInputObjectType | None:
    argument = info.parent_type.fields[info.field_name].args.get("input")
    type_ = None if argument is None else get_named_type(cast("GraphQLInterfaceType", argument.type))
    return type_ if isinstance(type_, GraphQLInputObjectType) else None


def place(error: UserError, type_: GraphQLInputObjectType | None, given: Mapping[str, Any]) -> list[str]:
    """Return the path of the part of an input that a failure is about; empty for all of it."""
    if type_ is None:
        return []
    said = [to_camel_case(name) for name in error.path]
    if said and _exists(type_, said):
        return said
    named = next((each.value for each in error.parameters if each.name == "what"), None)
    candidates = [*said, *([to_camel_case(named)] if named and error.code in _WHAT else ())]
    candidates += _EXCEPT.get((type_.name, error.code), _ABOUT.get(error.code, ()))
    candidates += _ids(type_) if error.code in _OF_IDS else ()
    return _chosen([path for name in candidates for path in _paths(type_, name)], given)


def _chosen(found: Sequence[list[str]], given: Mapping[str, Any]) -> list[str]:
    return next((path for path in found if _is_given(path, given)), found[0] if found else [])


def _is_given(path: Iterable[str], given: Any) -> bool:
    for name in path:
        given = given.get(name) if isinstance(given, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return given is not None


def _exists(type_: GraphQLInputObjectType, path: Sequence[str]) -> bool:
    """Say whether a path leads to a part of an input; numbers are places in lists."""
    inside: object = type_
    for name in path:
        if name.isdigit():
            continue
        if not isinstance(inside, GraphQLInputObjectType) or name not in inside.fields:
            return False
        inside = _named(inside, name)
    return True


def _paths(type_: GraphQLInputObjectType, name: str) -> Iterator[list[str]]:
    """Yield where a field of a name is: in the input itself, or in one of its parts."""
    if name in type_.fields:
        yield [name]
    for outer in type_.fields:
        inner = _named(type_, outer)
        if isinstance(inner, GraphQLInputObjectType) and name in inner.fields:
            yield [outer, name]


def _ids(type_: GraphQLInputObjectType) -> list[str]:
    return [name for name in type_.fields if getattr(_named(type_, name), "name", "") == "ID"]


def _named(type_: GraphQLInputObjectType, name: str) -> object:
    return get_named_type(cast("GraphQLInterfaceType", type_.fields[name].type))
