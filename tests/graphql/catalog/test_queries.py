from __future__ import annotations

from dataclasses import replace

import pytest

from clinx.domain.console import Console
from clinx.domain.identity import Role
from clinx.graphql.catalog import queries
from clinx.graphql.ids import split_id, to_id
from clinx.graphql.permissions import Permission
from clinx.routing.circuit import Cause
from support.station import Station

MODELS = "query ($filter: ModelFilter) { models(first: 10, filter: $filter) { edges { node { name group } } } }"
CHANNELS = "query ($filter: ChannelFilter) { channels(first: 10, filter: $filter) { edges { node { name } } } }"


def names(page: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    return [edge["node"]["name"] for edge in page["edges"]]


async def test_a_user_sees_the_models_of_their_group(station: Station) -> None:
    data = await station.data(MODELS, await station.viewer(Role.USER))

    assert names(data["models"]) == ["fake-model", "free-model", "per-call"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [({"search": "FAKE"}, ["fake-model"]), ({"vendor": "acme"}, []), ({"tag": "vision"}, [])],
    ids=["search", "vendor", "tag"],
)
async def test_models_are_filtered(station: Station, wanted: dict[str, str], found: list[str]) -> None:
    data = await station.data(MODELS, await station.viewer(), filter=wanted)

    assert names(data["models"]) == found


async def test_prices_of_a_group_that_is_not_theirs_are_not_shown(station: Station) -> None:
    code = await station.code(MODELS, await station.viewer(Role.USER), filter={"group": "vip"})

    assert code == "not_found"


async def test_strangers_see_prices_only_where_they_are_public(station: Station) -> None:
    assert await station.code(MODELS) == "unauthenticated"

    public = replace(station.current.snapshot, console=Console(public_prices=True))
    station.current.generation.snapshot = public
    assert names((await station.data(MODELS))["models"]) == ["fake-model", "free-model", "per-call"]


async def test_groups_are_those_one_may_look_as(station: Station) -> None:
    text = "{ groups(first: 10) { edges { node { name description multiplier } } } }"

    users = await station.data(text, await station.viewer(Role.USER))
    operators = await station.data(text, await station.viewer())

    assert names(users["groups"]) == ["default"]
    assert [edge["node"] for edge in operators["groups"]["edges"]] == [
        {"name": "default", "description": "", "multiplier": "1"},
        {"name": "vip", "description": "", "multiplier": "0.5"},
    ]


async def test_how_groups_are_made_is_for_operators(station: Station) -> None:
    text = "{ groups(first: 10) { edges { node { tries } } } }"

    assert await station.code(text, await station.viewer(Role.USER)) == "forbidden"


async def test_providers_that_channels_use_are_listed(station: Station) -> None:
    text = "{ providers(first: 10) { edges { node { name host endpoints { operation dialect } } } } }"

    data = await station.data(text, await station.viewer())

    [edge] = data["providers"]["edges"]
    assert edge["node"]["name"] == "openai-compatible"
    assert {"operation": "chat", "dialect": "openai_chat"} in edge["node"]["endpoints"]


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        ({}, True),
        ({"search": "MAI"}, True),
        ({"search": "other"}, False),
        ({"group": "vip"}, True),
        ({"group": "nobles"}, False),
        ({"provider": "openai-compatible"}, True),
        ({"model": "per-call"}, True),
        ({"model": "gpt-5"}, False),
        ({"tag": "eu"}, False),
        ({"isIll": False}, True),
        ({"isIll": True}, False),
    ],
    ids=str,
)
async def test_channels_are_filtered(station: Station, wanted: dict[str, str], is_found: bool) -> None:
    data = await station.data(CHANNELS, await station.viewer(), filter=wanted)

    assert names(data["channels"]) == (["main"] if is_found else [])


async def test_ill_channels_are_found(station: Station) -> None:
    turn = station.health.take(station.current.snapshot.channels["main"], "fake-model")
    assert turn is not None
    station.health.told(turn)

    data = await station.data(CHANNELS, await station.viewer(), filter={"isIll": True})

    assert names(data["channels"]) == ["main"]


@pytest.mark.parametrize(
    "text", [CHANNELS, '{ channel(name: "main") { name } }', "{ providers(first: 1) { edges { node { name } } } }"]
)
async def test_channels_are_for_operators(station: Station, text: str) -> None:
    assert await station.code(text, await station.viewer(Role.USER)) == "forbidden"
    assert await station.code(text) == "unauthenticated"


async def test_a_channel_is_found_by_its_name_or_its_id(station: Station) -> None:
    text, viewer = "query ($id: ID, $name: String) { channel(id: $id, name: $name) { name } }", await station.viewer()
    id_ = to_id("Channel", "main")

    assert await station.data(text, viewer, id=id_) == await station.data(text, viewer, name="main")
    assert await station.data(text, viewer, id=to_id("Channel", "gone")) == {"channel": None}
    assert await station.code(text, viewer) == "exactly_one"
    assert await station.code(text, viewer, id=id_, name="main") == "exactly_one"
    assert await station.code(text, viewer, id="main") == "invalid_id"


@pytest.mark.parametrize("kind", ["models", "groups", "providers", "channels"])
async def test_an_object_of_the_tree_is_found_by_its_id_by_who_may_see_it(station: Station, kind: str) -> None:
    viewer, stranger = await station.viewer(), await station.key(Permission.TASK_READ)
    data = await station.data(f"{{ {kind}(first: 1) {{ edges {{ node {{ id name }} }} }} }}", viewer)
    node = data[kind]["edges"][0]["node"]
    type_name, key = split_id(node["id"])

    find = queries.NODES[type_name]
    found = await find(station.context(viewer), key)

    assert getattr(found, "name", None) == node["name"]
    assert await find(station.context(stranger), key) is None
    assert await find(station.context(viewer), "other") is None


async def test_a_channel_that_is_not_there_is_null(station: Station) -> None:
    assert await station.data('{ channel(name: "other") { name } }', await station.viewer()) == {"channel": None}


async def test_a_channel_is_ill_by_its_own_failures(station: Station) -> None:
    turn = station.health.take(station.current.snapshot.channels["main"], "fake-model")
    assert turn is not None
    station.health.failed(turn, Cause.BROKEN)

    assert (await station.data(CHANNELS, await station.viewer(), filter={"isIll": True}))["channels"]["edges"] == []
