from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from clinx.config.tree import default_tree
from clinx.dialects.body import JsonBody
from clinx.domain.operation import Operation
from clinx.domain.steering import Steer, Strategy
from clinx.errors import InvalidRequest, ModelNotAllowed, PolicyRefused
from clinx.policies.judge import judge, may_take_long, visible
from clinx.policies.policy_set import NO_POLICIES
from clinx.policies.verdict import SILENT, HeaderChange, Verdict
from support.policies import compile_rules, facts


def judged(folder: Path, rules: str, body: dict[str, Any] | None = None, **changes: Any) -> Verdict:
    return judge(compile_rules(folder, rules), facts(body, **changes))


def names(verdict: Verdict) -> list[str]:
    return [rule.name for rule in verdict.rules]


def test_without_rules_or_without_one_that_matches_nothing_is_said(tmp_path: Path) -> None:
    assert judge(NO_POLICIES, facts()) is SILENT
    assert judged(tmp_path, "- {name: a, when: model == 'large', deny: {}}") is SILENT
    assert names(judged(tmp_path, "- {name: a, when: stream, deny: {}}")) == []


def test_the_first_deny_that_matches_ends_it(tmp_path: Path) -> None:
    verdict = judged(
        tmp_path,
        """
- {name: cheaper, multiply: {price: "0.5"}}
- {name: large-only, when: model == 'large', deny: {message: not this one}}
- {name: closed, when: now.weekday == 'thu', deny: {message: Closed on Thursdays.}}
- {name: never-met, deny: {}}
""",
    )

    assert names(verdict) == ["cheaper", "closed"]
    assert isinstance(verdict.refusal, PolicyRefused)
    assert (verdict.refusal.message, verdict.refused_by and verdict.refused_by.name) == (
        "Closed on Thursdays.",
        "closed",
    )


def test_a_deny_without_a_message_names_its_rule(tmp_path: Path) -> None:
    refusal = judged(tmp_path, "- {name: closed, deny: {}}").refusal

    assert refusal is not None
    assert refusal.message == "The rule 'closed' of this gateway refuses this request."


def test_later_rules_see_what_earlier_ones_made_of_the_request(tmp_path: Path) -> None:
    verdict = judged(
        tmp_path,
        """
- {name: large-before, when: model == 'large', deny: {}}
- name: rename
  when: model == 'small-high'
  rewrite: {model: large, set: {effort: '{{ model.rsplit("-", 1)[1] }}', was: '{{ model }}'}}
- {name: large-after, when: model == 'large' and request.effort == 'high', multiply: {price: "2"}}
- {name: again, when: model == 'large', rewrite: {model: small}}
- {name: large-too-late, when: model == 'large', deny: {}}
- {name: small-after, when: model == 'small', retry: {attempts: 1}}
""",
        model="small-high",
    )

    assert names(verdict) == ["rename", "large-after", "again", "small-after"]
    assert (verdict.model, verdict.factor, verdict.attempts) == ("small", 2, 1)
    assert verdict.changes == {"effort": b'"high"', "was": b'"small-high"'}
    assert verdict.is_rewritten


def test_a_name_that_comes_back_to_what_was_asked_for_is_no_rename(tmp_path: Path) -> None:
    verdict = judged(tmp_path, "- {name: a, rewrite: {model: large}}\n- {name: b, rewrite: {model: small}}")

    assert (verdict.model, verdict.is_rewritten) == (None, False)


@pytest.mark.parametrize(
    "model", ["'{{ request.missing }}'", "'{{ request.n }}'", "'{{ request.long }}'", "'{{ request.line }}'"]
)
def test_a_rename_to_what_is_no_name_is_left_out(tmp_path: Path, model: str) -> None:
    assert (
        judged(
            tmp_path, f"- {{name: a, rewrite: {{model: {model}}}}}", {"n": 1, "long": "x" * 201, "line": "a\nb"}
        ).model
        is None
    )


def test_what_rules_say_of_the_way_adds_up_and_the_last_word_counts(tmp_path: Path) -> None:
    verdict = judged(
        tmp_path,
        """
- {name: a, route: {require: [eu], prefer: [fast], strategy: in_order, channel: main}}
- {name: b, route: {require: [fast], avoid: [us], strategy: cheapest}}
- {name: c, retry: {attempts: 3}}
- {name: d, retry: {attempts: 2}}
- {name: e, multiply: {price: "0.5"}}
- {name: f, multiply: {price: "1.2"}}
""",
    )

    assert verdict.steer == Steer(
        require=frozenset({"eu", "fast"}),
        prefer=frozenset({"fast"}),
        avoid=frozenset({"us"}),
        pinned="main",
        strategy=Strategy.CHEAPEST,
    )
    assert (verdict.attempts, verdict.factor) == (2, Fraction(3, 5))
    assert verdict.factors == (("e", Fraction(1, 2)), ("f", Fraction(6, 5)))


