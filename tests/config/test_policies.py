from __future__ import annotations

from pathlib import Path

import pytest

from clinx.config.compile import compile_tree
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.domain.operation import Operation
from clinx.domain.steering import Steer
from clinx.policies.rule import Allow, Deny, Stick
from clinx.relay.rehearsal import Case, rehearse
from clinx.relay.trials import try_tree
from support.policies import TREE
from support.tree import AT, compile_files, findings, resolver


def test_rules_are_tried_by_the_name_of_their_file_and_then_by_their_place(tmp_path: Path) -> None:
    files = {
        "gateway.yaml": TREE,
        "policies/b.yaml": "- {name: b1, deny: {}}\n- {name: b2, deny: {}}",
        "policies/a.yaml": "- {name: a1, deny: {}}",
        "policies/10-aliases.yaml": "- {name: mine, deny: {}}",
    }

    names = [rule.name for rule in compile_files(tmp_path, files).snapshot.policies.rules]

    assert names[0] == "mine"
    assert names[-3:] == ["a1", "b1", "b2"]
    assert "thinking-suffix" in names


def test_every_verb_compiles_to_its_value(tmp_path: Path) -> None:
    rules = """
- name: a
  allow: {models: [small, "l*"], operations: [chat], networks: [10.0.0.0/8], hours: 9:00-18:30, days: [mon, fri]}
- {name: b, deny: {message: no}}
- {name: c, route: {require: [eu], channel: main}}
- {name: d, affinity: {key: token.id}}
"""
    policies = compile_files(tmp_path, {"gateway.yaml": TREE, "policies/rules.yaml": rules}).snapshot.policies
    a, b, c, d = (rule.verb for rule in policies.rules[-4:])

    assert isinstance(a, Allow)
    assert (a.models, [each.matches("large") for each in a.patterns]) == ({"small"}, [True])
    assert (a.operations, a.hours, a.days) == ({Operation.CHAT}, (540, 1110), {"mon", "fri"})
    assert b == Deny("no")
    assert c == Steer(require=frozenset({"eu"}), pinned="main")
    assert isinstance(d, Stick)
    assert d.ttl == 3600


def test_a_file_whose_rules_are_all_commented_out_has_none(tmp_path: Path) -> None:
    files = {"gateway.yaml": TREE, "policies/rules.yaml": "# - {name: a}\n"}

    assert findings(tmp_path, files) == ()


@pytest.mark.parametrize(
    ("channel", "rule", "found"),
    [
        ("name: main, tags: [eu], weigth: 1", "require: [eu]", "E301"),
        ("name: main, tgas: [eu]", "require: [eu]", "E301"),
        ("nmae: main, tags: [eu]", "channel: main", "E301"),
        ("name: main, tags: [eu], weigth: 1", "require: [ue]", "E216 E301"),
    ],
)
def test_what_a_broken_channel_takes_along_is_no_fault_of_a_rule(
    tmp_path: Path, channel: str, rule: str, found: str
) -> None:
    text = f"version: 1\nmodels: {{m: {{price: free}}}}\nchannels: [{{provider: echo, models: [m], {channel}}}]\n"
    files = {"gateway.yaml": text, "policies/rules.yaml": f"- {{name: a, route: {{{rule}}}}}"}

    assert " ".join(sorted(each.code for each in findings(tmp_path, files))) == found


def test_the_same_rules_are_equal(tmp_path: Path) -> None:
    rule = """
- name: a
  when: model is match('^o[0-9]')
  rewrite:
    set: {user: '{{ user.name }}', tags: ['{{ model }}', {n: 1.50}]}
    replace: {"messages[*].content": {match: a+, text: b}}
- {name: b, affinity: {key: token.id}}
"""
    first, second, third = (
        compile_files(tmp_path / name, {"gateway.yaml": TREE, "policies/rules.yaml": text}).snapshot.policies
        for name, text in (("a", rule), ("b", rule), ("c", rule.replace("a+", "c+")))
    )

    assert first == second
    assert first != third


def test_the_shipped_rules_do_what_their_tests_say() -> None:
    tree = read_tree(None, default_tree())
    secrets = resolver(Path())
    snapshot = compile_tree(tree, secrets=secrets, dialects=DIALECTS, at=AT).snapshot

    trials = try_tree(snapshot, tree)

    assert trials.findings == ()
    assert len(trials.run) > 20


@pytest.mark.parametrize("exact", ["o3-high", "claude-x-thinking"])
def test_a_model_that_is_offered_under_its_full_name_is_left_alone(tmp_path: Path, exact: str) -> None:
    tree = TREE.replace("small", exact)

    snapshot = compile_files(tmp_path, {"gateway.yaml": tree}).snapshot

    rehearsal = rehearse(snapshot, Case(exact))
    assert (rehearsal.model, rehearsal.verdict.rules, rehearsal.refusal) == (exact, (), None)
