from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt
from clinx.domain.usage import Unit, Usage
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.graphql.request_logs.types import UsageCount, counts, millis
from clinx.graphql.scalars import BigInt
from clinx.storage import request_logs
from support.database import make_token, request_log
from support.operations import Api

SEEN = """
  id requestId at model askedModel operation dialect outcome status stream charge group milliseconds
  firstByteMilliseconds inputTokens outputTokens usage { unit count } isEstimated token { name } user { name }
"""
HIDDEN = """
  revision channelName channel { name } upstreamModel upstreamId address refusedBy
  attempts { channel credential upstreamModel outcome status milliseconds cause }
"""
QUOTE = """quote {
  lines { unit count per listed amount } factors { factor group rule } multiplier total isWhole notes
}"""
ONE = "query ($id: ID!) { requestLog(id: $id) { %s } }"
ID = to_id("RequestLog", "req-1")
FAILED = Attempt("dead", "fedc9876", "gpt-4o", "upstream_broken", 500, 1.5, "it broke")


async def laid(api: Api, **fields: Any) -> Any:
    ann = await api.user("ann")
    token = (await make_token(api.database, ann, name="ci")).token
    first = request_log("req-1", charge=Amount(2_500_000))
    log = replace(
        first, user_id=ann.id, token_id=token.id, group="vip", stream=True, first_byte_seconds=0.1,
        attempts=(FAILED, *first.attempts), refused_by="no-night", **fields,
    )  # fmt: skip
    await api.services.logs.atomically(request_logs.append([log]))
    return ann


async def test_callers_see_what_they_asked_for_and_paid(api: Api):
    ann = await laid(api)

    data = await api.ask(ann, ONE % SEEN, id=ID)

    assert data["requestLog"] == {
        "id": ID,
        "requestId": "req-1",
        "at": "2030-01-01T00:00:00Z",
        "model": "gpt-4o",
        "askedModel": "gpt-4o-high",
        "operation": "chat",
        "dialect": "openai_chat",
        "outcome": "ok",
        "status": 200,
        "stream": True,
        "charge": "0.0025",
        "group": "vip",
        "milliseconds": 250,
        "firstByteMilliseconds": 100,
        "inputTokens": "10",
        "outputTokens": "20",
        "usage": [{"unit": "INPUT", "count": "10"}, {"unit": "OUTPUT", "count": "20"}],
        "isEstimated": True,
        "token": {"name": "ci"},
        "user": {"name": "ann"},
    }


async def test_callers_see_why_it_cost_that(api: Api):
    kept = ("10 input at 2.5/1000000", "20 output at 123.75/1000000", "x 2 of vip", "x 0.5 by night")
    ann = await laid(api, quote=kept)

    data = await api.ask(ann, ONE % QUOTE, id=ID)

    assert data["requestLog"]["quote"] == {
        "lines": [
            {"unit": "INPUT", "count": "10", "per": "1000000", "listed": "2.5", "amount": "0.000025"},
            {"unit": "OUTPUT", "count": "20", "per": "1000000", "listed": "123.75", "amount": "0.002475"},
        ],
        "factors": [
            {"factor": "2", "group": "vip", "rule": None},
            {"factor": "0.5", "group": None, "rule": "night"},
        ],
        "multiplier": "1",
        "total": "0.0025",
        "isWhole": True,
        "notes": [],
    }


async def test_of_older_logs_callers_see_as_much_as_was_written_down(api: Api):
    ann = await laid(api, quote=("10 input at 2.5/1000000", "estimated: hold"))

    data = await api.ask(ann, ONE % "quote { lines { amount } total isWhole notes }", id=ID)

    assert data["requestLog"]["quote"] == {
        "lines": [{"amount": "0.000025"}], "total": "0.0025", "isWhole": False, "notes": ["estimated: hold"],
    }  # fmt: skip


async def test_what_was_not_priced_has_no_quote(api: Api):
    ann = await laid(api, quote=())

    assert (await api.ask(ann, ONE % "quote { total }", id=ID))["requestLog"] == {"quote": None}


async def test_operators_see_where_it_went(api: Api):
    await laid(api)
    admin = await api.user("admin", role=Role.ADMIN)

    data = await api.ask(admin, ONE % HIDDEN, id=ID)

    tried = {"channel": "main", "credential": "0123abcd", "upstreamModel": "gpt-4o-2024", "outcome": "ok"}
    broke = {"channel": "dead", "credential": "fedc9876", "upstreamModel": "gpt-4o", "outcome": "upstream_broken"}
    assert data["requestLog"] == {
        "revision": "r1",
        "channelName": "main",
        "channel": {"name": "main"},
        "upstreamModel": "gpt-4o-2024",
        "upstreamId": "up-1",
        "address": "127.0.0.1",
        "refusedBy": "no-night",
        "attempts": [
            {**broke, "status": 500, "milliseconds": 1500, "cause": "it broke"},
            {**tried, "status": 200, "milliseconds": 250, "cause": None},
        ],
    }


async def test_operators_see_what_the_vendor_is_paid_and_what_is_left(api: Api):
    await laid(api, cost=Amount(2_000_000))
    admin = await api.user("admin", role=Role.ADMIN)
    unknown = replace(request_log("req-2", charge=Amount(1)), channel=None)
    await api.services.logs.atomically(request_logs.append([unknown]))

    known = (await api.ask(admin, ONE % "cost margin", id=ID))["requestLog"]
    told = (await api.ask(admin, ONE % "cost margin", id=to_id("RequestLog", "req-2")))["requestLog"]

    assert known == {"cost": "0.002", "margin": "0.0005"}
    assert told == {"cost": None, "margin": None}
    key = api.by_key(admin, Permission.REQUEST_LOG_READ)
    assert await api.refused(key, ONE % "cost", id=ID) == "forbidden"


@pytest.mark.parametrize(
    "field",
    [
        "revision",
        "channelName",
        "channel { name }",
        "upstreamModel",
        "upstreamId",
        "address",
        "refusedBy",
        "attempts { channel }",
        "cost",
        "margin",
    ],
)
async def test_callers_do_not(api: Api, field: str):
    ann = await laid(api)

    assert await api.refused(ann, ONE % field, id=ID) == "forbidden"


async def test_what_is_gone_is_null(api: Api):
    await laid(api, channel="gone")
    admin = await api.user("admin", role=Role.ADMIN)
    await api.services.logs.atomically(request_logs.append([replace(request_log("req-2"), token_id=99, channel=None)]))

    shown = "channel { name } channelName token { name } user { name }"

    assert (await api.ask(admin, ONE % shown, id=ID))["requestLog"] == {
        "channel": None, "channelName": "gone", "token": {"name": "ci"}, "user": {"name": "ann"},
    }  # fmt: skip
    assert (await api.ask(admin, ONE % shown, id=to_id("RequestLog", "req-2")))["requestLog"] == {
        "channel": None, "channelName": None, "token": None, "user": None,
    }  # fmt: skip


def test_buckets_that_hold_nothing_are_left_out():
    assert counts(Usage(image=2, cache_read=5)) == [
        UsageCount(unit=Unit.CACHE_READ, count=BigInt(5)),
        UsageCount(unit=Unit.IMAGE, count=BigInt(2)),
    ]
    assert counts(Usage()) == []


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, 0), (0.0126, 13), (1e9, 2**31 - 1)])
def test_spans_are_whole_milliseconds(seconds: float, shown: int):
    assert millis(seconds) == shown
