from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from clinx.domain.catalog import (
    NO_CREDENTIAL,
    Channel,
    Credential,
    SystemPrompt,
    Timeouts,
    TransportKind,
    UsageInStream,
)
from clinx.domain.resilience import ChannelLimits, CircuitRule, RetryRule
from clinx.routing.circuit import Cause, State
from clinx.routing.health import NEVER, Health
from clinx.routing.way import HeldWay, Kind, Transition, Turn, Use
from support.channels import CHAT, channel, credential, provider

A, B, C = credential("a"), credential("b"), credential("c")
RULE = CircuitRule(failures=2, cooldown=8.0, longest=60.0)
CHATTING = Use(CHAT)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def one(*credentials: Credential, name: str = "main", **more: Any) -> Channel:
    return channel(name, credentials=credentials, circuit=RULE, **more)


def take(health: Health, of: Channel, model: str = "m", user: int = 0) -> Turn:
    turn = health.take(of, model, use=Use(CHAT, user=user))
    assert turn is not None
    return turn


def ended(health: Health, turn: Turn, say: Callable[[Turn], None] = lambda _: None) -> Credential:
    say(turn)
    health.ended(turn)
    return turn.credential


def broken(health: Health, of: Channel, times: int = 1) -> None:
    for _ in range(times):
        ended(health, take(health, of), lambda turn: health.failed(turn, Cause.BROKEN))


def refused(health: Health, of: Channel, *users: int, is_sure: bool = False) -> None:
    """Refuse the requests of some users, one after the other."""
    for user in users:
        turn = take(health, of, user=user)
        ended(health, turn, lambda turn: health.refused(turn, can_test=True, is_sure=is_sure))


def picked(health: Health, of: Channel, times: int = 1, exclude: frozenset[str] = frozenset()) -> list[str | None]:
    turns = [health.take(of, "m", exclude) for _ in range(times)]
    return [None if turn is None else turn.credential.secret for turn in turns]


def test_credentials_are_used_in_turn_and_every_channel_keeps_its_own() -> None:
    health = Health(Clock())

    assert picked(health, one(A, B, C), 4) == ["a", "b", "c", "a"]
    assert picked(health, one(A, B, name="other")) == ["a"]


def test_a_channel_without_credentials_presents_none() -> None:
    health, bare = Health(Clock()), one()

    assert take(health, bare).credential is NO_CREDENTIAL
    assert health.take(bare, "m", {NO_CREDENTIAL.fingerprint}) is None


def test_excluded_credentials_are_not_used() -> None:
    health, two = Health(Clock()), one(A, B)

    assert picked(health, two, exclude=frozenset({A.fingerprint})) == ["b"]
    assert picked(health, two, exclude=frozenset({A.fingerprint, B.fingerprint})) == [None]


def test_a_resting_credential_is_not_used_for_this_model_before_its_time() -> None:
    clock = Clock()
    health, two = Health(clock), one(A, B)

    ended(health, take(health, two), lambda turn: health.rested(turn, 5.0))

    assert picked(health, two, 2) == ["b", "b"]
    assert take(health, two, "another").credential in {A, B}
    assert health.ready_in(two, "m") == 0.0
    ended(health, take(health, two), lambda turn: health.rested(turn, 2.0))
    assert picked(health, two) == [None]
    assert (health.ready_in(two, "m"), health.rank(two, "m")) == (2.0, 2.0)
    assert health.last_resort(two, "m") is None, "the vendor said when to come back"
    clock.now += 2.0
    assert picked(health, two) == ["b"]


def test_a_credential_that_was_surely_refused_once_goes_last_but_is_used() -> None:
    health, two = Health(Clock()), one(A, B)

    refused(health, two, 1, is_sure=True)

    assert picked(health, two, 2) == ["b", "b"]
    assert picked(health, two, exclude=frozenset({B.fingerprint})) == ["a"]
    assert (health.rank(two, "m"), health.rank(one(A), "m")) == (0.0, 60.0)