def test_limits_budgets_and_guards_are_only_named(tmp_path: Path) -> None:
    verdict = judged(
        tmp_path,
        """
- {name: rate, limit: {requests: 60, per: 1m}}
- {name: cap, budget: {amount: "100", per: month}}
- {name: secrets, guard: {match: ['AKIA[0-9A-Z]{16}']}}
- {name: others, when: model == 'large', limit: {requests: 1, per: 1m}}
""",
    )

    assert [rule.name for rule in verdict.gated] == ["rate", "cap"]
    assert [rule.name for rule in verdict.guards] == ["secrets"]


def test_headers_of_several_rules_come_together_and_the_last_counts(tmp_path: Path) -> None:
    verdict = judged(
        tmp_path,
        """
- {name: a, rewrite: {headers: {set: {X-Team: a, X-Model: '{{ model }}'}, pass: [x-trace]}}}
- {name: b, rewrite: {headers: {set: {x-team: b}}, thinking_to_content: true}}
""",
        headers={"X-Trace": "t"},
    )

    assert sorted(verdict.headers, key=lambda each: each.name) == [
        HeaderChange("X-Model", "small"), HeaderChange("x-team", "b"), HeaderChange("x-trace", "t"),
    ]  # fmt: skip
    assert (verdict.thinking_to_content, verdict.is_rewritten) == (True, False)


def test_exchanges_with_the_same_key_stick_together_per_model_and_group(tmp_path: Path) -> None:
    rules = compile_rules(tmp_path, "- {name: a, affinity: {key: 'header[\"x-session\"] or token.id', ttl: 5m}}")

    def key(session: str | None = None, **changes: Any) -> str:
        stick = judge(rules, facts(headers={"X-Session": session} if session else {}, **changes)).stick
        assert stick is not None
        assert stick.ttl == 300
        return stick.key

    assert key("s1") == key("s1")
    assert len({key("s1"), key("s2"), key(), key("s1", model="large"), key("s1", group="vip")}) == 5
    assert "s1" not in key("s1")


def test_without_a_key_nothing_sticks(tmp_path: Path) -> None:
    assert judged(tmp_path, "- {name: a, affinity: {key: 'header[\"x-session\"]'}}").stick is None


def test_allow_is_checked_once_it_is_known_what_is_asked_for(tmp_path: Path) -> None:
    rules = """
- {name: only-small, when: user.group == 'default', allow: {models: ["sm*"]}}
- {name: alias, when: model == 'mini', rewrite: {model: small}}
- {name: office, allow: {networks: [10.0.0.0/8]}}
"""

    assert judged(tmp_path, rules, model="mini").refusal is None
    assert judged(tmp_path, rules, model="smart").refusal is None
    refused = judged(tmp_path, rules, model="large")
    assert isinstance(refused.refusal, ModelNotAllowed)
    assert refused.refused_by is not None
    assert refused.refused_by.name == "only-small"
    assert isinstance(judged(tmp_path, rules, address="8.8.8.8").refusal, PolicyRefused)


def test_lists_show_what_allow_leaves(tmp_path: Path) -> None:
    rules = compile_rules(
        tmp_path,
        """
- {name: a, when: user.name == 'alice', allow: {models: [small, large]}}
- {name: b, when: "model.startswith('l')", allow: {models: [other*, small]}}
- {name: c, when: user.name == 'bob', allow: {models: [small]}}
- {name: d, allow: {networks: [127.0.0.0/8]}}
""".replace("other*", '"s*"'),
    )

    assert visible(rules, facts(model=""), ("large", "other", "small")) == ("small",)
    assert visible(NO_POLICIES, facts(model=""), ("large", "small")) == ("large", "small")


def test_bytes_that_are_no_text_are_the_caller_s_fault(tmp_path: Path) -> None:
    rules = compile_rules(tmp_path, "- {name: a, when: request.user == 'x', deny: {}}")

    with pytest.raises(InvalidRequest):
        judge(rules, facts(body=JsonBody.parse(b'{"user": "\xff"}')))


KEPT = """
- {name: smaller, when: model == 'large', rewrite: {model: small, set: {a: 1}}}
- name: team
  when: model == 'small'
  rewrite: {model: other, thinking_to_content: true, headers: {set: {X-Team: '{{ model }}'}}}
- {name: only-large, when: "header['x-large']", allow: {models: [large]}}
"""


def test_of_a_question_about_an_answer_only_headers_change(tmp_path: Path) -> None:
    asked = facts(model="large", operation=Operation.STORED)

    verdict = judge(compile_rules(tmp_path, KEPT), asked, "small")

    assert names(verdict) == ["team"]
    assert verdict.headers == (HeaderChange("X-Team", "small"),)
    assert (verdict.changes, verdict.model, verdict.thinking_to_content) == ({}, "small", None)


