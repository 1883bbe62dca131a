from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clinx.domain.catalog import Channel, Group
from clinx.domain.resilience import ChannelLimits, CircuitRule, RetryRule
from clinx.domain.usage import Usage
from clinx.errors import (
    ClientGone,
    GatewayError,
    NoChannel,
    PolicyRefused,
    RateLimited,
    UnsupportedByModel,
    UpstreamBroken,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamTimeout,
)
from clinx.relay.draw import Chosen, Draw
from clinx.relay.exchange import Exchange
from clinx.routing.health import NEVER, Health
from clinx.routing.plan import Candidate, Plan
from clinx.routing.retries import ALWAYS, RetryBudget
from clinx.upstream.failures import Failure, Scope
from support.channels import CHAT, channel, credential

AT = datetime(2026, 1, 1, tzinfo=UTC)
A, B = credential("a"), credential("b")
RULE = CircuitRule(failures=1, cooldown=10.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A draw over some channels, without an exchange around it."""

    def __init__(self, *channels: Channel) -> None:
        self.clock = Clock()
        self.health = Health(self.clock)
        self.retries = RetryBudget(self.clock, lambda: None)
        self.channels = channels

    def draw(self, prompt_bytes: int = 0, context: int | None = None) -> Draw:
        candidates = tuple(Candidate(each, "m", Group("default"), CHAT) for each in self.channels)
        unused, server = cast("Any", None), SimpleNamespace(retry_budget=0.2)
        exchange = Exchange("req_1", AT, 0.0, cast("Any", SimpleNamespace(server=server)), *[unused] * 5)
        exchange.plan = Plan(candidates)
        exchange.envelope = cast("Any", SimpleNamespace(prompt_bytes=prompt_bytes))
        exchange.model = cast("Any", SimpleNamespace(context=context))
        return Draw(exchange, self.health, self.retries)

    def states(self) -> list[str]:
        return [state.state for state in self.health.states()]


def one(name: str, *credentials: Any, **more: Any) -> Channel:
    return channel(name, credentials=credentials or (A,), circuit=RULE, **more)


def failure(error: GatewayError, scope: Scope = Scope.CHANNEL, wait: float | None = None, **more: Any) -> Failure:
    return Failure(error, scope, wait, **more)


BROKEN, LATE, BUSY = UpstreamBroken("x"), UpstreamTimeout("x"), UpstreamOverloaded("x")
REFUSED, KEY = UpstreamRefused("x", upstream_status=400, body=b"", content_type=""), UpstreamMisconfigured("x")


def chosen(draw: Draw) -> Chosen:
    found = draw.next()
    assert found is not None
    return found


def name_of(found: Chosen | None) -> str | None:
    return None if found is None else found.candidate.channel.name


@pytest.mark.parametrize(
    ("what", "state"),
    [
        (failure(BROKEN), "open"),
        (failure(LATE), "open"),
        (failure(KEY), "open"),
        (failure(BUSY), "open"),
        (failure(BUSY, Scope.CREDENTIAL, 3.0), "resting"),
        (failure(BUSY, Scope.CREDENTIAL), "resting"),
        (failure(KEY, Scope.CREDENTIAL), "closed"),
        (failure(KEY, Scope.CREDENTIAL, status=401), "suspect"),
        (failure(BROKEN, sent=False), "closed"),
        (failure(LATE, sent=False), "closed"),
        (failure(KEY, is_neutral=True), "closed"),
        (failure(KEY, Scope.CREDENTIAL, opens=True), "held"),
        (failure(REFUSED), "closed"),
        (failure(UnsupportedByModel("x")), "closed"),
    ],
)
def test_a_failure_is_what_the_upstream_did_and_never_what_the_caller_did(what: Failure, state: str) -> None:
    bench = Bench(one("main"))
    draw = bench.draw()

    draw.failed(chosen(draw), what)

    assert bench.states() == [state]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, "closed"),
        (BROKEN, "open"),
        (LATE, "open"),
        (REFUSED, "closed"),
        (ClientGone("x"), "closed"),
        (PolicyRefused("x"), "closed"),
    ],
)
def test_an_answer_that_broke_off_counts_and_one_that_its_caller_left_does_not(
    error: GatewayError | None, state: str
) -> None:
    bench = Bench(one("main"))
    found = chosen(bench.draw())

    found.began()
    found.over(error, Usage(input=3))
    found.over(BROKEN, Usage())

    assert bench.states() == [state]
    assert bench.health.under_way(bench.channels[0]) == 0


def test_a_request_that_nobody_would_take_ends_the_draw() -> None:
    draw = Bench(one("a"), one("b")).draw()

    with pytest.raises(UpstreamRefused):
        draw.failed(chosen(draw), failure(REFUSED, Scope.REQUEST))


def test_an_answer_after_which_the_tree_lets_nobody_be_asked_ends_the_draw() -> None:
    bench = Bench(one("a"), one("b"))
    draw = bench.draw()

    with pytest.raises(UpstreamBroken):
        draw.failed(chosen(draw), failure(BROKEN, is_final=True))

    assert bench.states() == ["open"], "it counts all the same"


def test_a_full_channel_is_skipped_and_costs_no_attempt() -> None:
    narrow = one("narrow", limits=ChannelLimits(concurrency=1))
    bench = Bench(narrow, one("b"), one("c"), one("d"))
    held = bench.health.take(narrow, "m")
    draw = bench.draw()

    names = list[str | None]()
    while (found := draw.next()) is not None:
        names.append(name_of(found))
        draw.failed(found, failure(BROKEN))

    assert held is not None
    assert names == ["b", "c", "d"]


@pytest.mark.parametrize(
    "unused",
    [failure(REFUSED), failure(LATE, sent=False), UnsupportedByModel("x"), RateLimited("x"), None],
    ids=["refused", "not sent", "not told", "limited", "no retry left"],
)
def test_a_prompt_that_nobody_worked_on_leaves_room_for_others(unused: Failure | GatewayError | None) -> None:
    bench = Bench(one("main", limits=ChannelLimits(tpm=100)))
    draw = bench.draw(prompt_bytes=4 * 90)

    if unused is None:
        draw._attempts = 1
        for _ in range(ALWAYS):
            bench.retries.spend(0.2, 0)
        assert draw.next() is None
    elif isinstance(unused, Failure):
        draw.failed(chosen(draw), unused)
    elif isinstance(unused, RateLimited):
        draw.used_up(chosen(draw), unused)
    else:
        draw.closed(chosen(draw), cast("UnsupportedByModel", unused))

    assert not bench.health.is_full(bench.channels[0], 100)


@pytest.mark.parametrize(("context", "is_full"), [(None, True), (90, True), (89, False)])
def test_a_prompt_that_the_model_cannot_take_uses_up_nothing(context: int | None, is_full: bool) -> None:
    bench = Bench(one("main", limits=ChannelLimits(tpm=100)))

    chosen(bench.draw(prompt_bytes=4 * 90, context=context))

    assert bench.health.is_full(bench.channels[0], 20) is is_full


def test_when_every_channel_is_full_the_caller_is_told_to_come_back() -> None:
    narrow = one("narrow", limits=ChannelLimits(concurrency=1))
    bench = Bench(narrow)
    bench.health.take(narrow, "m")
    draw = bench.draw()

    assert draw.next() is None
    verdict = draw.verdict(draw.shortest_rest())

    assert isinstance(verdict, UpstreamOverloaded)
    assert verdict.retry_after == 1.0


def test_a_channel_that_a_limit_lets_nobody_to_is_passed_over_and_costs_neither_attempt_nor_retry() -> None:
    bench = Bench(*(one(name, A, B) for name in "abcd"))
    draw = bench.draw()
    draw.failed(chosen(draw), failure(BROKEN))
    for _ in range(ALWAYS - 1):
        bench.retries.spend(0.2, 0)

    names = list[str | None]()
    for name in ("b", "c"):
        found = chosen(draw)
        assert name_of(found) == name
        draw.used_up(found, RateLimited("x", retry_after=60.0))
    while (found := draw.next()) is not None:
        names.append(name_of(found))
        draw.failed(found, failure(BROKEN))

    assert names == ["d"], "of the only retry that was left"
    assert [bench.health.under_way(each) for each in bench.channels] == [0] * 4


def test_when_limits_let_to_nobody_the_one_that_is_over_first_is_told() -> None:
    draw = Bench(one("a"), one("b")).draw()
    soon = RateLimited("soon", retry_after=7.0)

    for refusal in (RateLimited("late", retry_after=60.0), soon):
        draw.used_up(chosen(draw), refusal)

    assert (draw.next(), draw.last_resort()) == (None, None)
    assert (wait := draw.shortest_rest()) == 7.0
    assert draw.verdict(wait) is soon
    assert str(soon.__cause__) == "resting: a, b"


def test_who_failed_is_told_before_a_limit_and_so_is_who_has_rested_before_it_is_over() -> None:
    failing, resting = Bench(one("a"), one("b")).draw(), Bench(one("a"), one("b")).draw()

    failing.failed(chosen(failing), failure(BROKEN))
    failing.used_up(chosen(failing), RateLimited("x", retry_after=60.0))
    resting.used_up(chosen(resting), RateLimited("x", retry_after=60.0))

    assert isinstance(failing.verdict(60.0), UpstreamBroken)
    assert isinstance(resting.verdict(60.0), RateLimited)
    assert isinstance(resting.verdict(30.0), UpstreamOverloaded)


def test_a_limit_is_waited_for_once() -> None:
    draw = Bench(one("a")).draw()
    draw.used_up(chosen(draw), RateLimited("x", retry_after=2.0))
    first = draw.shortest_rest()
    draw.again()
    again = RateLimited("again", retry_after=2.0)
    draw.used_up(chosen(draw), again)

    assert (first, draw.shortest_rest()) == (2.0, NEVER)
    assert draw.verdict(NEVER) is again


def test_of_the_ejected_the_next_is_asked_where_a_limit_lets_nobody_to_the_least_bad() -> None:
    bench = Bench(one("a"), one("b"))
    for _ in range(2):
        earlier = bench.draw()
        earlier.failed(chosen(earlier), failure(BROKEN))
        bench.clock.now += 1.0
    draw = bench.draw()

    least_bad = draw.last_resort()
    assert least_bad is not None
    draw.used_up(least_bad, RateLimited("x", retry_after=60.0))

    assert name_of(draw.last_resort()) == "b"
    assert draw.last_resort() is None


@pytest.mark.parametrize("unsent", ["address", "translation"])
def test_where_nothing_was_sent_no_attempt_is_used_up(unsent: str) -> None:
    draw = Bench(*(one(name) for name in "abcd")).draw()

    first = chosen(draw)
    if unsent == "address":
        draw.failed(first, failure(KEY, sent=False))
    else:
        draw.closed(first, UnsupportedByModel("x"))
    names = list[str | None]()
    while (found := draw.next()) is not None:
        names.append(name_of(found))
        draw.failed(found, failure(BROKEN))

    assert names == ["b", "c", "d"]


def test_the_leading_channel_says_how_many_attempts_there_are() -> None:
    draw = Bench(one("a", retry=RetryRule(2)), one("b"), one("c")).draw()

    for _ in range(2):
        draw.failed(chosen(draw), failure(BROKEN))

    assert (draw.next(), draw.last_resort(), draw.shortest_rest()) == (None, None, None)


def test_when_all_are_ejected_the_least_bad_is_asked_once() -> None:
    bench = Bench(one("a"), one("b"))
    for _ in range(2):
        earlier = bench.draw()
        earlier.failed(chosen(earlier), failure(BROKEN))
        bench.clock.now += 1.0
    draw = bench.draw()

    assert draw.next() is None
    assert name_of(draw.last_resort()) == "a", "it is due first"
    assert draw.last_resort() is None


def test_a_retry_beyond_the_budget_is_not_made() -> None:
    bench = Bench(one("a"), one("b"))
    for _ in range(ALWAYS):
        bench.retries.spend(0.2, 0)
    draw = bench.draw()

    draw.failed(chosen(draw), failure(BROKEN))

    assert (draw.next(), draw.last_resort()) == (None, None)
    assert isinstance(draw.verdict(None), UpstreamBroken)
    assert bench.health.under_way(bench.channels[1]) == 0


def test_another_credential_is_tried_before_another_channel() -> None:
    draw = Bench(one("a", A, B), one("b")).draw()
    presented = list[str]()

    for _ in range(3):
        found = chosen(draw)
        presented.append(f"{name_of(found)} {found.credential.secret}")
        draw.failed(found, failure(KEY, Scope.CREDENTIAL))

    assert presented == ["a a", "a b", "b a"]


def test_with_nobody_to_ask_there_is_no_channel() -> None:
    assert isinstance(Bench().draw().verdict(None), NoChannel)
