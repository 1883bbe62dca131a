from __future__ import annotations

import pytest

from clinx.domain.identity import Role
from clinx.graphql.ids import to_id
from clinx.storage import request_logs
from support.database import make_caller, request_log
from support.station import Station

ROUTE = """query ($input: ExplainRouteInput!) { explainRoute(input: $input) {
  askedModel model group operation dialect revision multiplier overrides text
  rules { name verb place } body { name value } headers { name value }
  refusal { code rule } candidates { channel group upstreamModel priority weight tags operation dialect }
  rates { unit amount per } quote { total multiplier lines { unit count amount } }
} }"""
PRICE = """query ($input: ExplainPriceInput!) { explainPrice(input: $input) {
  model group quote { total lines { unit count } } refusal { code } } }"""
REQUEST = """query ($id: String!) { explainRequest(id: $id) {
  requestId revision text price charge now { model text } } }"""


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
    assert told["quote"] == {"total": "0.5", "multiplier": "0.5", "lines": [line]}
    assert told["text"].startswith("call      chat in openai_chat, ann, group vip\n")


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
    nothing = await station.data(REQUEST, viewer, id="req_2")

    assert (told["requestId"], told["revision"], told["charge"]) == ("req_1", log.revision, str(log.charge))
    assert told["text"].startswith("call      req_1, ")
    assert told["now"]["model"] == log.asked_model
    assert nothing == {"explainRequest": None}


async def test_routes_and_requests_are_explained_to_operators(station: Station) -> None:
    viewer = await station.viewer(Role.USER)

    assert await station.code(ROUTE, viewer, input={"model": "m"}) == "forbidden"
    assert await station.code(REQUEST, viewer, id="req_1") == "forbidden"
