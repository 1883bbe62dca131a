from __future__ import annotations

from clinx.domain.identity import Role
from clinx.graphql.revisions import queries
from support.station import Station

REVISIONS = """query ($first: Int!, $after: String) { revisions(first: $first, after: $after) {
  edges { node { revision isServed rejection { reason } } } pageInfo { endCursor hasNextPage } totalCount { value }
} }"""


async def test_the_history_of_this_machine_is_paged_the_newest_first(station: Station) -> None:
    first = station.current.snapshot.revision.id
    station.write("gateway.yaml", f"{(station.root / 'gateway.yaml').read_text()}\n# another\n")
    await station.reloader.reload()
    second, viewer = station.current.snapshot.revision.id, await station.viewer()

    page = (await station.data(REVISIONS, viewer, first=1))["revisions"]
    rest = (await station.data(REVISIONS, viewer, first=1, after=page["pageInfo"]["endCursor"]))["revisions"]

    assert [each["node"] for each in (*page["edges"], *rest["edges"])] == [
        {"revision": second, "isServed": True, "rejection": None},
        {"revision": first, "isServed": False, "rejection": None},
    ]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (
        {"value": 2},
        True,
        False,
    )


async def test_a_revision_is_found_by_operators(station: Station) -> None:
    revision = station.current.snapshot.revision.id

    found = await queries.find_revision(station.context(await station.viewer()), revision)

    assert found is not None
    assert found.revision == revision
    assert await queries.find_revision(station.context(await station.viewer(Role.USER)), revision) is None


async def test_the_configuration_is_for_operators(station: Station) -> None:
    viewer = await station.viewer(Role.USER)

    assert await station.code("{ config { revision } }", viewer) == "forbidden"
    assert await station.code(REVISIONS, viewer, first=1) == "forbidden"