def test_such_an_answer_passes_by_the_name_that_was_asked_for_or_served(tmp_path: Path) -> None:
    rules = compile_rules(tmp_path, KEPT)
    asked = facts(model="large", operation=Operation.STORED, headers={"x-large": "1"})

    passes = judge(rules, asked, "small")
    refused = judge(rules, structs.replace(asked, model="small"), "small")

    assert (passes.refusal, type(refused.refusal)) == (None, ModelNotAllowed)


def test_later_rules_are_found_by_what_earlier_ones_made_of_the_body(tmp_path: Path) -> None:
    verdict = judged(
        tmp_path,
        """
- {name: too-early, when: request.n == 2, deny: {}}
- {name: counts, when: request.n == 1, rewrite: {set: {n: 2, metadata.team: blue}, delete: [stop]}}
- {name: by-number, when: request.n == 2, retry: {attempts: 2}}
- {name: by-depth, when: request.metadata.team == 'blue', rewrite: {move: {metadata.team: user}}}
- {name: gone, when: request.stop is defined, deny: {}}
- {name: moved-away, when: request.metadata.team == 'blue', deny: {}}
- {name: moved-here, when: "request.user in ['blue', 'red']", multiply: {price: "2"}}
""",
        {"n": 1, "stop": "x"},
    )

    assert names(verdict) == ["counts", "by-number", "by-depth", "moved-here"]


def test_a_key_that_is_neither_text_nor_a_number_holds_nothing_together(tmp_path: Path) -> None:
    rules = "- {name: a, affinity: {key: request.who}}"

    assert judged(tmp_path, rules, {"who": 7}).stick is not None
    assert [judged(tmp_path, rules, {"who": who}).stick for who in ("", None, {}, ["x"])] == [None] * 4


@pytest.mark.parametrize(
    ("rules", "model", "expected"),
    [
        ("", "small", False),
        ("- {name: a, when: model == 'large', deny: {}}", "small", False),
        ("- {name: a, when: model == 'large', deny: {}}", "large", True),
        ("- {name: a, when: now.hour == 3, deny: {}}", "small", True),
        ("- {name: a, when: request.n == 3, deny: {}}", "small", True),
    ],
)
def test_judging_may_take_long_where_a_rule_may_be_tried(
    tmp_path: Path, rules: str, model: str, expected: bool
) -> None:
    assert may_take_long(compile_rules(tmp_path, rules), facts(model=model)) is expected


def test_no_template_reaches_a_caller_s_key(tmp_path: Path) -> None:
    rules = "- {name: a, rewrite: {set: {all: '{{ header }}', named: '{{ header[request.who] }}'}}}"

    verdict = judged(tmp_path, rules, {"who": "Authorization"}, headers={"Authorization": "Bearer x", "X-Trace": "t"})

    assert verdict.changes == {"all": b'{"X-Trace":"t"}'}


def uncommented(name: str) -> str:
    """The rules of a shipped file that are commented out there."""
    text = (default_tree() / "policies" / name).read_text()
    return "".join(line.removeprefix("# ") for line in text[text.index("# - name") :].splitlines(keepends=True))


@pytest.mark.parametrize(
    "body",
    [{"prompt": {"id": "pmpt_1"}}, {"cachedContent": "cachedContents/1"}, {"container": "container_1"}],
)
def test_the_example_refuses_what_a_vendor_keeps(tmp_path: Path, body: dict[str, Any]) -> None:
    refusal = judged(tmp_path, uncommented("60-kept-by-vendors.yaml"), body).refusal

    assert isinstance(refusal, PolicyRefused)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"input": [{"content": [{"type": "input_file", "file_id": "f"}]}]}, b'[{"content":[{"type":"input_file"}]}]'),
        ({"messages": [{"content": [{"file": {"file_id": "f"}}]}]}, b'[{"content":[{"file":{}}]}]'),
        ({"tools": [{"vector_store_ids": ["v"]}, {"container": "c"}]}, b'[{},{"container":"none"}]'),
        ({"tools": [{"container": {"type": "auto", "file_ids": ["f"]}}]}, b'[{"container":{"type":"auto"}}]'),
        (
            {"contents": [{"parts": [{"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1/f"}}]}]},
            b'[{"parts":[{"fileData":{"fileUri":"none"}}]}]',
        ),
    ],
)
def test_the_example_takes_out_what_is_named_further_down(tmp_path: Path, body: dict[str, Any], left: bytes) -> None:
    verdict = judged(tmp_path, uncommented("60-kept-by-vendors.yaml"), body)

    assert verdict.changes == {next(iter(body)): left}


def test_the_example_leaves_content_itself(tmp_path: Path) -> None:
    body = {"messages": [{"content": "f"}, {"content": [{"image_url": {"url": "data:,"}}]}], "prompt": "text"}

    verdict = judged(tmp_path, uncommented("60-kept-by-vendors.yaml"), body)

    assert (verdict.refusal, verdict.changes) == (None, {})
