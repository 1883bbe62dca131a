from __future__ import annotations

from typing import Any

from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from support.station import Station


async def test_a_task_is_shown_with_its_progress_and_charge(station: Station, tasks: Any) -> None:
    viewer = await station.viewer(Role.USER)
    tasks.add(1, viewer.user.id)
    text = """{ tasks(first: 1) { edges { node {
      id taskId userId tokenId kind model state progress held charge failure createdAt finishedAt } } } }"""

    [edge] = (await station.data(text, viewer))["tasks"]["edges"]

    assert edge["node"] == {
        "id": to_id("Task", "task_1"),
        "taskId": "task_1",
        "userId": to_id("User", viewer.user.id),
        "tokenId": None,
        "kind": "video",
        "model": "sora",
        "state": "RUNNING",
        "progress": 10,
        "held": "1",
        "charge": None,
        "failure": None,
        "createdAt": "2030-01-01T00:01:00Z",
        "finishedAt": None,
    }
