from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from fractions import Fraction

import pytest

from clinx.domain.catalog import Channel, Group, UpstreamEndpoint
from clinx.domain.operation import Operation
from clinx.domain.pricing import Rate, Rates
from clinx.domain.steering import FREE, Steer, Strategy
from clinx.domain.template import Template
from clinx.domain.usage import Unit
from clinx.errors import InvalidRequest, ModelNotFound, NoChannel
from clinx.routing.health import Health
from clinx.routing.plan import Candidate, Plan, Way, expand, offered, plan
from clinx.routing.table import RouteTable
from support.channels import CHAT, channel, provider

DEFAULT = Group("default")
VIP = Group("vip", Fraction(4, 5))
AUTO = Group("auto", tries=("vip", "default"))
GROUPS = {group.name: group for group in (DEFAULT, VIP, AUTO)}


def _plan(  # noqa: PLR0913  (what a test varies)
    channels: Iterable[Channel],
    *,
    group: Group = DEFAULT,
    model: str = "m",
    operation: Operation = Operation.CHAT,
    health: Health | None = None,
    translated: Sequence[Way] = (),
    steer: Steer = FREE,
    strategy: Strategy | None = None,
) -> Plan:
    return plan(
        RouteTable.build(channels),
        GROUPS,
        group=group,
        model=model,
        operation=operation,
        dialect="openai_chat",
        draw=random.Random(1),
        health=health or Health(lambda: 0.0),
        translated=translated,
        steer=steer,
        strategy=strategy,
    )


def _rested(health: Health, one: Channel, seconds: float) -> None:
    turn = health.take(one, "m")
    assert turn is not None
    health.rested(turn, seconds)


def _names(made: Plan) -> list[str]:
    return [candidate.channel.name for candidate in made.candidates]


def test_a_candidate_says_how_the_channel_is_reached() -> None:
    mapped = channel(models={"m": "m-2024"})

    assert _plan([mapped]) == Plan((Candidate(mapped, "m-2024", DEFAULT, CHAT),))


def test_lower_priorities_follow_higher_ones() -> None:
    assert _names(_plan([channel("b"), channel("a", priority=1), channel("c", priority=-1)])) == ["a", "b", "c"]


def test_a_group_that_tries_others_takes_their_channels_in_order_and_at_their_price() -> None:
    made = _plan([channel("slow", priority=9), channel("fast", groups=("vip",))], group=AUTO)

    assert _names(made) == ["fast", "slow"]
    assert [candidate.group for candidate in made.candidates] == [VIP, DEFAULT]


def test_a_channel_of_two_tried_groups_is_a_candidate_once_through_the_first() -> None:
    made = _plan([channel("both", groups=("default", "vip"))], group=AUTO)

    assert [(candidate.channel.name, candidate.group.name) for candidate in made.candidates] == [("both", "vip")]


def test_channels_that_do_not_take_the_operation_are_left_out() -> None:
    deaf = channel("deaf", provider=provider(endpoints=()))

    assert _names(_plan([deaf, channel("main", priority=-1)])) == ["main"]


MESSAGES = UpstreamEndpoint(Operation.CHAT, "anthropic", Template.parse("/v1/messages"))
GENERATE = UpstreamEndpoint(Operation.CHAT, "gemini", Template.parse("/v1beta"))
WAYS: Sequence[Way] = ((Operation.CHAT, "gemini"), (Operation.CHAT, "anthropic"))


def test_channels_that_speak_another_way_come_after_the_others_of_their_tier() -> None:
    other = provider(endpoints=(MESSAGES, GENERATE))
    channels = [
        channel("translated", provider=other, weight=99),
        channel("own"),
        channel("high", provider=other, priority=1),
        channel("low", priority=-1),
        channel("both", provider=provider(endpoints=(MESSAGES, CHAT)), weight=0),
    ]

    made = _plan(channels, translated=WAYS)

    assert _names(made) == ["high", "own", "both", "translated", "low"]
    assert [candidate.endpoint for candidate in made.candidates] == [GENERATE, CHAT, CHAT, GENERATE, CHAT]


def test_channels_that_speak_only_other_ways_are_left_out_unless_these_are_named() -> None:
    messages = channel("messages", provider=provider(endpoints=(MESSAGES,)))

    assert _names(_plan([messages, channel("own")])) == ["own"]
    assert _names(_plan([messages, channel("own")], translated=WAYS)) == ["own", "messages"]


def test_no_channel_takes_the_operation() -> None:
    with pytest.raises(InvalidRequest) as caught:
        _plan([channel("secret-name")], operation=Operation.EMBED)

    assert caught.value.message == "The model 'm' does not take this operation here."
    assert caught.value.param == "model"


