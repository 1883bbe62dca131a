from __future__ import annotations

import pytest

from clinx.domain.identity import Role
from support.database import make_caller
from support.station import Station

PLAN = """query ($input: PlanInput!) { plan(input: $input) {
  before after isServable isEmpty calls isCut unread
  diagnostics { code file line isError } sections { title header rows } losses { token models isAll }
} }"""
PROPOSE = """mutation ($input: ProposeChangeInput!) { proposeChange(input: $input) {
  file patch note isServable diagnostics { code } errors { code path } } }"""


def fewer(station: Station) -> dict[str, list[dict[str, str]]]:
    text = (station.root / "gateway.yaml").read_text()
    content = text.replace("models: [fake-model, per-call, free-model]", "models: [fake-model]")
    return {"documents": [{"path": "gateway.yaml", "content": content}]}


async def test_a_plan_tells_what_documents_would_mean(station: Station) -> None:
    await make_caller(station.database)

    plan = (await station.data(PLAN, await station.viewer(), input={**fewer(station), "replay": "PT1H"}))["plan"]

    assert (plan["isServable"], plan["isEmpty"], plan["calls"], plan["isCut"]) == (True, False, 0, False)
    assert plan["before"] == station.current.snapshot.revision.id != plan["after"]
    assert plan["sections"][0]["title"] == "Groups"
    assert ["default", "-", "model", "per-call"] in plan["sections"][0]["rows"]
    assert [(loss["models"], loss["isAll"]) for loss in plan["losses"]] == [(["free-model", "per-call"], False)]


async def test_a_tree_that_could_not_be_served_is_planned_with_its_findings(station: Station) -> None:
    wish = {"documents": [{"path": "gateway.yaml", "content": "version: 1\nnonsense: 1\n"}]}

    plan = (await station.data(PLAN, await station.viewer(), input=wish))["plan"]

    assert (plan["isServable"], plan["sections"]) == (False, [])
    assert plan["diagnostics"][0] == {"code": "E301", "file": "gateway.yaml", "line": 2, "isError": True}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"documents": [{"path": "../x.yaml", "content": ""}]}, "invalid_path"),
        ({"documents": [], "replay": "P8D"}, "invalid_span"),
    ],
    ids=["path", "span"],
)
async def test_what_cannot_be_planned(station: Station, wish: dict[str, object], code: str) -> None:
    assert await station.code(PLAN, await station.viewer(), input=wish) == code


async def test_a_proposal_is_a_patch(station: Station) -> None:
    wish = {"path": "channels.main.weight", "value": "5"}

    found = (await station.data(PROPOSE, await station.viewer(), input=wish))["proposeChange"]

    assert (found["file"], found["isServable"], found["errors"]) == ("gateway.yaml", True, [])
    assert found["patch"].startswith("--- a/gateway.yaml\n+++ b/gateway.yaml\n")
    [entry] = await station.entries()
    assert (entry.operation, entry.input) == (
        "proposeChange",
        '{"path":"channels.main.weight","value":"5","delete":false}',
    )


async def test_a_proposal_that_does_not_compile_says_so(station: Station) -> None:
    wish = {"path": "channels.main.weight", "value": "heavy"}

    found = (await station.data(PROPOSE, await station.viewer(), input=wish))["proposeChange"]

    assert (found["isServable"], found["diagnostics"]) == (False, [{"code": "E303"}])


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"path": "channels.main.weight"}, "exactly_one"),
        ({"path": "channels.main.weight", "value": "1", "delete": True}, "exactly_one"),
        ({"path": "channels.other.weight", "value": "1"}, "cannot_propose"),
    ],
    ids=["neither", "both", "nowhere"],
)
async def test_what_cannot_be_proposed(station: Station, wish: dict[str, object], code: str) -> None:
    found = (await station.data(PROPOSE, await station.viewer(), input=wish))["proposeChange"]

    assert [error["code"] for error in found["errors"]] == [code]


async def test_plans_are_for_those_who_may_propose(station: Station) -> None:
    viewer = await station.viewer(Role.USER)

    assert await station.code(PLAN, viewer, input={"documents": []}) == "forbidden"
    assert await station.code(PROPOSE, viewer, input={"path": "x", "value": "1"}) == "forbidden"
