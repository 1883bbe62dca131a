from __future__ import annotations

from clinx.domain.task_state import TaskFilter
from clinx.graphql.task_source import NO_TASKS


async def test_a_gateway_without_tasks_has_none() -> None:
    assert list(await NO_TASKS.page(TaskFilter(), below=None, limit=10)) == []
    assert await NO_TASKS.count(TaskFilter(), most=10) == 0
    assert await NO_TASKS.find("task_1") is None
    assert [each async for each in NO_TASKS.follow("task_1")] == []