def test_cooling_channels_go_last_the_soonest_ready_first() -> None:
    first, second, third = channel("first", priority=3), channel("second", priority=2), channel("third", priority=1)
    health = Health(lambda: 0.0)
    _rested(health, first, 60.0)
    _rested(health, second, 5.0)

    assert _names(_plan([first, second, third], health=health)) == ["third", "second", "first"]


def test_an_unknown_model_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ModelNotFound) as caught:
        _plan([channel("hidden", models={"gpt-4o": "gpt-4o", "o3-mini": "o3-mini"})], model="gpt-40")

    assert caught.value.message == "The model 'gpt-40' does not exist or is not offered to you."
    assert caught.value.hint == "Did you mean 'gpt-4o'?"
    assert caught.value.param == "model"


def test_a_model_of_another_group_is_not_hinted_at() -> None:
    with pytest.raises(ModelNotFound) as caught:
        _plan(
            [channel(models={"other": "other"}), channel(models={"internal": "x"}, groups=("vip",))], model="internal"
        )

    assert caught.value.hint == "The list of models names what is offered to you."


def test_a_huge_name_is_neither_compared_nor_repeated() -> None:
    with pytest.raises(ModelNotFound) as caught:
        _plan([channel()], model="m" * 1_000_000)

    assert len(caught.value.message) < 250
    assert caught.value.hint == "The list of models names what is offered to you."


def test_groups_expand_through_others_without_going_round() -> None:
    outer, inner = Group("outer", tries=("inner", "vip", "gone")), Group("inner", tries=("default", "outer"))

    assert expand({**GROUPS, "outer": outer, "inner": inner}, outer) == (DEFAULT, VIP)


def test_a_group_offers_what_the_groups_it_tries_offer() -> None:
    routes = RouteTable.build([channel("a", models={"b": "b"}), channel("b", models={"a": "a"}, groups=("vip",))])

    assert offered(routes, GROUPS, AUTO) == ("a", "b")
    assert offered(routes, GROUPS, DEFAULT) == ("b",)


EU, US, OLD = (
    channel("eu", tags=frozenset({"eu", "gdpr"})),
    channel("us", tags=frozenset({"us"})),
    channel("old", priority=9),
)


@pytest.mark.parametrize(
    ("steer", "expected"),
    [
        (Steer(require=frozenset({"eu", "gdpr"})), ["eu"]),
        (Steer(prefer=frozenset({"us", "asia"}), strategy=Strategy.IN_ORDER), ["us", "old", "eu"]),
        (Steer(avoid=frozenset({"eu"}), strategy=Strategy.IN_ORDER), ["old", "us", "eu"]),
        (Steer(pinned="us"), ["us"]),
        (Steer(sticky="us", avoid=frozenset({"us"}), strategy=Strategy.IN_ORDER), ["us", "old", "eu"]),
        (Steer(sticky="gone", strategy=Strategy.IN_ORDER), ["old", "eu", "us"]),
    ],
)
def test_rules_exclude_channels_and_prefer_some(steer: Steer, expected: list[str]) -> None:
    assert _names(_plan([OLD, EU, US], steer=steer)) == expected


@pytest.mark.parametrize("steer", [Steer(require=frozenset({"mars"})), Steer(pinned="gone")])
def test_when_rules_leave_nobody_there_is_no_channel(steer: Steer) -> None:
    with pytest.raises(NoChannel):
        _plan([OLD, EU, US], steer=steer)


def test_the_healthy_go_before_whom_rules_prefer() -> None:
    health = Health(lambda: 0.0)
    _rested(health, EU, 30.0)

    for steer in (Steer(sticky="eu"), Steer(prefer=frozenset({"eu"}))):
        assert _names(_plan([EU, US], health=health, steer=steer)) == ["us", "eu"]


def test_the_strategy_is_a_rule_s_or_the_model_s_or_the_group_s() -> None:
    ordered = Group("default", strategy=Strategy.IN_ORDER)
    dear, cheap = channel("dear", weight=1000), channel("cheap", cost=Rates({Unit.INPUT: Rate(Fraction(1), 10**6)}))

    assert _names(_plan([cheap, dear], group=ordered)) == ["cheap", "dear"]
    assert _names(_plan([dear, cheap], group=ordered, strategy=Strategy.CHEAPEST)) == ["cheap", "dear"]
    steer = Steer(strategy=Strategy.WEIGHTED)
    assert _names(_plan([cheap, dear], group=ordered, strategy=Strategy.CHEAPEST, steer=steer)) == ["dear", "cheap"]
