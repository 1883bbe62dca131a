from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from clinx.billing import folding
from clinx.domain.identity import Role, User
from clinx.domain.money import Amount
from clinx.domain.request_log import RequestLog
from clinx.domain.usage import Usage
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.storage import rollups
from support.database import START, make_token, request_log
from support.operations import Api

HOUR = {"since": "2030-01-01T00:00:00Z", "until": "2030-01-01T01:00:00Z"}
REPORT = """query ($input: UsageReportInput!) { usageReport(input: $input) {
  grain since until series { name figures { requests charge } columns { start requests } }
} }"""
NAMED = """query ($input: UsageReportInput!) { usageReport(input: $input) {
  series { name user { name } token { name } }
} }"""
LIVE = "query ($user: ID, $everyone: Boolean! = false) { liveUsage(user: $user, everyone: $everyone) { %s } }"
BUSY = LIVE % "requestsPerMinute tokensPerMinute"


def call(user: User | None, *, minute: int = 0, nano: int = 1_000_000_000, **fields: Any) -> RequestLog:
    user_id = None if user is None else user.id
    log = request_log("req", charge=Amount(nano))
    return replace(log, at=START + timedelta(minutes=minute), user_id=user_id, **fields)


async def use(api: Api, *logs: RequestLog) -> None:
    await api.database.atomically(rollups.append(logs))
    await folding.fold(api.database)


async def totals(api: Api, who: Any, **asked: Any) -> dict[str, tuple[str, str]]:
    data = await api.ask(who, REPORT, input={**HOUR, **asked})
    series = data["usageReport"]["series"]
    return {each["name"]: (each["figures"]["requests"], each["figures"]["charge"]) for each in series}


async def test_one_s_own_usage_is_shown_over_time(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    await use(api, call(ann), call(ann), call(ann, minute=5), call(bob), call(None, nano=0))

    data = await api.ask(ann, REPORT, input=HOUR)

    assert data["usageReport"] == {
        "grain": "MINUTE",
        "since": "2030-01-01T00:00:00Z",
        "until": "2030-01-01T01:00:00Z",
        "series": [
            {
                "name": "",
                "figures": {"requests": "3", "charge": "3"},
                "columns": {"start": ["2030-01-01T00:00:00Z", "2030-01-01T00:05:00Z"], "requests": ["2", "1"]},
            }
        ],
    }


async def test_it_is_told_apart_and_the_dearest_come_first(api: Api):
    ann = await api.user("ann")
    await use(api, call(ann, model="a"), call(ann, model="b", nano=2_000_000_000), call(ann, model="c"))

    assert list(await totals(api, ann, by="MODEL")) == ["b", "a", "c"]
    assert await totals(api, ann, by="MODEL", most=1) == {"b": ("1", "2")}
    assert await totals(api, ann, by="MODEL", names=["c"]) == {"c": ("1", "1")}


async def test_users_and_tokens_are_named(api: Api, counted: list[str]):
    ann, bob, admin = await api.user("ann"), await api.user("bob"), await api.user("admin", role=Role.ADMIN)
    token = (await make_token(api.database, ann, name="ci")).token
    await use(api, call(ann, token_id=token.id, nano=5), call(bob, token_id=99, nano=4))
    counted.clear()

    users = await api.ask(admin, NAMED, input={**HOUR, "by": "USER", "everyone": True})
    statements = len(counted)
    tokens = await api.ask(admin, NAMED, input={**HOUR, "by": "TOKEN", "everyone": True})

    assert users["usageReport"]["series"] == [
        {"name": str(ann.id), "user": {"name": "ann"}, "token": None},
        {"name": str(bob.id), "user": {"name": "bob"}, "token": None},
    ]
    assert statements == 1  # The users; the report is one look at the sums.
    assert tokens["usageReport"]["series"] == [
        {"name": str(token.id), "user": None, "token": {"name": "ci"}},
        {"name": "99", "user": None, "token": None},
    ]
    one = {"by": "USER", "users": [to_id("User", bob.id)], "everyone": True}
    assert list(await totals(api, admin, **one)) == [str(bob.id)]
    own = {"by": "TOKEN", "tokens": [to_id("Token", token.id)]}
    assert list(await totals(api, ann, **own)) == [str(token.id)]


async def test_that_of_others_is_for_operators(api: Api):
    ann, bob, admin = await api.user("ann"), await api.user("bob"), await api.user("admin", role=Role.ADMIN)
    await use(api, call(ann), call(bob), call(None))
    of_ann = {"user": to_id("User", ann.id)}

    assert await totals(api, admin, everyone=True) == {"": ("3", "3")}
    assert await totals(api, admin, **of_ann) == {"": ("1", "1")}
    assert await totals(api, admin, by="CHANNEL", everyone=True) == {"main": ("3", "3")}
    assert await totals(api, api.by_key(admin, Permission.USAGE_READ), everyone=True) == {"": ("3", "3")}
    assert await api.refused(bob, REPORT, input={**HOUR, **of_ann}) == "forbidden"
    assert await api.refused(bob, REPORT, input={**HOUR, "everyone": True}) == "forbidden"
    assert await api.refused(None, REPORT, input=HOUR) == "unauthenticated"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"until": HOUR["since"]}, "wrong_window"),
        ({"since": "0001-01-01T00:00:00Z"}, "wrong_window"),
        ({"until": "9999-12-31T23:59:59Z"}, "wrong_window"),
        ({"by": "CHANNEL"}, "wrong_facet"),
        ({"grain": "MINUTE", "until": "2030-01-03T00:00:00Z"}, "too_many_spans"),
        ({"grain": "MINUTE", "since": "2029-12-01T00:00:00Z"}, "not_kept"),
        ({"names": ["a"]}, "wrong_names"),
        ({"by": "TOKEN", "names": ["a"]}, "wrong_names"),
        ({"by": "MODEL", "tokens": []}, "wrong_names"),
        ({"by": "MODEL", "names": ["a"] * 101}, "wrong_names"),
        ({"by": "TOKEN", "tokens": [to_id("User", 1)]}, "invalid_id"),
    ],
    ids=str,
)
async def test_what_cannot_be_reported_is_refused(api: Api, asked: dict[str, Any], code: str):
    assert await api.refused(await api.user("ann"), REPORT, input={**HOUR, **asked}) == code


async def test_it_is_known_how_busy_it_is(api: Api):
    ann, bob, admin = await api.user("ann"), await api.user("bob"), await api.user("admin", role=Role.ADMIN)
    await use(api, call(ann, usage=Usage(input=70, output=30)), call(bob, usage=Usage(input=1)))
    api.clock.advance(30)

    assert await api.ask(ann, BUSY) == {"liveUsage": {"requestsPerMinute": "1", "tokensPerMinute": "100"}}
    everyone = await api.ask(admin, BUSY, everyone=True)
    assert everyone == {"liveUsage": {"requestsPerMinute": "2", "tokensPerMinute": "101"}}
    assert await api.refused(ann, BUSY, everyone=True) == "forbidden"
    assert await api.refused(ann, BUSY, user=to_id("User", bob.id)) == "forbidden"