def test_refusals_of_two_users_open_until_a_test_an_operator_or_another_key() -> None:
    clock, told = Clock(), list[Transition]()
    health, main = Health(clock, notify=told.append), one(A)

    refused(health, main, 1, 2)

    assert told == [Transition("main", A.fingerprint, "m", State.OPEN, Cause.REFUSED, 6.0, held=True)]
    clock.now += 1e6
    assert picked(health, main) == [None]
    assert list(health.due_for_test()) == [HeldWay("main", A.fingerprint, "m", main.manner, CHAT)]
    assert picked(health, one(credential("new"))) == ["new"]
    assert take(health, main, "another").credential == A, "it may have been this model"
    assert health.reset("main") == 1
    assert picked(health, main) == ["a"]
    assert [(each.state, each.cause) for each in told[1:]] == [(State.CLOSED, Cause.REFUSED)]


def test_what_one_user_is_refused_moves_nobody_and_holds_nothing_until_it_was_often() -> None:
    health, main = Health(Clock()), one(A)

    refused(health, main, 1)
    assert (health.rank(main, "m"), health.states()[0].state) == (0.0, "closed")
    refused(health, main, 1, 1, 1)
    assert health.states()[0].state == "suspect"
    refused(health, main, 1)
    assert health.states()[0].state == "held"


@pytest.mark.parametrize(("is_sure", "state"), [(False, "open"), (True, "held")])
def test_a_probe_that_is_refused_holds_only_if_it_is_surely_the_key(is_sure: bool, state: str) -> None:
    clock = Clock()
    health, main = Health(clock), one(A)
    broken(health, main, 2)
    clock.now += 8.0

    refused(health, main, 1, is_sure=is_sure)

    assert health.states()[0].state == state


def test_a_success_between_two_refusals_makes_them_one() -> None:
    health, main = Health(Clock()), one(A)

    refused(health, main, 1)
    ended(health, take(health, main), health.succeeded)
    refused(health, main, 2)

    assert picked(health, main) == ["a"]


def test_where_nothing_can_test_it_a_refused_credential_is_probed_by_a_caller() -> None:
    clock = Clock()
    health, main = Health(clock), one(A)

    for user in (1, 2):
        ended(health, take(health, main, user=user), health.refused)
    clock.now += 8.0

    assert take(health, main).kind is Kind.PROBE


def test_exactly_one_call_probes_an_open_circuit_and_decides() -> None:
    clock = Clock()
    health, main = Health(clock), one(A)

    broken(health, main, 2)
    assert picked(health, main) == [None]
    clock.now += 8.0
    probe = take(health, main)
    assert (probe.kind, picked(health, main)) == (Kind.PROBE, [None])
    ended(health, probe, lambda turn: health.failed(turn, Cause.TIMEOUT))
    clock.now += 8.0
    assert picked(health, main) == [None], "the second time is longer"
    clock.now += 8.0
    ended(health, take(health, main), health.began)

    assert picked(health, main, 2) == ["a", "a"]


def test_a_probe_that_told_nothing_may_be_repeated() -> None:
    clock = Clock()
    health, main = Health(clock), one(A)

    broken(health, main, 2)
    clock.now += 8.0
    ended(health, take(health, main))

    assert take(health, main).kind is Kind.PROBE


def test_a_probe_that_is_never_heard_of_again_does_not_keep_the_circuit_open_for_ever() -> None:
    clock = Clock()
    health, main = Health(clock), one(A)

    broken(health, main, 2)
    clock.now += 8.0
    lost = take(health, main)
    clock.now += RULE.longest
    second = take(health, main)
    ended(health, lost, lambda turn: health.failed(turn, Cause.BROKEN))

    assert (second.kind, picked(health, main)) == (Kind.PROBE, [None])


def test_what_began_before_the_circuit_opened_does_not_speak_of_the_present() -> None:
    clock = Clock()
    health, main = Health(clock), one(A)

    early, late = take(health, main), take(health, main)
    broken(health, main, 2)
    ended(health, early, health.succeeded)
    assert picked(health, main) == [None]
    clock.now += 8.0
    probe = take(health, main)
    ended(health, late, lambda turn: health.failed(turn, Cause.BROKEN))
    ended(health, probe, health.began)

    assert picked(health, main) == ["a"]


