from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from clinx.domain.audit_entry import AuditEntry
from clinx.domain.console import Announcement, Console
from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from clinx.graphql.system import queries
from clinx.storage import audit_log
from support.database import START
from support.station import Station

LOG = """query ($first: Int!, $after: String, $filter: AuditLogFilter) {
  auditLog(first: $first, after: $after, filter: $filter) {
    edges { node { operation actor userId outcome input before after requestId address } }
    pageInfo { endCursor hasNextPage } totalCount { value capped }
  }
}"""


async def wrote(station: Station, count: int) -> None:
    for number in range(count):
        entry = AuditEntry(
            START + timedelta(minutes=number),
            f"req_{number}",
            f"user:u{number}",
            number,
            None,
            "tokenCreate",
            "{}",
            "ok",
        )
        await station.database.atomically(audit_log.append(entry))


def actors(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["actor"] for edge in page["edges"]]


async def test_announcements_are_for_everybody(station: Station) -> None:
    said = Console(announcements=(Announcement("maintenance", START, "Tonight", "We are away."),))
    station.current.generation.snapshot = replace(station.current.snapshot, console=said)
    text = "{ announcements { key at title text } }"

    one = {"key": "maintenance", "at": "2030-01-01T00:00:00Z", "title": "Tonight", "text": "We are away."}
    assert await station.data(text) == {"announcements": [one]}
    assert await station.data(text, await station.viewer(Role.USER)) == {"announcements": [one]}


async def test_the_audit_log_is_paged_the_newest_first(station: Station) -> None:
    await wrote(station, 3)
    viewer = await station.viewer()

    page = (await station.data(LOG, viewer, first=2))["auditLog"]
    rest = (await station.data(LOG, viewer, first=2, after=page["pageInfo"]["endCursor"]))["auditLog"]

    assert (actors(page), actors(rest)) == (["user:u2", "user:u1"], ["user:u0"])
    assert (page["pageInfo"]["hasNextPage"], page["totalCount"]) == (True, {"value": 3, "capped": False})
    assert page["edges"][1]["node"] == {
        "operation": "tokenCreate",
        "actor": "user:u1",
        "userId": to_id("User", 1),
        "outcome": "ok",
        "input": "{}",
        "before": None,
        "after": None,
        "requestId": "req_1",
        "address": None,
    }


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"since": "2030-01-01T00:01:00Z"}, ["user:u2", "user:u1"]),
        ({"until": "2030-01-01T00:01:00Z"}, ["user:u0"]),
        ({"actor": "user:u1"}, ["user:u1"]),
        ({"user": to_id("User", 2)}, ["user:u2"]),
        ({"operation": "userDisable"}, []),
        ({"onlyRefused": True}, []),
    ],
    ids=["since", "until", "actor", "user", "operation", "refused"],
)
async def test_the_audit_log_is_filtered(station: Station, wanted: dict[str, Any], found: list[str]) -> None:
    await wrote(station, 3)

    page = await station.data(LOG, await station.viewer(), first=10, filter=wanted)

    assert actors(page["auditLog"]) == found


async def test_a_filter_by_what_is_no_user_is_refused(station: Station) -> None:
    code = await station.code(LOG, await station.viewer(), first=10, filter={"user": to_id("Token", 1)})

    assert code == "invalid_id"


async def test_an_entry_is_found_by_those_who_may_see_it(station: Station) -> None:
    await wrote(station, 1)
    [entry] = await station.entries()
    operator = station.context(await station.viewer())

    found = await queries.find_entry(operator, str(entry.id))

    assert found is not None
    assert found.request_id == "req_0"
    assert [await queries.find_entry(operator, key) for key in ("999", "x", "9" * 30)] == [None, None, None]
    assert await queries.find_entry(station.context(await station.viewer(Role.USER)), str(entry.id)) is None


async def test_the_system_and_its_log_are_for_operators(station: Station) -> None:
    viewer = await station.viewer(Role.USER)

    assert await station.code("{ system { version } }", viewer) == "forbidden"
    assert await station.code(LOG, viewer, first=1) == "forbidden"
