"""Tasks, as the console shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from clinx.domain.money import Amount
from clinx.domain.task_state import TaskSeen, TaskState
from clinx.graphql.ids import Node, to_id
from clinx.graphql.permissions import Permission, over, own

TASK = "Task"

strawberry.enum(TaskState, name="TaskState", description="How far a task is.")


@strawberry.type(name="Task", description="Work of an upstream that outlives the request that began it.")
class TaskNode(Node):
    """A task."""

    owner_id: strawberry.Private[int]
    task_id: str = strawberry.field(description="As its caller knows it.")
    user_id: strawberry.ID
    token_id: strawberry.ID | None
    kind: str = strawberry.field(description="`video`, `midjourney`, `suno`.")
    model: str | None
    state: TaskState
    progress: int | None = strawberry.field(description="Percent, as far as the upstream says it.")
    held: Amount
    charge: Amount | None = strawberry.field(description="Null until it is settled.")
    failure: str | None = strawberry.field(description="The code of what went wrong.")
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, task: TaskSeen) -> Self:
        """Return a task as the console shows it."""
        return cls(
            id=to_id(TASK, task.id),
            owner_id=task.user_id,
            task_id=task.id,
            user_id=to_id("User", task.user_id),
            token_id=None if task.token_id is None else to_id("Token", task.token_id),
            kind=task.kind,
            model=task.model,
            state=task.state,
            progress=task.progress,
            held=task.held,
            charge=task.charge,
            failure=task.failure,
            created_at=task.created_at,
            finished_at=task.finished_at,
        )


_OWN = own(Permission.TASK_READ)
ACCESS = {
    **over("Task", _OWN, "id", "taskId", "userId", "tokenId", "kind", "model", "state", "progress", "held", "charge"),
    **over("Task", _OWN, "failure", "createdAt", "finishedAt"),
}
