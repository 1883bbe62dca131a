from __future__ import annotations

import pytest

from clinx.domain.identity import Role
from clinx.graphql.catalog import subscriptions
from clinx.graphql.ids import to_id
from support.fake_upstream import FakeUpstream
from support.gateway import completion
from support.station import Station

TEST = """subscription ($input: ChannelTestInput!) { channelTest(input: $input) {
  stage channel credential upstreamModel operation dialect status usage { input output } code cause
} }"""
HEALTH = "subscription ($channel: ID) { channelHealthChanged(channel: $channel) { name isIll } }"
MAIN = to_id("Channel", "main")


async def test_a_channel_is_tried_out(station: Station, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())

    answers = [answer async for answer in station.follow(TEST, await station.viewer(), input={"channel": MAIN})]

    assert [errors for _, errors in answers] == [[]] * 4
    events = [data["channelTest"] for data, _ in answers]
    assert [event["stage"] for event in events] == ["STARTED", "ANSWERED", "READ", "SUCCEEDED"]
    assert events[-1] == {
        "stage": "SUCCEEDED",
        "channel": "main",
        "credential": "8e4be683",
        "upstreamModel": "fake-model",
        "operation": "chat",
        "dialect": "openai_chat",
        "status": 200,
        "usage": {"input": "9", "output": "3"},
        "code": None,
        "cause": None,
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"channel": to_id("Channel", "other")}, "not_found"),
        ({"channel": "?"}, "invalid_id"),
        ({"model": "x"}, "unknown_model"),
    ],
    ids=["channel", "id", "model"],
)
async def test_what_cannot_be_tried_ends_it(station: Station, changes: dict[str, str], code: str) -> None:
    wish = {"channel": MAIN, **changes}

    [(_, errors)] = [answer async for answer in station.follow(TEST, await station.viewer(), input=wish)]

    assert [error["code"] for error in errors] == [code]


async def test_channels_are_tried_out_by_operators(station: Station, upstream: FakeUpstream) -> None:
    viewer = await station.viewer(Role.USER)

    [(_, errors)] = [answer async for answer in station.follow(TEST, viewer, input={"channel": MAIN})]

    assert [error["code"] for error in errors] == ["forbidden"]
    assert upstream.requests == []


async def test_a_change_of_health_is_told(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "LOOK_SECONDS", 0)
    station.health.take(station.current.snapshot.channels["main"], "fake-model")
    looks = iter([_look("closed"), _look("closed"), _look("open")])
    monkeypatch.setattr(subscriptions, "_states", lambda _: next(looks))
    changes = station.follow(HEALTH, await station.viewer(), channel=MAIN)

    told = await anext(changes)
    await changes.aclose()

    assert told == ({"channelHealthChanged": {"name": "main", "isIll": False}}, [])
    assert next(looks, None) is None


def _look(state: str) -> frozenset[tuple[str, str, str, str, str]]:
    return frozenset({("main", "8e4be683", "fake-model", "manner", state)})