def test_the_last_resort_is_the_least_bad_and_its_failure_changes_nothing() -> None:
    clock, told = Clock(), list[Transition]()
    health, two = Health(clock, notify=told.append), one(A, B)

    for user in (1, 2):
        refused(health, one(A), user)
        broken(health, one(B))
    resort = health.last_resort(two, "m")

    assert resort is not None
    assert (resort.credential, resort.kind) == (B, Kind.LAST_RESORT)
    opened = len(told)
    ended(health, resort, lambda turn: health.failed(turn, Cause.BROKEN))
    assert len(told) == opened
    again = health.last_resort(two, "m", {B.fingerprint})
    assert again is not None
    ended(health, again, health.began)
    assert picked(health, two) == ["a"], "it got an answer"


def test_a_plan_ranks_the_well_before_the_doubtful_before_the_ejected() -> None:
    clock = Clock()
    health = Health(clock)
    well, suspect, resting, opened, held = (one(A, name=name) for name in "wsroh")

    refused(health, suspect, 1, 1)
    ended(health, take(health, resting), lambda turn: health.rested(turn, 100.0))
    broken(health, opened, 2)
    refused(health, held, 1, 2)

    ranks = [health.rank(each, "m") for each in (well, suspect, resting, opened, held)]
    assert ranks == sorted(ranks)
    assert ranks[:3] == [0.0, 60.0, 100.0]
    clock.now += 8.0
    assert health.rank(opened, "m") == 0.0, "somebody has to probe it"


def test_a_full_channel_gives_no_turn_until_one_ended() -> None:
    health, narrow = Health(Clock()), one(A, limits=ChannelLimits(concurrency=1))

    turn = take(health, narrow)

    assert picked(health, narrow) == [None]
    assert (health.is_full(narrow, 0), health.ready_in(narrow, "m")) == (True, NEVER)
    health.ended(turn)
    health.ended(turn)
    assert (health.is_full(narrow, 0), health.under_way(narrow)) == (False, 0)
    assert picked(health, narrow) == ["a"]


def test_used_tokens_replace_the_estimate() -> None:
    health, small = Health(Clock()), one(A, limits=ChannelLimits(tpm=100))

    turn = health.take(small, "m", use=Use(CHAT, 90))
    assert turn is not None
    assert health.is_full(small, 20)
    health.ended(turn, 10)

    assert not health.is_full(small, 20)


def test_an_estimate_that_is_given_back_late_makes_no_room_beyond_the_limit() -> None:
    clock = Clock()
    health, small = Health(clock), one(A, limits=ChannelLimits(tpm=100))

    refused_late = health.take(small, "m", use=Use(CHAT, 900))
    assert refused_late is not None
    clock.now += 50.0
    health.ended(refused_late, 0)
    clock.now += 15.0  # The estimate is too old to count, and so is what was taken back of it.
    assert health.take(small, "m", use=Use(CHAT, 90)) is not None

    assert health.is_full(small, 20)


@pytest.mark.parametrize("fault", [Cause.BROKEN, Cause.TIMEOUT])
def test_a_test_that_fails_opens_at_once_and_one_that_succeeds_closes(fault: Cause) -> None:
    health, main = Health(Clock()), one(A)

    failing = health.try_out(main, A, "m", CHATTING)
    assert failing is not None
    ended(health, failing, lambda turn: health.failed(turn, fault))
    assert picked(health, main) == [None]
    passing = health.try_out(main, A, "m", CHATTING)
    assert passing is not None
    ended(health, passing, health.began)

    assert picked(health, main) == ["a"]


def test_a_test_of_a_held_way_that_told_nothing_is_not_repeated_at_once() -> None:
    clock = Clock()
    health, main = Health(clock), one(A)
    refused(health, main, 1, 2)
    clock.now += 8.0

    turn = health.try_out(main, A, "m", CHATTING)
    assert turn is not None
    health.ended(turn)

    assert list(health.due_for_test()) == []
    clock.now += RULE.longest
    assert len(list(health.due_for_test())) == 1


