from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from clinx.domain.identity import Role
from clinx.domain.revision import Served, Standing
from clinx.storage import revisions
from support.station import NODE, Station

ROLLBACK = """mutation ($input: RollbackInput!) { rollback(input: $input) {
  rejection { revision instead reason actor } isServed config { revision } errors { code path } } }"""
LIFT = "mutation ($input: RollbackLiftInput!) { rollbackLift(input: $input) { revisions errors { code } } }"
PROMOTE = "mutation ($input: PromoteInput!) { promote(input: $input) { revision errors { code } } }"
RELOAD = """mutation ($input: ReloadInput!) { reload(input: $input) {
  config { revision lastLook { ok } } errors { code } } }"""


async def changed(station: Station) -> tuple[str, str]:
    """Serve another tree; return the revisions before and after."""
    before = station.current.snapshot.revision.id
    station.write("gateway.yaml", f"{(station.root / 'gateway.yaml').read_text()}\n# another\n")
    await station.reloader.reload()
    return before, station.current.snapshot.revision.id


async def announced(station: Station) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await station.database.fetch("SELECT topic, subject FROM announcement ORDER BY id")]


async def test_going_back_rejects_the_tree_on_disk(station: Station) -> None:
    before, after = await changed(station)

    data = await station.data(ROLLBACK, await station.viewer(name="ann"), input={"reason": "prices are wrong"})

    rejection = {"revision": after, "instead": before, "reason": "prices are wrong", "actor": "user:ann"}
    served = {"isServed": True, "config": {"revision": before}}
    assert data["rollback"] == {"rejection": rejection, **served, "errors": []}
    assert station.current.snapshot.revision.id == before
    assert list(await revisions.rejected(station.database)) == [after]
    assert await announced(station) == [("revision", after)]
    [entry] = await station.entries()
    assert (entry.before, entry.after) == (
        f'{{"served":"{after}"}}',
        f'{{"served":"{before}","reason":"prices are wrong"}}',
    )


async def test_a_dry_run_only_says_what_it_would_be(station: Station) -> None:
    before, after = await changed(station)
    wish = {"reason": "looking", "revision": before[:4], "dryRun": True}

    data = await station.data(ROLLBACK, await station.viewer(), input=wish)

    assert data["rollback"]["rejection"]["instead"] == before
    assert (data["rollback"]["isServed"], data["rollback"]["config"]) == (False, {"revision": after})
    assert await revisions.rejected(station.database) == {}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"reason": " "}, "reason_required"),
        ({"reason": "x", "revision": "zzz"}, "unknown_revision"),
        ({"reason": "x"}, "nothing_before"),
    ],
    ids=["reason", "unknown", "first"],
)
async def test_what_cannot_be_gone_back_to(station: Station, wish: dict[str, str], code: str) -> None:
    data = await station.data(ROLLBACK, await station.viewer(), input=wish)

    assert [each["code"] for each in data["rollback"]["errors"]] == [code]
    assert await revisions.rejected(station.database) == {}


async def test_the_tree_on_disk_is_not_gone_back_to(station: Station) -> None:
    wish = {"reason": "x", "revision": station.current.snapshot.revision.id}

    data = await station.data(ROLLBACK, await station.viewer(), input=wish)

    assert data["rollback"]["errors"] == [{"code": "already_on_disk", "path": ["revision"]}]


async def test_a_rejection_is_lifted_once(station: Station) -> None:
    _, after = await changed(station)
    viewer = await station.viewer()
    await station.data(ROLLBACK, viewer, input={"reason": "x"})

    first, second = [(await station.data(LIFT, viewer, input={}))["rollbackLift"] for _ in range(2)]

    assert first == {"revisions": [after], "errors": []}
    assert second == {"revisions": [], "errors": [{"code": "nothing_rejected"}]}


async def test_what_is_on_trial_is_promoted(station: Station) -> None:
    viewer, now = await station.viewer(), station.clock.now()
    nothing = await station.data(PROMOTE, viewer, input={})
    trial = Standing("newer", "10%", now, now + timedelta(minutes=10), 0, 0, 0, 0)
    said = Served(NODE, "host", "http://h", "older", None, now, True, "newer", (), None, now, trial)
    await station.database.atomically(revisions.publish(said))

    dry = await station.data(PROMOTE, viewer, input={"dryRun": True})
    assert await announced(station) == []
    data = await station.data(PROMOTE, viewer, input={})

    assert nothing["promote"] == {"revision": None, "errors": [{"code": "nothing_on_trial"}]}
    assert dry["promote"] == data["promote"] == {"revision": "newer", "errors": []}
    assert await announced(station) == [("promote", "newer")]


async def test_a_reload_looks_here_at_once_and_tells_the_others(station: Station) -> None:
    before = station.current.snapshot.revision.id
    station.write("gateway.yaml", f"{(station.root / 'gateway.yaml').read_text()}\n# another\n")

    data = await station.data(RELOAD, await station.viewer(), input={})

    assert data["reload"]["config"]["revision"] != before
    assert data["reload"]["config"]["lastLook"] == {"ok": True}
    assert await announced(station) == [("reload", "id")]


async def test_a_reload_may_be_of_this_process_alone(station: Station) -> None:
    await station.data(RELOAD, await station.viewer(), input={"onlyHere": True})

    assert await announced(station) == []


@pytest.mark.parametrize(
    ("text", "name", "wish"),
    [(ROLLBACK, "rollback", {"reason": "x"}), (LIFT, "rollbackLift", {}), (PROMOTE, "promote", {})],
    ids=["rollback", "lift", "promote"],
)
async def test_what_changes_what_is_served_needs_a_fresh_proof(
    station: Station, text: str, name: str, wish: dict[str, str]
) -> None:
    data = await station.data(text, await station.viewer(stepped_up=False), input=wish)

    assert [each["code"] for each in data[name]["errors"]] == ["step_up_required"]
    assert await station.code(text, await station.viewer(Role.USER), input=wish) == "forbidden"
    assert await announced(station) == []
