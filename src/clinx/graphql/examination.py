"""Examines an operation before it runs, and what it answers before anybody sees that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    StringValueNode,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import ExecutionContext

from clinx.graphql import limits, unreadable
from clinx.graphql.context import Context
from clinx.graphql.errors import Forbidden, Refusal
from clinx.graphql.permissions import Permission

_KEPT: Final = 256
_INTROSPECTING: Final = frozenset({"__schema", "__type"})


class Examination(SchemaExtension):
    """Measures a document, lets in who may introspect, and validates: what was validated before is not again."""

    def on_validate(self) -> Iterator[None]:  # type: ignore[override]
        """Run before validation, which is then done."""
        execution = self.execution_context
        document, context = execution.graphql_document, execution.context
        if document is not None and execution.pre_execution_errors is None:
            try:
                self._examine(document, context, execution)
            except Refusal as refusal:
                execution.pre_execution_errors = [refusal]
            else:
                execution.pre_execution_errors = _validated(
                    execution.schema._schema,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportUnknownArgumentType, reportAttributeAccessIssue, reportUnknownMemberType]
                    document,
                    execution.validation_rules,
                    hides=not _may_introspect(context),
                )
        yield

    def _examine(self, document: DocumentNode, context: Context, execution: ExecutionContext) -> None:
        seen = look(document)
        if seen.introspects and not _may_introspect(context):
            raise Forbidden(Permission.INTROSPECT)
        given = execution._provided_operation_name  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        if seen.operations > 1 and given is None:
            raise Refusal("The document holds several operations: name the one that is meant.", "no_such_operation")
        if seen.holds_nul or holds_nul(execution.variables or {}):
            raise Refusal("Text holds no character NUL.", "invalid_value", such_as="text")
        found = limits.measure(document, execution.variables)
        context.cost = found.cost
        limits.check(found, None if context.viewer is None else context.viewer.user.role)

    def get_results(self) -> dict[str, Any]:
        """Say what it cost."""
        context: Context = self.execution_context.context
        return {"cost": context.cost, "requestId": context.request_id}


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is in a document, wherever it is."""

    operations: int
    introspects: bool
    holds_nul: bool
    """In a text; PostgreSQL stores none."""


@lru_cache(maxsize=_KEPT)
def look(document: DocumentNode) -> Seen:
    """Look at every node once, those of fragments that nobody uses as well."""
    operations, introspects, nul = 0, False, False
    waiting: list[Node] = [document]
    while waiting:
        node = waiting.pop()
        operations += isinstance(node, OperationDefinitionNode)
        introspects = introspects or (isinstance(node, FieldNode) and node.name.value in _INTROSPECTING)
        nul = nul or (isinstance(node, StringValueNode) and "\0" in node.value)
        waiting.extend(_inside(node))
    return Seen(operations, introspects, nul)


def _inside(node: Node) -> Iterator[Node]:
    for key in node.keys:
        each: Any = getattr(node, key, None)
        yield from (each,) if isinstance(each, Node) else each if isinstance(each, list | tuple) else ()


def holds_nul(variables: Mapping[str, Any]) -> bool:
    """Say whether a text of these values, or a name, holds the character NUL."""
    waiting: list[Any] = [variables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and "\0" in value:
            return True
        if isinstance(value, dict):
            waiting.extend((*value, *value.values()))  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, list):
            waiting.extend(value)  # pyright: ignore[reportUnknownArgumentType]
    return False


def _may_introspect(context: Context) -> bool:
    return context.services.open_schema or context.may(Permission.INTROSPECT)


@lru_cache(maxsize=_KEPT)
def _validated(
    schema: GraphQLSchema, document: DocumentNode, rules: tuple[type[ASTValidationRule], ...], *, hides: bool
) -> list[GraphQLError]:
    """Validate; suggestions would tell what the schema holds to whoever may not ask."""
    found = validate(
        schema, document, (*rules, MaybeNullValidationRule, OneOfInputValidationRule), hide_suggestions=hides
    )
    for error in found:
        unreadable.locate(error, document)
    return found
