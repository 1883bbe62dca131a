from __future__ import annotations

from pathlib import Path

import pytest

from support.tree import findings

TREE = """\
version: 1
groups: {vip: {}}
models: {echo: {price: free}, "wild-*": {price: free}}
channels:
  - {name: main, provider: echo, models: [echo, "wild-*"], groups: [default, vip]}
"""


def warnings(folder: Path, rules: str) -> list[str]:
    found = findings(folder, {"gateway.yaml": TREE, "policies/rules.yaml": rules})
    return [f"{each.line}:{each.column} {str(each).partition(' ')[2]}" for each in found]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("- {name: a, when: user.group == 'vipp', deny: {}}",
         ['1:19 W217 there is no group "vipp" (did you mean "vip"?)']),
        ("- {name: a, when: \"not (token.group in ['vip', 'staff'])\", deny: {}}",
         ['1:19 W217 there is no group "staff"']),
        ("- {name: a, when: group != 'default' and model == 'ecko', deny: {}}",
         ['1:19 W217 there is no model "ecko" (did you mean "echo"?)']),
        ("- {name: a, rewrite: {model: nosuchmodel}}",
         ['1:30 W217 there is no model "nosuchmodel"']),
    ],
)  # fmt: skip
def test_what_a_rule_names_and_nothing_has_is_warned_of(tmp_path: Path, rules: str, expected: list[str]) -> None:
    assert warnings(tmp_path, rules) == expected


@pytest.mark.parametrize(
    "rules",
    [
        ["{name: a, when: model == 'wild-7' and user.group == 'vip', deny: {}}"],
        ["{name: a, when: model == 'best', rewrite: {model: echo}}", "{name: b, when: model != 'best', deny: {}}"],
        ["{name: a, when: model == 'best', rewrite: {model: fast}}",
         "{name: b, when: model == 'fast', rewrite: {model: echo}}"],
        ["{name: a, rewrite: {model: '{{ \"echo\" if model == \"fast\" else model }}'}}",
         "{name: b, when: model == 'fast', deny: {}}"],
        ["{name: a, when: \"model.startswith('my-')\", rewrite: {model: echo}}",
         "{name: b, when: model == 'my-1', deny: {}}"],
        ["{name: a, rewrite: {model: o3-mini-high}}"],
        ["{name: a, rewrite: {model: '{{ model | lower }}'}}", "{name: b, when: model == 'ECHO', deny: {}}"],
        ["{name: a, when: \"request.model == 'x' or model.startswith('ecko')\", deny: {}}"],
    ],
)  # fmt: skip
def test_what_rules_make_models_of_is_known(tmp_path: Path, rules: list[str]) -> None:
    assert warnings(tmp_path, "".join(f"- {rule}\n" for rule in rules)) == []


def test_where_something_is_broken_nothing_is_called_missing(tmp_path: Path) -> None:
    rules = "- {name: a, when: model == 'ecko', deny: {}}\n- {name: b, wehn: stream, deny: {}}"

    assert warnings(tmp_path, rules) == ['2:13 E301 unknown key "wehn" (did you mean "when"?)']
