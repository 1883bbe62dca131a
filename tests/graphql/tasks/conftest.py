from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from clinx.domain.money import Amount
from clinx.domain.task_state import TaskFilter, TaskSeen, TaskState
from clinx.storage.codec import micros
from support.database import START
from support.station import Station, running_station
from support.tree import SMALL


@dataclass
class Tasks:
    """A source of tasks that holds them in a list."""

    seen: list[TaskSeen] = field(default_factory=list[TaskSeen])

    def add(self, number: int, user_id: int, kind: str = "video", state: TaskState = TaskState.RUNNING) -> TaskSeen:
        at = START + timedelta(minutes=number)
        task = TaskSeen(f"task_{number}", user_id, None, kind, "sora", state, 10, Amount.parse("1"), None, at)
        self.seen.append(task)
        return task

    def _wanted(self, wanted: TaskFilter) -> list[TaskSeen]:
        fits = [
            each
            for each in self.seen
            if wanted.user_id in {None, each.user_id}
            and wanted.kind in {None, each.kind}
            and wanted.state in {None, each.state}
        ]
        return sorted(fits, key=lambda each: (each.created_at, each.id), reverse=True)

    async def page(self, wanted: TaskFilter, *, below: tuple[int, str] | None, limit: int) -> Sequence[TaskSeen]:
        left = [t for t in self._wanted(wanted) if below is None or (micros(t.created_at), t.id) < below]
        return left[:limit]

    async def count(self, wanted: TaskFilter, *, most: int) -> int:
        return min(most, len(self._wanted(wanted)))

    async def find(self, id_: str) -> TaskSeen | None:
        return next((each for each in self.seen if each.id == id_), None)

    async def follow(self, id_: str) -> AsyncGenerator[TaskSeen]:
        found = await self.find(id_)
        assert found is not None
        for state, progress in ((TaskState.RUNNING, 50), (TaskState.SUCCEEDED, 100)):
            yield msgspec.structs.replace(found, state=state, progress=progress)


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
async def station(tmp_path: Path, tasks: Tasks) -> AsyncIterator[Station]:
    async with running_station(tmp_path, {"gateway.yaml": SMALL}, tasks=tasks) as running:
        yield running
