"""Tasks of whoever asks, and of all for operators."""

from __future__ import annotations

import strawberry

from clinx.domain.task_state import TaskFilter, TaskSeen, TaskState
from clinx.graphql.context import Context, Info
from clinx.graphql.ids import number_of
from clinx.graphql.nodes import Find
from clinx.graphql.paging import COUNTED, Connection, Cursors, checked, page
from clinx.graphql.permissions import SIGNED_IN, Permission, over
from clinx.graphql.revisions.asking import refusing
from clinx.graphql.tasks.types import TaskNode
from clinx.storage.codec import micros


@strawberry.input(name="TaskFilter", description="Which tasks are wanted.")
class TaskFilterInput:
    """All that is given must hold."""

    user: strawberry.ID | None = strawberry.field(default=None, description="Whose; for operators.")
    kind: str | None = None
    state: TaskState | None = None


@strawberry.type
class TaskQuery:
    """Queries about tasks."""

    @strawberry.field(description="Tasks, the newest first: one's own; everybody's for operators.")
    async def tasks(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: TaskFilterInput | None = None,  # noqa: A002
    ) -> Connection[TaskNode]:
        """Return a page of them."""
        source, cursors = info.context.services.tasks, Cursors(info.context.services.keys.cursors, "tasks")
        size, place = checked(first), cursors.read(after, int, str)
        with refusing():
            wanted = _wanted(info.context, filter or TaskFilterInput())
        found = await source.page(wanted, below=place, limit=size + 1)
        return page(
            found,
            size,
            TaskNode.of,
            cursors,
            _place,
            after=after,
            count=lambda: source.count(wanted, most=COUNTED + 1),
        )


def _place(task: TaskSeen) -> tuple[int, str]:
    return micros(task.created_at), task.id


def _wanted(context: Context, given: TaskFilterInput) -> TaskFilter:
    """Return the filter; who may not see all sees their own, whatever they ask for."""
    user = None if given.user is None else number_of(given.user, "User")
    if not context.may(Permission.TASK_READ):
        user = context.signed_in.user.id
    return TaskFilter(user_id=user, kind=given.kind, state=given.state)


async def find_task(context: Context, key: str) -> TaskNode | None:
    """Return a task, if it belongs to whoever asks or they may see all."""
    found = await context.services.tasks.find(key)
    viewer = context.viewer
    is_own = found is not None and viewer is not None and found.user_id == viewer.user.id
    if found is None or not (is_own or context.may(Permission.TASK_READ)):
        return None
    return TaskNode.of(found)


NODES: dict[str, Find] = {"Task": find_task}
"""How tasks are found."""

ACCESS = over("Query", SIGNED_IN, "tasks")