def test_what_is_known_outlives_a_reload_and_goes_with_the_channel_or_the_key() -> None:
    health, main = Health(Clock()), one(A)
    broken(health, main, 2)
    broken(health, one(A, name="gone"), 2)

    health.forget_others([one(credential("a"), priority=9)])
    assert [(state.channel, state.state) for state in health.states()] == [("main", "open")]
    assert picked(health, one(credential("a"), priority=9)) == [None]

    health.forget_others([one(B)])
    assert health.states() == ()


MANNERS: list[dict[str, Any]] = [
    {"base_url": "http://elsewhere.test"},
    {"provider": provider(usage_in_stream=UsageInStream.NEVER)},
    {"headers": (("X-Secret", "s3cret"),)},
    {"set": (("temperature", b"2"),)},
    {"drop": ("stop",)},
    {"settings": {"region": "eu"}},
    {"proxy": "http://proxy.test"},
    {"transport": TransportKind.AIOHTTP},
    {"timeouts": Timeouts(connect=1.0)},
    {"retry": RetryRule(attempts=1)},
    {"circuit": CircuitRule(failures=3)},
    {"status_map": {500: 400}},
    {"system_prompt": SystemPrompt("Be brief.")},
    {"thinking_to_content": True},
]


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: next(iter(manner)))
def test_trees_side_by_side_that_ask_a_channel_in_different_manners_do_not_disturb_each_other(
    manner: dict[str, Any],
) -> None:
    health, old, new = Health(Clock()), one(A), replace(one(A), **manner)
    broken(health, new, new.circuit.failures)

    assert (picked(health, new), picked(health, old)) == ([None], ["a"])
    assert (health.rank(new, "m") > 0, health.rank(old, "m")) == (True, 0.0)
    assert [(state.manner, state.state) for state in health.states() if state.state == "open"] == [(new.manner, "open")]
    health.forget_others([old, new])
    assert picked(health, new) == [None]
    health.forget_others([old])
    assert {state.manner for state in health.states()} == {old.manner}


def test_who_may_use_a_channel_and_how_much_makes_it_no_other() -> None:
    health, main = Health(Clock()), one(A)
    broken(health, main, 2)

    routed = replace(main, groups=("vip",), weight=7, priority=3, tags=frozenset({"eu"}), models={"m": "m", "n": "n"})
    changed = replace(routed, limits=ChannelLimits(rpm=9))

    assert picked(health, changed) == [None]


def test_the_same_key_at_another_channel_is_another_way() -> None:
    health = Health(Clock())

    broken(health, one(A, name="one"), 2)

    assert picked(health, one(A, name="other")) == ["a"]


def test_states_say_what_is_wrong_and_for_how_long() -> None:
    clock = Clock()
    health = Health(clock)
    busy = take(health, one(A, name="busy"))
    clock.now += 2.0
    health.began(busy)
    ended(health, take(health, one(A, name="rest")), lambda turn: health.rested(turn, 5.0))
    refused(health, one(A, name="doubt"), 1, 1)
    broken(health, one(A, name="open"), 2)
    refused(health, one(A, name="held"), 1, 2)

    seen = {
        each.channel: (each.state, each.cause, each.seconds, each.latency, each.in_flight) for each in health.states()
    }

    assert seen == {
        "busy": ("closed", None, 0.0, 2.0, 1),
        "rest": ("resting", "overloaded", 5.0, 0.0, 0),
        "doubt": ("suspect", "refused", 60.0, 0.0, 0),
        "open": ("open", "broken", 6.0, 0.0, 0),
        "held": ("held", "refused", 6.0, 0.0, 0),
    }


def test_who_got_well_by_the_passing_of_time_costs_nothing_any_more() -> None:
    clock = Clock()
    health, main = Health(clock), one(A)
    ended(health, take(health, main), lambda turn: health.rested(turn, 5.0))

    health.settle()
    assert health._ill == {"main"}
    clock.now += 5.0
    health.settle()

    assert health._ill == set()


def test_names_that_callers_invent_do_not_pile_up() -> None:
    health, main = Health(Clock()), one(A)

    for number in range(2100):
        ended(health, take(health, main, f"invented-{number}"))

    assert len(health.states()) == 2000
