from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from clinx.domain.console import Console
from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.storage import request_logs
from support.database import make_caller, request_log
from support.station import Station

ROUTE = """query ($input: ExplainRouteInput!) { explainRoute(input: $input) {
  askedModel model group operation dialect revision multiplier overrides text
  rules { name verb place } body { name value } headers { name value }
  refusal { code rule } candidates { channel group upstreamModel priority weight tags operation dialect }
  rates { unit amount per }
  quote { total multiplier isWhole lines { unit count amount } factors { factor group rule } }
} }"""
PRICE = """query ($input: ExplainPriceInput!) { explainPrice(input: $input) {
  model group quote { total lines { unit count } } refusal { code } } }"""
REQUEST = """query ($id: ID!) { explainRequest(id: $id) {
  requestId revision text charge quote { lines { unit count } isWhole } now { model text } } }"""


async def test_a_route_is_explained(station: Station) -> None:
    user = await station.user("ann", group="vip")
    wish = {"model": "fake-model", "user": to_id("User", user.id), "usage": [{"unit": "INPUT", "count": "1000000"}]}

    told = (await station.data(ROUTE, await station.viewer(), input=wish))["explainRoute"]

    assert (told["askedModel"], told["model"], told["group"], told["refusal"]) == (
        "fake-model",
        "fake-model",
        "vip",
        None,
    )
    assert told["candidates"] == [
        {
            "channel": "main",
            "group": "vip",
            "upstreamModel": "fake-model",
            "priority": 0,
            "weight": 1,
            "tags": [],
            "operation": "chat",
            "dialect": "openai_chat",
        }
    ]
    assert told["rates"][0] == {"unit": "input", "amount": "1", "per": "1000000"}
    line = {"unit": "INPUT", "count": "1000000", "amount": "1"}
    assert told["quote"] == {
        "total": "0.5",
        "multiplier": "0.5",
        "isWhole": True,
        "lines": [line],
        "factors": [{"factor": "0.5", "group": "vip", "rule": None}],
    }
    assert told["text"].startswith("call      chat in openai_chat, ann, group vip\n")


async def test_what_candidates_would_cost_is_for_whoever_may_see_costs(station: Station) -> None:
    asked = "query ($input: ExplainRouteInput!) { explainRoute(input: $input) { candidates { channel cost } } }"
    wish = {"model": "fake-model"}

    told = await station.data(asked, await station.viewer(), input=wish)

    assert told["explainRoute"]["candidates"] == [{"channel": "main", "cost": None}]
    assert await station.code(asked, await station.key(Permission.CONFIG_READ), input=wish) == "forbidden"


async def test_a_refusal_is_explained(station: Station) -> None:
    told = (await station.data(ROUTE, await station.viewer(), input={"model": "gpt-5"}))["explainRoute"]

    assert (told["refusal"], told["candidates"], told["quote"]) == ({"code": "model_not_found", "rule": None}, [], None)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"operation": "sing"}, "unknown_operation"),
        ({"user": to_id("User", 999)}, "not_found"),
        ({"user": "?"}, "invalid_id"),
        ({"usage": [{"unit": "INPUT", "count": "-1"}]}, "invalid_value"),
    ],
    ids=["operation", "user", "id", "usage"],
)
async def test_a_question_that_makes_no_sense(station: Station, wish: dict[str, object], code: str) -> None:
    assert await station.code(ROUTE, await station.viewer(), input={"model": "m", **wish}) == code


async def test_a_price_is_explained_to_users_as_their_group(station: Station) -> None:
    wish = {"model": "fake-model", "usage": [{"unit": "OUTPUT", "count": 500_000}]}

    told = (await station.data(PRICE, await station.viewer(Role.USER), input=wish))["explainPrice"]

    assert told == {
        "model": "fake-model",
        "group": "default",
        "quote": {"total": "1", "lines": [{"unit": "OUTPUT", "count": "500000"}]},
        "refusal": None,
    }


async def test_a_price_is_explained_to_strangers_where_prices_are_public(station: Station) -> None:
    wish = {"model": "fake-model", "usage": [{"unit": "OUTPUT", "count": 500_000}]}
    assert await station.code(PRICE, input=wish) == "unauthenticated"
    public = dataclasses.replace(station.current.snapshot, console=Console(public_prices=True))
    station.current.generation.snapshot = public

    told = (await station.data(PRICE, input=wish))["explainPrice"]

    assert (told["group"], told["quote"]["total"], told["refusal"]) == ("default", "1", None)
    assert await station.code(PRICE, input={**wish, "group": "vip"}) == "not_found"


async def test_a_price_of_another_group_is_not_explained(station: Station) -> None:
    wish = {"model": "fake-model", "group": "vip", "usage": []}

    assert await station.code(PRICE, await station.viewer(Role.USER), input=wish) == "not_found"
    assert await station.code(PRICE, await station.viewer(Role.USER, group="lost"), input={**wish, "group": None}) == (
        "not_found"
    )


async def test_a_request_is_explained(station: Station) -> None:
    caller = await make_caller(station.database, balance="1")
    log = request_log("req_1", caller)
    await station.database.atomically(request_logs.append([log]))
    viewer = await station.viewer()

    told = (await station.data(REQUEST, viewer, id="req_1"))["explainRequest"]
    same = (await station.data(REQUEST, viewer, id=to_id("RequestLog", "req_1")))["explainRequest"]
    nothing = await station.data(REQUEST, viewer, id="req_2")

    assert (told["requestId"], told["revision"], told["charge"]) == ("req_1", log.revision, str(log.charge))
    assert told["text"].startswith("call      req_1, ")
    assert told["quote"] == {"lines": [{"unit": "INPUT", "count": "10"}], "isWhole": False}
    assert told["now"]["model"] == log.asked_model
    assert same == told
    assert nothing == {"explainRequest": None}
    assert await station.code(REQUEST, viewer, id=to_id("User", 1)) == "invalid_id"


async def test_what_a_request_cost_us_is_told_apart_from_its_story(station: Station) -> None:
    log = replace(request_log("req_1", charge=Amount(5_000)), cost=Amount(2_000))
    await station.database.atomically(request_logs.append([log]))
    asked = "query ($id: ID!) { explainRequest(id: $id) { cost margin text } }"

    told = (await station.data(asked, await station.viewer(), id="req_1"))["explainRequest"]

    assert (told["cost"], told["margin"]) == ("0.000002", "0.000003")
    assert "0.000002" not in told["text"]
    key = await station.key(Permission.REQUEST_LOG_READ)
    assert await station.code("query ($id: ID!) { explainRequest(id: $id) { cost } }", key, id="req_1") == "forbidden"


async def test_routes_and_requests_are_explained_to_operators(station: Station) -> None:
    viewer = await station.viewer(Role.USER)

    assert await station.code(ROUTE, viewer, input={"model": "m"}) == "forbidden"
    assert await station.code(REQUEST, viewer, id="req_1") == "forbidden"
