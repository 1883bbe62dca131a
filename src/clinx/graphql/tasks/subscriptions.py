"""A task as it moves."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import strawberry

from clinx.graphql.context import Info
from clinx.graphql.errors import Refusal
from clinx.graphql.ids import key_of
from clinx.graphql.permissions import SIGNED_IN, over
from clinx.graphql.revisions.asking import refusing
from clinx.graphql.tasks.queries import find_task
from clinx.graphql.tasks.types import TASK, TaskNode


@strawberry.type
class TaskSubscription:
    """Subscriptions about tasks."""

    @strawberry.subscription(description="A task now, and whenever it moved, until it is over.")
    async def task_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[TaskNode]:  # noqa: A002
        """Follow it."""
        with refusing():
            key = key_of(id, TASK)
        found = await find_task(info.context, key)
        if found is None:
            raise Refusal("There is no such task.", "not_found", kind="task")
        yield found
        async with contextlib.aclosing(info.context.services.tasks.follow(key)) as moves:
            async for each in moves:
                yield TaskNode.of(each)


ACCESS = over("Subscription", SIGNED_IN, "taskProgress")
