from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from msgspec.structs import replace

from clinx.billing import folding
from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.domain.usage import Usage
from clinx.graphql.permissions import Permission
from clinx.storage import rollups
from support.database import START, request_log
from support.operations import Api

COLUMNS = """{ usageReport(input: {since: "2030-01-01T00:00:00Z", until: "2030-01-01T01:00:00Z"}) { series { columns {
  start requests failures inputTokens outputTokens cachedTokens charge
  meanMilliseconds p50Milliseconds p95Milliseconds p99Milliseconds meanFirstByteMilliseconds
} } } }"""
FIGURES = """{ usageReport(input: {since: "2030-01-01T00:00:00Z", until: "2030-01-01T01:00:00Z"}) { series { figures {
  requests failures errorRate inputTokens outputTokens cachedTokens charge
  meanMilliseconds p50Milliseconds p95Milliseconds p99Milliseconds meanFirstByteMilliseconds
} } } }"""


COSTS = """query ($everyone: Boolean! = false) { usageReport(input: {
  since: "2030-01-01T00:00:00Z", until: "2030-01-01T01:00:00Z", everyone: $everyone, by: MODEL
}) { series { name figures { charge %s } columns { charge %s } } } }"""


async def figures(api: Api, *calls: Mapping[str, object], text: str = FIGURES, part: str = "figures") -> object:
    ann = await api.user("ann")
    logs = [replace(request_log("req"), user_id=ann.id, **fields) for fields in calls]
    await api.database.atomically(rollups.append(logs))
    await folding.fold(api.database)
    (series,) = (await api.ask(ann, text))["usageReport"]["series"]
    return series[part]


async def test_figures_follow_from_sums(api: Api):
    quick = {"charge": Amount(3), "usage": Usage(input=10, cache_read=5, output=2), "seconds": 0.05}
    streamed = {"seconds": 1.5, "first_byte_seconds": 0.4, "usage": Usage(output=1)}

    assert await figures(api, quick, quick, streamed, {"outcome": "timeout", "usage": Usage()}) == {
        "requests": "4",
        "failures": "1",
        "errorRate": 0.25,
        "inputTokens": "30",
        "outputTokens": "5",
        "cachedTokens": "10",
        "charge": "0.000000006",
        "meanMilliseconds": 533,
        "p50Milliseconds": 75,
        "p95Milliseconds": 1850,
        "p99Milliseconds": 1970,
        "meanFirstByteMilliseconds": 400,
    }


async def test_of_failures_alone_no_latency_is_known(api: Api):
    assert await figures(api, {"outcome": "timeout", "usage": Usage()}) == {
        "requests": "1",
        "failures": "1",
        "errorRate": 1.0,
        "inputTokens": "0",
        "outputTokens": "0",
        "cachedTokens": "0",
        "charge": "0",
        "meanMilliseconds": None,
        "p50Milliseconds": None,
        "p95Milliseconds": None,
        "p99Milliseconds": None,
        "meanFirstByteMilliseconds": None,
    }


async def test_columns_are_the_same_by_span(api: Api):
    quick = {"charge": Amount(3), "usage": Usage(input=10, cache_read=5, output=2), "seconds": 0.05}
    later = {"at": START + timedelta(minutes=1), "outcome": "timeout", "usage": Usage()}

    assert await figures(api, {**quick, "first_byte_seconds": 0.4}, later, text=COLUMNS, part="columns") == {
        "start": ["2030-01-01T00:00:00Z", "2030-01-01T00:01:00Z"],
        "requests": ["1", "1"],
        "failures": ["0", "1"],
        "inputTokens": ["15", "0"],
        "outputTokens": ["2", "0"],
        "cachedTokens": ["5", "0"],
        "charge": ["0.000000003", "0"],
        "meanMilliseconds": [50, None],
        "p50Milliseconds": [50, None],
        "p95Milliseconds": [95, None],
        "p99Milliseconds": [99, None],
        "meanFirstByteMilliseconds": [400, None],
    }


async def test_operators_see_what_vendors_are_paid_and_what_is_left_of_that_whose_cost_is_known(api: Api):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)
    first = replace(request_log("req", charge=Amount(9)), user_id=ann.id, model="costed", cost=Amount(4))
    later = replace(first, at=START + timedelta(minutes=1), cost=None)
    other = replace(first, model="other", cost=None)
    loss = replace(first, model="loss", charge=Amount(1))
    await api.database.atomically(rollups.append([first, first, later, other, loss]))
    await folding.fold(api.database)

    asked = "cost margin costedRequests"
    data = await api.ask(admin, COSTS % (asked, asked), everyone=True)

    nano = "0.00000000"
    none = {"cost": None, "margin": None, "costedRequests": "0"}
    assert data["usageReport"]["series"] == [
        {
            "name": "costed",
            "figures": {"charge": "0.000000027", "cost": f"{nano}8", "margin": "0.00000001", "costedRequests": "2"},
            "columns": {
                "charge": ["0.000000018", f"{nano}9"],
                "cost": [f"{nano}8", None],
                "margin": ["0.00000001", None],
                "costedRequests": ["2", "0"],
            },
        },
        {
            "name": "other",
            "figures": {"charge": f"{nano}9", **none},
            "columns": {"charge": [f"{nano}9"], "cost": [None], "margin": [None], "costedRequests": ["0"]},
        },
        {
            "name": "loss",
            "figures": {"charge": f"{nano}1", "cost": f"{nano}4", "margin": f"-{nano}3", "costedRequests": "1"},
            "columns": {
                "charge": [f"{nano}1"],
                "cost": [f"{nano}4"],
                "margin": [f"-{nano}3"],
                "costedRequests": ["1"],
            },
        },
    ]


@pytest.mark.parametrize("field", ["cost", "margin", "costedRequests"])
async def test_users_do_not_not_even_of_their_own_calls(api: Api, field: str):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)
    await api.database.atomically(rollups.append([replace(request_log("req"), user_id=ann.id, cost=Amount(4))]))
    await folding.fold(api.database)
    key = api.by_key(admin, Permission.USAGE_READ)

    assert await api.refused(ann, COSTS % (field, "start")) == "forbidden"
    assert await api.refused(ann, COSTS % ("requests", field)) == "forbidden"
    assert await api.refused(key, COSTS % (field, "start"), everyone=True) == "forbidden"
    with_both = api.by_key(admin, Permission.USAGE_READ, Permission.COST_READ)
    assert (await api.ask(with_both, COSTS % (field, "start"), everyone=True))["usageReport"]["series"]
