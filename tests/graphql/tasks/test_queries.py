from __future__ import annotations

from typing import Any

from clinx.domain.identity import Role
from clinx.domain.task_state import TaskState
from clinx.graphql.ids import to_id
from clinx.graphql.tasks import queries
from support.station import Station

TASKS = """query ($first: Int!, $after: String, $filter: TaskFilter) {
  tasks(first: $first, after: $after, filter: $filter) {
  edges { node { taskId } } pageInfo { endCursor } totalCount { value } } }"""


def ids(data: dict[str, Any]) -> list[str]:
    return [edge["node"]["taskId"] for edge in data["tasks"]["edges"]]


async def test_a_user_sees_their_own_tasks_whatever_they_ask_for(station: Station, tasks: Any) -> None:
    viewer = await station.viewer(Role.USER)
    tasks.add(1, viewer.user.id)
    tasks.add(2, viewer.user.id + 1)

    own = await station.data(TASKS, viewer, first=10)
    other = await station.data(TASKS, viewer, first=10, filter={"user": to_id("User", viewer.user.id + 1)})

    assert ids(own) == ids(other) == ["task_1"]


async def test_operators_see_all_page_by_page(station: Station, tasks: Any) -> None:
    viewer = await station.viewer()
    for number in range(3):
        tasks.add(number, number)

    page = await station.data(TASKS, viewer, first=2)
    rest = await station.data(TASKS, viewer, first=2, after=page["tasks"]["pageInfo"]["endCursor"])

    assert (ids(page), ids(rest), page["tasks"]["totalCount"]) == (["task_2", "task_1"], ["task_0"], {"value": 3})


async def test_tasks_are_filtered(station: Station, tasks: Any) -> None:
    viewer = await station.viewer()
    tasks.add(1, 5, "suno")
    tasks.add(2, 6, state=TaskState.FAILED)

    found = [
        ids(await station.data(TASKS, viewer, first=10, filter=wanted))
        for wanted in ({"user": to_id("User", 5)}, {"kind": "suno"}, {"state": "FAILED"})
    ]

    assert found == [["task_1"], ["task_1"], ["task_2"]]
    assert await station.code(TASKS, viewer, first=10, filter={"user": "?"}) == "invalid_id"


async def test_a_task_is_found_by_its_owner_and_by_operators(station: Station, tasks: Any) -> None:
    owner, other, operator = (
        await station.viewer(Role.USER),
        await station.viewer(Role.USER, name="b"),
        await station.viewer(),
    )
    tasks.add(1, owner.user.id)

    found = [await queries.find_task(station.context(each), "task_1") for each in (owner, operator, other, None)]

    assert [each is not None for each in found] == [True, True, False, False]
    assert await queries.find_task(station.context(operator), "task_2") is None


async def test_strangers_have_no_tasks(station: Station) -> None:
    assert await station.code(TASKS, first=1) == "unauthenticated"
