from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from msgspec.structs import replace

from clinx.domain.identity import Role, User
from clinx.graphql.context import Context
from clinx.graphql.errors import shown
from clinx.graphql.following.tail import PATIENCE
from clinx.graphql.hub import Hub
from clinx.graphql.ids import to_id
from clinx.graphql.schema import schema
from clinx.storage import request_logs
from support.database import fund, make_token, request_log
from support.operations import Api

TAIL = """subscription ($filter: RequestLogTailFilter) { requestLogTail(filter: $filter) {
  logs { requestId token { name } } missed
} }"""
BALANCE = "subscription ($user: ID) { balanceChanged(user: $user) { total held available } }"


async def follow(context: Context, text: str, **variables: Any) -> AsyncGenerator[Any]:
    """Subscribe; yield data, or the codes of failures."""
    found: Any = await schema.subscribe(text, variable_values=variables, context_value=context)
    if not hasattr(found, "__aiter__"):
        yield _told(found)
        return
    async for result in found:
        yield _told(result)


def _told(result: Any) -> Any:
    if result.errors:
        return [(shown(error, "req-1").extensions or {})["code"] for error in result.errors]
    return result.data


async def write_until(api: Api, events: AsyncGenerator[Any], user: User, **fields: Any) -> Any:
    """Log calls of a user's until one of them is told: following begins with the first question."""
    told = api.services.supervisor.start(anext(events), name="news")  # pyright: ignore[reportArgumentType]
    number = 0
    while not told.done():
        number += 1
        log = replace(request_log(f"{user.name}-{number}"), user_id=user.id, **fields)
        await api.services.logs.atomically(request_logs.append([log]))
        await asyncio.wait({told}, timeout=0.1)  # More than anybody reads would be left out.
    return told.result()


async def test_calls_are_told_as_they_end(api: Api, hub: Hub):
    ann, bob = await api.user("ann"), await api.user("bob")
    token = (await make_token(api.database, ann, name="ci")).token
    events = follow(await api.visit(ann), TAIL)
    await api.services.logs.atomically(request_logs.append([replace(request_log("old"), user_id=ann.id)]))

    told = (await write_until(api, events, ann, token_id=token.id))["requestLogTail"]
    seen = [log["requestId"] for log in told["logs"]]
    more = [replace(request_log(id_), user_id=who.id) for id_, who in (("bob-1", bob), ("last", ann))]
    await api.services.logs.atomically(request_logs.append(more))
    while "last" not in seen:
        seen += [log["requestId"] for log in (await anext(events))["requestLogTail"]["logs"]]
    await events.aclose()

    assert (told["missed"], told["logs"][0]["token"]) == (0, {"name": "ci"})
    assert seen == sorted(set(seen), key=seen.index)
    assert all(each.startswith("ann-") for each in seen[:-1])


async def test_operators_follow_everybody(api: Api, hub: Hub):
    ann, admin = await api.user("ann"), await api.user("admin", role=Role.ADMIN)
    events = follow(await api.visit(admin), TAIL, filter={"everyone": True, "failed": True})

    told = await write_until(api, events, ann, outcome="timeout")
    await events.aclose()

    assert told["requestLogTail"]["logs"][0]["requestId"].startswith("ann-")


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"everyone": True}, "forbidden"), ({"channel": "main"}, "forbidden"), ({"token": "?"}, "invalid_id")],
    ids=["everyone", "channel", "id"],
)
async def test_what_may_not_be_followed_is_refused(api: Api, hub: Hub, asked: dict[str, Any], code: str):
    context = await api.visit(await api.user("ann"))

    assert await anext(follow(context, TAIL, filter=asked)) == [code]


async def test_whoever_does_not_listen_is_let_go(api: Api, hub: Hub):
    ann = await api.user("ann")
    events = follow(await api.visit(ann), TAIL)
    await write_until(api, events, ann)

    (follower,) = hub.tail._followers
    follower.offer([replace(request_log("x"), user_id=ann.id)], api.clock.now())
    follower.offer([], api.clock.now() + 2 * PATIENCE)

    assert [event async for event in events][-1] == ["too_slow"]
    assert not hub.tail._followers


async def test_a_balance_is_told_at_once_and_when_it_moved(api: Api, hub: Hub):
    ann = await api.user("ann", balance="1")
    events = follow(await api.visit(ann), BALANCE)

    first = await anext(events)
    await fund(api.database, ann, "2")
    second = await anext(events)
    await events.aclose()

    assert first == {"balanceChanged": {"total": "1", "held": "0", "available": "1"}}
    assert second == {"balanceChanged": {"total": "3", "held": "0", "available": "3"}}


async def test_that_of_others_is_for_operators(api: Api, hub: Hub):
    ann, bob, admin = await api.user("ann", balance="1"), await api.user("bob"), await api.user("ops", role=Role.ADMIN)
    of_ann = to_id("User", ann.id)
    events = follow(await api.visit(admin), BALANCE, user=of_ann)

    told = await anext(events)
    await events.aclose()

    assert told["balanceChanged"]["total"] == "1"
    assert await anext(follow(await api.visit(bob), BALANCE, user=of_ann)) == ["forbidden"]
    assert await anext(follow(await api.visit(bob), BALANCE, user="?")) == ["invalid_id"]
