"""Lays a watch around every subscription: it needs a seat, and ends when that is lost."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema

from clinx.graphql.context import Context, Viewer
from clinx.graphql.hub import Hub


def lay(schema: GraphQLSchema) -> None:
    """Go around every subscription; call this once, when the rules have been laid."""
    if schema.subscription_type is not None:
        for name, defined in schema.subscription_type.fields.items():
            assert defined.subscribe is not None, f"the subscription {name} tells nothing"  # noqa: S101
            defined.subscribe = _watched(defined.subscribe)


def _watched(subscribe: Callable[..., Any]) -> Callable[..., Any]:
    async def watched(source: object, info: GraphQLResolveInfo[Context], **args: Any) -> AsyncGenerator[Any]:
        found = subscribe(source, info, **args)
        events: AsyncGenerator[Any] = await found if inspect.isawaitable(found) else found
        hub, viewer = info.context.services.hub, info.context.viewer
        return events if hub is None or viewer is None else _seated(hub, viewer, events)

    return watched


async def _seated(hub: Hub, viewer: Viewer, events: AsyncGenerator[Any]) -> AsyncGenerator[Any]:
    with hub.seats.take(viewer) as seat:
        async with aclosing(seat.while_taken(events)) as watched:
            async for event in watched:
                yield event
