from __future__ import annotations

from typing import Any

from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from support.station import Station

PROGRESS = "subscription ($id: ID!) { taskProgress(id: $id) { state progress } }"
ID = to_id("Task", "task_1")


async def test_a_task_is_followed_to_its_end(station: Station, tasks: Any) -> None:
    viewer = await station.viewer(Role.USER)
    tasks.add(1, viewer.user.id)

    answers = [answer async for answer in station.follow(PROGRESS, viewer, id=ID)]

    assert [(data["taskProgress"]["state"], data["taskProgress"]["progress"]) for data, _ in answers] == [
        ("RUNNING", 10),
        ("RUNNING", 50),
        ("SUCCEEDED", 100),
    ]


async def test_a_task_of_somebody_else_is_not_there(station: Station, tasks: Any) -> None:
    viewer = await station.viewer(Role.USER)
    tasks.add(1, viewer.user.id + 1)

    for id_, code in ((ID, "not_found"), (to_id("User", 1), "invalid_id")):
        [(_, errors)] = [answer async for answer in station.follow(PROGRESS, viewer, id=id_)]
        assert [error["code"] for error in errors] == [code]
