from __future__ import annotations

from typing import Any

import pytest
import strawberry
from msgspec.structs import replace

from clinx.domain.identity import Role
from clinx.graphql.context import Context, Viewer
from clinx.graphql.errors import Forbidden, Problem
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import permissions_of
from clinx.graphql.request_logs.wanted import Matching, RequestLogFilter, RequestLogTailFilter, wanted
from clinx.storage.search import Filter
from support.database import START, request_log
from support.operations import Api

LOG = replace(request_log("req-1"), user_id=1, token_id=5, group="vip")


async def asking(api: Api, role: Role = Role.USER) -> Context:
    """The first user there is."""
    user = await api.user("ann", role=role)
    assert user.id == 1
    return api.context(Viewer(user, permissions_of(role), session=1))


async def test_everything_that_is_asked_for_is_looked_for(api: Api):
    context = await asking(api, Role.ADMIN)
    until = START.replace(month=2)
    asked = RequestLogFilter(
        since=START, until=until, user=to_id("User", 7), token=to_id("Token", 5), model="m", channel="c", group="g",
        outcome="ok", failed=True, request_id="r", upstream_id="u",
    )  # fmt: skip

    assert wanted(context, asked) == Filter(
        START, until, user_id=7, token_id=5, model="m", channel="c", group="g", outcome="ok", failed=True, id="r",
        upstream_id="u",
    )  # fmt: skip


async def test_a_channel_may_be_named_by_its_id(api: Api):
    context, id_ = await asking(api, Role.ADMIN), to_id("Channel", "main")
    asked = RequestLogFilter(since=START, until=START.replace(month=2), channel=id_)

    assert wanted(context, asked).channel == "main"
    assert Matching(context, RequestLogTailFilter(everyone=True, channel=id_))(LOG)
    with pytest.raises(Problem, match="not an id"):
        wanted(context, replace_channel(asked, to_id("User", 1)))


def replace_channel(asked: RequestLogFilter, channel: str) -> RequestLogFilter:
    return RequestLogFilter(since=asked.since, until=asked.until, channel=channel)


async def test_who_names_a_user_does_not_get_everybody(api: Api):
    context = await asking(api, Role.ADMIN)
    asked = RequestLogFilter(since=START, until=START.replace(month=2), user=to_id("User", 7), everyone=True)

    assert wanted(context, asked).user_id == 7


@pytest.mark.parametrize(
    ("asked", "is_followed"),
    [
        ({}, True),
        ({"everyone": True}, True),
        ({"user": to_id("User", 7)}, False),
        ({"token": to_id("Token", 5)}, True),
        ({"token": to_id("Token", 6)}, False),
        ({"model": "gpt-4o"}, True),
        ({"model": "gpt"}, False),
        ({"channel": "main"}, True),
        ({"channel": "other"}, False),
        ({"group": "vip"}, True),
        ({"group": "default"}, False),
        ({"outcome": "ok"}, True),
        ({"outcome": "timeout"}, False),
        ({"failed": True}, False),
    ],
    ids=str,
)
async def test_what_is_followed_matches(api: Api, asked: dict[str, Any], is_followed: bool):
    matches = Matching(await asking(api, Role.ADMIN), RequestLogTailFilter(**asked))

    assert matches(LOG) is is_followed


async def test_failures_are_followed(api: Api):
    matches = Matching(await asking(api), RequestLogTailFilter(failed=True))

    assert matches(replace(LOG, outcome="timeout"))
    assert not matches(replace(LOG, outcome="timeout", user_id=None))


@pytest.mark.parametrize(
    "asked", [{"everyone": True}, {"user": to_id("User", 7)}, {"channel": "main"}], ids=["everyone", "user", "channel"]
)
async def test_callers_follow_their_own(api: Api, asked: dict[str, Any]):
    context = await asking(api)

    with pytest.raises(Forbidden):
        Matching(context, RequestLogTailFilter(**asked))


async def test_an_id_of_something_else_is_none(api: Api):
    context = await asking(api)

    with pytest.raises(Problem, match="not an id"):
        Matching(context, RequestLogTailFilter(token=strawberry.ID(to_id("User", 1))))
