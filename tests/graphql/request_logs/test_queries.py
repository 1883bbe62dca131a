from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from clinx.domain.identity import Role, User
from clinx.domain.request_log import RequestLog
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.storage import request_logs
from support.database import START, make_token, request_log
from support.operations import Api

WINDOW = {"since": "2030-01-01T00:00:00Z", "until": "2030-01-02T00:00:00Z"}
LOGS = """query ($first: Int!, $after: String, $filter: RequestLogFilter!) {
  requestLogs(first: $first, after: $after, filter: $filter) {
    edges { node { requestId } } pageInfo { hasNextPage endCursor } totalCount { value capped }
  }
}"""
PLAIN = LOGS.replace("totalCount { value capped }", "")
RELATED = """query ($filter: RequestLogFilter!) { requestLogs(first: 50, filter: $filter) {
  edges { node { requestId user { name } token { name } channel { name } } }
} }"""
ONE = "query ($id: ID!) { requestLog(id: $id) { requestId } }"
NODE = "query ($id: ID!) { node(id: $id) { id } }"
URL = "query ($filter: RequestLogFilter!) { requestLogExportUrl(filter: $filter, format: JSONL) }"


def log_of(number: int, user: User | None, **fields: Any) -> RequestLog:
    """A call of a user's; the higher the number, the later."""
    user_id = None if user is None else user.id
    return replace(request_log(f"req-{number}"), at=START + timedelta(seconds=number), user_id=user_id, **fields)


async def write(api: Api, *logs: RequestLog) -> None:
    await api.services.logs.atomically(request_logs.append(logs))


def ids(data: Any) -> list[str]:
    return [edge["node"]["requestId"] for edge in data["requestLogs"]["edges"]]


async def test_one_s_own_are_listed_a_page_at_a_time(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    await write(api, *(log_of(number, ann) for number in range(3)), log_of(3, bob), log_of(4, None))

    first = await api.ask(ann, LOGS, first=2, filter=WINDOW)
    after = first["requestLogs"]["pageInfo"]["endCursor"]
    rest = await api.ask(ann, LOGS, first=2, after=after, filter=WINDOW)

    assert (ids(first), ids(rest)) == (["req-2", "req-1"], ["req-0"])
    assert first["requestLogs"]["totalCount"] == {"value": 3, "capped": False}
    pages = (first["requestLogs"]["pageInfo"]["hasNextPage"], rest["requestLogs"]["pageInfo"]["hasNextPage"])
    assert pages == (True, False)


async def test_a_page_holds_two_hundred_and_tells_of_the_next(api: Api):
    ann = await api.user("ann")
    await write(api, *(log_of(number, ann) for number in range(201)))

    data = await api.ask(ann, PLAIN, first=200, filter=WINDOW)

    assert (len(ids(data)), data["requestLogs"]["pageInfo"]["hasNextPage"]) == (200, True)
    assert await api.refused(ann, PLAIN, first=201, filter=WINDOW) == "page_too_large"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["req-9", "req-1"]),
        ({"model": "small"}, ["req-1"]),
        ({"group": "vip"}, ["req-1"]),
        ({"outcome": "timeout"}, ["req-1"]),
        ({"failed": True}, ["req-1"]),
        ({"requestId": "req-9"}, ["req-9"]),
        ({"since": "2030-01-01T00:00:05Z"}, ["req-9"]),
        ({"until": "2030-01-01T00:00:05Z"}, ["req-1"]),
    ],
    ids=["all", "model", "group", "outcome", "failed", "id", "since", "until"],
)
async def test_they_are_found_by_what_callers_know(api: Api, asked: dict[str, Any], found: list[str]):
    ann = await api.user("ann")
    await write(api, log_of(1, ann, model="small", group="vip", outcome="timeout"), log_of(9, ann))

    assert ids(await api.ask(ann, LOGS, first=9, filter={**WINDOW, **asked})) == found


async def test_they_are_found_by_their_token(api: Api):
    ann = await api.user("ann")
    await write(api, log_of(1, ann, token_id=5), log_of(2, ann, token_id=6))

    assert ids(await api.ask(ann, LOGS, first=9, filter={**WINDOW, "token": to_id("Token", 5)})) == ["req-1"]


