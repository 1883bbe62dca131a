"""One operation: how it is sent, how its results come, and how they are shown."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

import msgspec
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from clinx.graphql.context import Context, Viewer
from clinx.graphql.errors import SignInFirst, shown
from clinx.graphql.schema import schema

MOST_TEXT: Final = 100_000
"""Characters of a document: what is as long as that is remembered, and never was a question."""
CHECKED: Final = timedelta(seconds=15)
"""How long a subscription may go on after whoever follows it was signed out."""

AskAgain = Callable[[], Awaitable[Viewer | None]]
"""Finds out once more who asks."""


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    """An operation as it is sent."""

    query: Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


async def results(operation: Operation, context: Context, ask_again: AskAgain) -> AsyncGenerator[ExecutionResult]:
    """Yield the results of an operation: of a subscription as long as whoever asked may still follow it.

    Before a result is shown, no more often than every `CHECKED`, it is looked up who asks. What ends it then is a
    result of its own.
    """
    checked = context.now
    found: Any = await schema.stream(
        operation.query,
        variable_values=operation.variables,
        context_value=context,
        operation_name=operation.operation_name,
    )
    async with contextlib.aclosing(_refusing(found)) as coming:
        async for result in coming:
            if context.now - checked >= CHECKED:
                checked = context.now
                if not _may_follow(await ask_again(), context.viewer):
                    yield PreExecutionError(data=None, errors=[SignInFirst()])
                    return
            yield result


async def _refusing(found: AsyncGenerator[ExecutionResult]) -> AsyncGenerator[ExecutionResult]:
    """Make a result of a document that could not even be read: caching what is read raises it."""
    try:
        async with contextlib.aclosing(found):
            async for result in found:
                yield result
    except GraphQLError as error:
        yield PreExecutionError(data=None, errors=[error])


def _may_follow(now: Viewer | None, before: Viewer | None) -> bool:
    """Say whether somebody is still who they were, with all that they could do."""
    if now is None or before is None:
        return before is None
    is_same = (now.user.id, now.session, now.access_key) == (before.user.id, before.session, before.access_key)
    return is_same and now.permissions >= before.permissions


def answer(
    data: object, errors: list[GraphQLError] | None, context: Context, extensions: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return an answer as clients see it."""
    told: dict[str, Any] = {"data": data}
    if errors:
        told["errors"] = [shown(error, context.request_id).formatted for error in errors]
    if extensions:
        told["extensions"] = extensions
    return told
