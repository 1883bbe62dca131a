from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from clinx.graphql.context import Context
from clinx.graphql.errors import shown
from clinx.graphql.following.seats import MOST_OF_ONE
from clinx.graphql.hub import Hub
from clinx.graphql.schema import schema
from support.operations import Api

BALANCE = "subscription { balanceChanged { total } }"


async def follow(context: Context, text: str = BALANCE) -> AsyncGenerator[Any]:
    """Subscribe; yield data, or the codes of failures."""
    found: Any = await schema.subscribe(text, context_value=context)
    if not hasattr(found, "__aiter__"):
        yield _told(found)
        return
    async for result in found:
        yield _told(result)


def _told(result: Any) -> Any:
    if result.errors:
        return [(shown(error, "req-1").extensions or {})["code"] for error in result.errors]
    return result.data


async def test_a_subscription_ends_with_its_session(api: Api, hub: Hub):
    context = await api.visit(await api.user("ann"))
    events = follow(context)
    first = await anext(events)

    assert context.viewer is not None
    await api.accounts.sessions.end_all(context.viewer.user)

    assert (first, [event async for event in events]) == ({"balanceChanged": {"total": "0"}}, [["unauthenticated"]])


async def test_whoever_goes_leaves_nothing_behind(api: Api, hub: Hub):
    found: Any = await schema.subscribe(BALANCE, context_value=await api.visit(await api.user("ann")))
    await anext(found)
    there = (len(hub.purses._followed), len(hub.seats._taken))

    await found.aclose()

    assert (there, hub.purses._followed, hub.seats._taken) == ((1, 1), set(), set())


async def test_too_many_are_refused(api: Api, hub: Hub):
    context = await api.visit(await api.user("ann"))
    running = [follow(context) for _ in range(MOST_OF_ONE)]
    for events in running:
        await anext(events)

    refused = await anext(follow(context))
    await running[0].aclose()
    for events in running[1:]:
        await events.aclose()

    assert refused == ["too_many_subscriptions"]


async def test_strangers_take_no_seat(api: Api, hub: Hub):
    assert await anext(follow(api.context(None))) == ["unauthenticated"]


async def test_without_a_hub_nothing_of_this_process_is_followed(api: Api):
    assert await anext(follow(await api.visit(await api.user("ann")))) == ["unavailable"]
