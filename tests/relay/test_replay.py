from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from clinx.config.effects import Served
from clinx.domain.identity import Status, Token
from clinx.domain.request_log import Logged
from clinx.domain.usage import Usage
from clinx.relay.rehearsal import NOBODY
from clinx.relay.replay import ChannelShare, Reason, Replay, Replayed
from support.rehearsals import AFTER, BEFORE, served

NOON = 1767268800_000_000
CALL = Logged(
    id="req",
    at=NOON,
    dialect="openai_chat",
    operation="chat",
    outcome="ok",
    user_id=1,
    token_id=1,
    group="default",
    model="small",
    channel="one",
    stream=False,
    usage=Usage(input=1_000_000, output=500_000, call=1),
    charge=2_000_000_000,
    address="10.0.0.1",
)
USERS = {1: NOBODY, 2: NOBODY}
TOKENS = {2: Token(2, 2, "narrow", "", Status.ACTIVE, models=frozenset({"large"}))}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return served(tmp_path_factory.mktemp("before"), BEFORE)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return served(tmp_path_factory.mktemp("after"), AFTER)


def replayed(it: Served, *calls: Logged) -> Replayed:
    replay = Replay(it.tree, it.snapshot, USERS, TOKENS)
    replay.take(calls)
    return replay.report()


def costs(report: Replayed) -> tuple[int, int, int]:
    return (report.total.calls, report.total.before, report.total.after)


def test_traffic_through_the_tree_it_went_through_costs_what_it_cost(before: Served) -> None:
    calls = [replace(CALL, id=f"req-{n}") for n in range(4)]

    report = replayed(before, *calls)

    assert costs(report) == (4, 8_000_000_000, 8_000_000_000)
    assert report.channels == (ChannelShare("one", 4, 3), ChannelShare("two", 0, 1))
    assert (report.rerouted, report.admitted, report.left_out, report.refused) == (0, 0, 0, {})
    assert report.unjudged == 0


def test_usage_is_priced_by_the_candidate_with_the_factor_of_its_groups(after: Served) -> None:
    vip = replace(CALL, group="vip", charge=1_000_000_000)

    report = replayed(after, CALL, vip)

    assert report.groups["default"].after == 2_250_000_000
    assert report.groups["vip"].after == 900_000_000
    assert report.models["small"].calls == 2


def test_a_call_that_was_served_by_a_second_group_is_priced_there_still(before: Served, tmp_path: Path) -> None:
    tree = {**BEFORE, "gateway.yaml": BEFORE["gateway.yaml"].replace("[small], groups: [default, vip]", "[small]")}
    served_there = replace(CALL, group="auto", channel="two")

    report = replayed(served(tmp_path, tree), served_there)

    assert report.total.after == 2_000_000_000
    assert report.rerouted == 1


def test_refusals_are_told_by_reason_with_examples_and_cost_nothing(after: Served) -> None:
    calls = [replace(CALL, id=f"req-{n}", model="old") for n in range(5)]

    report = replayed(after, *calls, replace(CALL, id="narrow", token_id=2))

    assert costs(report) == (6, 12_000_000_000, 0)
    assert {key: (each.calls, each.examples) for key, each in report.refused.items()} == {
        Reason("model_not_allowed", "", "small", "default"): (1, ["narrow"]),
        Reason("model_not_found", "", "old", "default"): (5, ["req-0", "req-1", "req-2"]),
    }


def test_what_was_refused_before_is_counted_only_if_it_would_be_served(after: Served, before: Served) -> None:
    refused = replace(CALL, model="old", outcome="model_not_found", channel=None, charge=0, usage=Usage())

    assert replayed(after, refused).refused == {}
    assert replayed(after, refused).admitted == 0
    assert replayed(before, refused).admitted == 1


def test_a_rule_that_would_refuse_is_named(tmp_path: Path) -> None:
    rules = BEFORE["policies/rules.yaml"] + "- {name: no-small, when: model == 'small', deny: {}}\n"

    report = replayed(served(tmp_path, {**BEFORE, "policies/rules.yaml": rules}), CALL)

    assert set(report.refused) == {Reason("policy_refused", "no-small", "small", "default")}


@pytest.mark.parametrize(
    ("outcome", "rule", "rules", "counts"),
    [
        ("policy_refused", "nobody", "", (1, 0)),  # It is still there, and does not refuse this call any more.
        ("policy_refused", "gone", "", (1, 0)),
        ("policy_refused", None, "", (0, 1)),  # A row of before does not say which rule it was.
        ("policy_refused", "words", "- {name: words, guard: {match: [x], action: block}}\n", (0, 1)),
        ("policy_refused", "nobody", "- {name: loud, when: \"header['x']\", deny: {}}\n", (0, 1)),
        ("rate_limited", "rate", "", (0, 1)),
        ("rate_limited", "gone", "", (1, 0)),
        ("budget_spent", None, "", (0, 1)),  # The token's own.
        ("no_channel", None, "", (0, 1)),  # A channel was named, overridden, or at rest.
        ("permission_denied", None, "", (0, 1)),
        ("model_not_allowed", None, "", (1, 0)),
    ],
)
def test_what_was_refused_for_what_no_log_keeps_is_not_judged(
    tmp_path: Path, outcome: str, rule: str | None, rules: str, counts: tuple[int, int]
) -> None:
    tree = {**BEFORE, "policies/rules.yaml": BEFORE["policies/rules.yaml"] + rules}
    refused = replace(CALL, outcome=outcome, refused_by=rule, channel=None, charge=0, usage=Usage())

    report = replayed(served(tmp_path, tree), refused)

    assert (report.admitted, report.unjudged) == counts


def test_an_answer_that_a_guard_cut_short_is_priced(before: Served) -> None:
    report = replayed(before, replace(CALL, outcome="policy_refused", refused_by="words"))

    assert (report.total.after, report.admitted, report.unjudged) == (CALL.charge, 0, 0)


def test_rules_see_who_called_and_when(before: Served) -> None:
    night = replace(CALL, at=NOON - 9 * 3600 * 1_000_000)

    report = replayed(before, CALL, night, replace(CALL, model="small-high"))

    assert report.total.after == 2_000_000_000 + 1_000_000_000 + 2_000_000_000


@pytest.mark.parametrize("call", [replace(CALL, model=None), replace(CALL, group=None), replace(CALL, operation="")])
def test_rows_that_say_too_little_are_left_out(before: Served, call: Logged) -> None:
    report = replayed(before, call)

    assert report.left_out == 1
    assert costs(report) == (0, 0, 0)


def test_a_channel_that_is_no_first_choice_any_more_is_rerouted(after: Served) -> None:
    report = replayed(after, replace(CALL, channel="gone"))

    assert report.rerouted == 1
    assert report.channels[0] == ChannelShare("gone", 1, 0)


def test_shares_of_first_choices_are_exact_to_a_percent(after: Served) -> None:
    report = replayed(after, *[replace(CALL, group="vip")] * 100)

    assert report.channels == (ChannelShare("one", 100, 50), ChannelShare("three", 0, 17), ChannelShare("two", 0, 33))