async def test_those_of_others_are_for_operators(api: Api):
    ann, bob, admin = await api.user("ann"), await api.user("bob"), await api.user("admin", role=Role.ADMIN)
    await write(api, log_of(1, ann), log_of(2, bob), log_of(3, None))
    of_ann, of_all = {**WINDOW, "user": to_id("User", ann.id)}, {**WINDOW, "everyone": True}

    assert ids(await api.ask(admin, LOGS, first=9, filter=of_ann)) == ["req-1"]
    assert ids(await api.ask(admin, LOGS, first=9, filter=of_all)) == ["req-3", "req-2", "req-1"]
    assert ids(await api.ask(admin, LOGS, first=9, filter=WINDOW)) == []
    assert ids(await api.ask(ann, LOGS, first=9, filter=of_ann)) == ["req-1"]
    assert await api.refused(bob, LOGS, first=9, filter=of_ann) == "forbidden"
    assert await api.refused(bob, LOGS, first=9, filter=of_all) == "forbidden"
    assert await api.refused(None, PLAIN, first=9, filter=WINDOW) == "unauthenticated"
    assert await api.refused(api.by_key(ann, Permission.USAGE_READ), LOGS, first=9, filter=WINDOW) == "forbidden"


@pytest.mark.parametrize("name", ["channel", "upstreamId"])
async def test_only_operators_ask_by_what_callers_are_not_shown(api: Api, name: str):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)
    await write(api, log_of(1, ann), log_of(2, ann, channel="up-1", upstream_id="main"))
    asked = {**WINDOW, name: {"channel": "main", "upstreamId": "up-1"}[name]}

    assert await api.refused(ann, LOGS, first=9, filter=asked) == "forbidden"
    assert ids(await api.ask(admin, LOGS, first=9, filter={**asked, "everyone": True})) == ["req-1"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"until": WINDOW["since"]}, "wrong_window"),
        ({"until": "2030-04-03T00:00:01Z"}, "window_too_long"),
        ({"model": "m" * 256}, "invalid_value"),
        ({"token": to_id("User", 1)}, "invalid_id"),
    ],
    ids=["nothing", "too long", "text", "id"],
)
async def test_what_cannot_be_looked_for_is_refused(api: Api, asked: dict[str, Any], code: str):
    assert await api.refused(await api.user("ann"), LOGS, first=9, filter={**WINDOW, **asked}) == code


async def test_a_page_takes_a_statement_for_each_relation(api: Api, counted: list[str]):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)
    tokens = [(await make_token(api.database, ann, name=f"token{number}")).token.id for number in range(5)]
    await write(api, *(log_of(number, ann, token_id=tokens[number % 5]) for number in range(50)))
    counted.clear()

    data = await api.ask(admin, RELATED, filter={**WINDOW, "everyone": True})

    assert len(counted) == 3  # The logs, their users, their tokens; channels are in the tree.
    assert [edge["node"] for edge in data["requestLogs"]["edges"]][:1] == [
        {"requestId": "req-49", "user": {"name": "ann"}, "token": {"name": "token4"}, "channel": {"name": "main"}}
    ]


async def test_one_is_found_by_its_id(api: Api):
    ann, bob, admin = await api.user("ann"), await api.user("bob"), await api.user("admin", role=Role.ADMIN)
    await write(api, log_of(1, ann))
    id_ = to_id("RequestLog", "req-1")

    assert await api.ask(ann, ONE, id=id_) == {"requestLog": {"requestId": "req-1"}}
    assert await api.ask(admin, ONE, id=id_) == {"requestLog": {"requestId": "req-1"}}
    assert await api.ask(bob, ONE, id=id_) == {"requestLog": None}
    assert await api.ask(ann, ONE, id=to_id("RequestLog", "req-2")) == {"requestLog": None}
    assert await api.ask(ann, NODE, id=id_) == {"node": {"id": id_}}
    assert await api.ask(bob, NODE, id=id_) == {"node": None}
    assert await api.refused(ann, ONE, id=to_id("User", 1)) == "invalid_id"


async def test_an_export_has_an_address(api: Api):
    ann = await api.user("ann")

    data = await api.ask(ann, URL, filter={**WINDOW, "model": "a b", "failed": True})

    url = urlsplit(data["requestLogExportUrl"])
    assert url.path == "/api/export/request-logs"
    assert parse_qs(url.query) == {
        "format": ["jsonl"],
        "since": ["2030-01-01T00:00:00Z"],
        "until": ["2030-01-02T00:00:00Z"],
        "model": ["a b"],
        "failed": ["true"],
    }
    assert await api.refused(ann, URL, filter={**WINDOW, "everyone": True}) == "forbidden"
