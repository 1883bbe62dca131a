from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clinx.config.effects import Served
from clinx.relay.trials import try_tree, verify
from support.gateway import running_gateway
from support.rehearsals import BEFORE, served


@pytest.fixture(scope="module")
def untested(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return served(tmp_path_factory.mktemp("tree"), BEFORE)


def findings(it: Served, tests: str) -> list[str]:
    tree = replace(it.tree, files={**it.tree.files, "policies/tests/t.yaml": tests.encode()})
    return [str(each) for each in verify(it.snapshot, tree)]


def test_all_that_can_be_expected_is_compared_and_a_good_test_says_nothing(tmp_path: Path) -> None:
    it = served(
        tmp_path,
        {
            **BEFORE,
            "policies/tests/t.yaml": """\
- name: everything
  given:
    model: small-high
    user: {name: ann, group: vip}
    token: {group: default, tags: {team: a}}
    operation: chat
    dialect: openai_chat
    stream: true
    body: {temperature: 0.5, nested: {a: 1, b: 2}}
    header: {X-Session: s}
    address: 10.0.0.1
    now: 2026-01-01T03:00
  expect:
    model: small
    body: {effort: high, stream: true, nested: {b: 2}, temperature: 0.5, absent: ~}
    headers: {x-other: ~}
    channels: [one, two]
    group: default
    price: {input: "0.001", cache_read: "0.001", per: 1k}
    factor: "0.5"
    rules: [effort, rate, night]
    limits: [rate]
- given: {model: small, user: {name: mallory}}
  expect: {refused: policy_refused}
""",
        },
    )

    trials = try_tree(it.snapshot, it.tree)

    assert [str(each) for each in trials.findings] == []
    assert [(trial.test.title, trial.is_good) for trial in trials.run] == [
        ("everything", True),
        ("policies/tests/t.yaml:23", True),
    ]


@pytest.mark.parametrize(
    ("test", "place", "finding"),
    [
        ("given: {model: small}, expect: {model: large}", "large", 'E601 "model": expected large, got small'),
        (
            "given: {model: small-low}, expect: {body: {effort: high}}",
            "high",
            'E601 "body.effort": expected high, got low',
        ),
        (
            "given: {model: small}, expect: {channels: [one, tow]}",
            "[one",
            'E601 "channels": expected ["one","tow"], got ["one","two"] (did you mean "two"?)',
        ),
        (
            'given: {model: small}, expect: {price: {input: "9"}}',
            '"9"',
            'E601 "price.input": expected 9, got 1',
        ),
        (
            'given: {model: old}, expect: {price: {input: "9"}}',
            '"9"',
            'E601 "price.input": expected 9, got nothing',
        ),
        ('given: {model: small}, expect: {factor: "0.5"}', '"0.5"', 'E601 "factor": expected 0.5, got 1'),
        (
            "given: {model: small}, expect: {rules: [rte]}",
            "[rte",
            'E601 "rules": expected ["rte"], got ["rate"] (did you mean "rate"?)',
        ),
        (
            "given: {model: small}, expect: {refused: policy_refuse}",
            "policy",
            'E601 "refused": expected policy_refuse, got nothing (did you mean "policy_refused"?)',
        ),
        (
            "given: {model: small, user: {name: mallory}}, expect: {}",
            "{model",
            "E601 refused: policy_refused: not you",
        ),
        (
            "given: {model: small, operation: caht}, expect: {}",
            "caht",
            'E303 "operation": nobody can ask for "caht" (did you mean "chat"?)',
        ),
        (
            "given: {model: small, dialect: openai_caht}, expect: {}",
            "openai",
            'E204 no "chat" in "openai_caht" (did you mean "openai_chat"?)',
        ),
    ],
)
def test_a_difference_is_found_where_it_was_expected(untested: Served, test: str, place: str, finding: str) -> None:
    line = f"- {{{test}}}"

    assert findings(untested, f"{line}\n") == [f"policies/tests/t.yaml:1:{line.index(place) + 1} {finding}"]


def test_a_tree_without_the_model_fails_only_whoever_asks_about_its_way(untested: Served) -> None:
    rules = "- {given: {model: other}, expect: {model: other, rules: [rate]}}\n"
    way = "- {given: {model: other}, expect: {channels: [one]}}\n"

    assert findings(untested, rules) == []
    assert [each.partition(" ")[2][:29] for each in findings(untested, way)] == [
        "E601 refused: model_not_found",
        'E601 "channels": expected ["o',
    ]


def test_a_file_of_tests_that_cannot_be_read_is_a_finding(untested: Served) -> None:
    assert findings(untested, "- {given: {modle: small}, expect: {}}\n") == [
        'policies/tests/t.yaml:1:12 E301 unknown key "modle" (did you mean "model"?)',
    ]


async def test_a_reload_whose_tests_fail_changes_nothing_and_says_which(tmp_path: Path) -> None:
    good = "- {given: {model: small}, expect: {model: small}}\n"
    async with running_gateway(tmp_path, {**BEFORE, "policies/tests/t.yaml": good}, watch=False) as gateway:
        revision = gateway.gateway.current.generation.snapshot.revision.id
        gateway.write("policies/tests/t.yaml", good.replace("expect: {model: small}", "expect: {model: large}"))

        assert not await gateway.gateway.reloader.reload()
        assert [str(each) for each in gateway.gateway.current.state.diagnostics] == [
            'policies/tests/t.yaml:1:43 E601 "model": expected large, got small'
        ]
        assert gateway.gateway.current.generation.snapshot.revision.id == revision

        gateway.write("policies/tests/t.yaml", f"# as it was\n{good}")
        assert await gateway.gateway.reloader.reload()
