"""Writes a line into the audit log for every mutation: who, from where, what was asked, and what came of it.

`lay` goes around every mutation of the built schema, outside the rules of who may: what was refused is written too.
Secrets are known by their types; what is long is cut. An entry that cannot be written is logged, and fails nothing.
Of strangers who are refused there are so many entries for each network: nobody fills the table from outside.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
)

from clinx.accounts.failures import AccountError, TooManyAttempts
from clinx.domain.audit_entry import SUCCEEDED, AuditEntry
from clinx.errors import GatewayError
from clinx.graphql.context import Context
from clinx.graphql.errors import Problem
from clinx.storage import audit_log
from clinx.storage.failures import StorageRefused, StorageUnavailable

log = logging.getLogger("clinx.graphql")

MOST_TEXT: Final = 200
"""Characters of one text of an input."""
MOST_ITEMS: Final = 20
"""Items of one list of an input."""
HIDDEN: Final = "[secret]"
NOBODY: Final = "nobody"

_SECRET: Final = "Secret"  # noqa: S105  (the name of a scalar)
_SECRET_NAMES: Final = frozenset({"password", "secret", "code", "codes", "credential", "assertion", "recoveryCode"})
"""Whatever their types: a slip in a type must not put a password into a table."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutation changed: some values before, the same after. A payload holds it as a private ``change``."""

    before: Mapping[str, Any] | None
    """None: there was nothing."""
    after: Mapping[str, Any] | None
    """None: there is nothing any more."""


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Change:
    """Return a change with only those values that differ, of what was there before and still is."""
    if before is None or after is None:
        return Change(before, after)
    names = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
    return Change({name: before.get(name) for name in names}, {name: after.get(name) for name in names})


def lay(schema: GraphQLSchema) -> None:
    """Go around every mutation; call this once, when the rules have been laid."""
    if schema.mutation_type is not None:
        for name, defined in schema.mutation_type.fields.items():
            assert defined.resolve is not None, f"the mutation {name} does nothing"  # noqa: S101
            defined.resolve = _audited(defined.resolve)


def _audited(resolve: Callable[..., Any]) -> Callable[..., Any]:
    async def audited(source: object, info: GraphQLResolveInfo[Context], **args: Any) -> Any:
        try:
            found = resolve(source, info, **args)
            result = await found if inspect.isawaitable(found) else found
        except BaseException as error:
            await _write(info, args, _code(error), None)
            raise
        await _write(info, args, _outcome(result), cast("Change | None", getattr(result, "change", None)))
        return result

    return audited


def _outcome(payload: object) -> str:
    errors = cast("list[Any]", getattr(payload, "errors", None) or [])
    return ", ".join(dict.fromkeys(str(each.code) for each in errors)) or SUCCEEDED


def _code(error: BaseException) -> str:
    if isinstance(error, GraphQLError):
        return str((error.extensions or {}).get("code", "invalid_request"))
    if isinstance(error, Problem | AccountError | GatewayError):
        return error.code
    return "internal" if isinstance(error, Exception) else "cancelled"


async def _write(
    info: GraphQLResolveInfo[Context], args: Mapping[str, Any], outcome: str, change: Change | None
) -> None:
    context = info.context
    viewer = context.viewer
    entry = AuditEntry(
        at=context.now,
        request_id=context.request_id,
        actor=NOBODY if viewer is None else viewer.actor,
        user_id=None if viewer is None else viewer.user.id,
        address=context.address,
        operation=info.field_name,
        input=_text(asked(info, args)),
        outcome=outcome,
        before=None if change is None or change.before is None else _text(change.before),
        after=None if change is None or change.after is None else _text(change.after),
    )
    try:
        if viewer is None and outcome != SUCCEEDED:
            await context.services.throttle.entry(context.address)
        await context.services.database.atomically(audit_log.append(entry))
    except TooManyAttempts:
        log.warning("graphql.audit_skipped", extra={"id": context.request_id, "operation": info.field_name})
    except (StorageUnavailable, StorageRefused) as error:
        said = {"id": context.request_id, "operation": info.field_name, "outcome": outcome, "reason": str(error)}
        log.error("graphql.audit_failed", extra=said)  # noqa: TRY400  (the reason says it)


def asked(info: GraphQLResolveInfo[Context], args: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a mutation was asked, fit to be kept; the argument called input stands for all."""
    defined = info.parent_type.fields[info.field_name].args
    shown = {name: _shown(name, defined[name].type, value) for name, value in args.items() if name in defined}
    only = shown.get("input")
    return cast("Mapping[str, Any]", only) if isinstance(only, dict) and len(shown) == 1 else shown


def _shown(name: str, type_: object, value: Any) -> Any:
    if isinstance(type_, GraphQLNonNull):
        return _shown(name, cast("GraphQLNonNull[Any]", type_).of_type, value)
    if value is None:
        return None
    if name in _SECRET_NAMES or getattr(type_, "name", "") == _SECRET:
        return HIDDEN
    if isinstance(type_, GraphQLList):
        return _listed(name, cast("GraphQLList[Any]", type_).of_type, cast("list[Any]", value))
    if isinstance(type_, GraphQLInputObjectType):
        given = cast("Mapping[str, Any]", value)
        return {key: _shown(key, type_.fields[key].type, each) for key, each in given.items() if key in type_.fields}
    return _leaf(type_, value)


def _listed(name: str, type_: object, value: list[Any]) -> list[Any]:
    shown = [_shown(name, type_, each) for each in value[:MOST_ITEMS]]
    return [*shown, f"… and {len(value) - MOST_ITEMS} more"] if len(value) > MOST_ITEMS else shown


def _leaf(type_: object, value: Any) -> Any:
    if isinstance(type_, GraphQLScalarType | GraphQLEnumType):
        value = type_.serialize(value)
    return _cut(value) if isinstance(value, str) else value


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"


def _text(value: Mapping[str, Any]) -> str:
    """Write JSON that a column takes whole; what is too much altogether is only named."""
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= audit_log.TEXT else msgspec.json.encode(sorted(value)).decode()[: audit_log.TEXT]
