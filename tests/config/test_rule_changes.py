from __future__ import annotations

import pytest

from clinx.config.rule_changes import Change, KeyChange, RuleChange, differences, is_reordered, rule_changes
from clinx.config.tree import Tree

LIMIT = "- {name: rate, limit: {requests: 60, per: 1m}}\n"
DENY = "- {name: no, when: model == 'a', deny: {}}\n"


def rules(text: str) -> Tree:
    files = {"policies/a.yaml": text.encode(), "policies/tests/a.yaml": b"- {name: not a rule}\n"}
    return Tree(None, files, (), is_builtin=False, commit=None, diagnostics=())


def test_rules_are_compared_by_name_and_key_by_key() -> None:
    changed = LIMIT.replace("60", "100").replace("per: 1m", "per: 1m, of: token")

    found = rule_changes(rules(LIMIT + DENY), rules(changed + "- {name: new, multiply: {price: '2'}}\n"))

    assert found == (
        RuleChange("new", Change.ADDED, "multiply"),
        RuleChange("no", Change.REMOVED, "deny"),
        RuleChange(
            "rate",
            Change.CHANGED,
            "limit",
            (KeyChange("limit.requests", "60", "100"), KeyChange("limit.of", None, "token")),
        ),
    )
    assert [each.is_limit for each in found] == [False, False, True]


def test_comments_and_spelling_change_nothing() -> None:
    assert rule_changes(rules(LIMIT), rules(f"# why\n{LIMIT.replace('60', '60 ')}")) == ()


def test_another_order_is_told_apart() -> None:
    assert is_reordered(rules(LIMIT + DENY), rules(DENY + LIMIT))
    assert not is_reordered(rules(LIMIT + DENY), rules("- {name: first, deny: {}}\n" + LIMIT + DENY))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}, [KeyChange("a.b", "[1]", "[1,2]")]),
        ({"a": 1}, {}, [KeyChange("a", "1", None)]),
        ({"a": "x" * 200}, {"a": ""}, [KeyChange("a", "x" * 120 + "…", "")]),
        ({"a": {"b": 1}}, {"a": True}, [KeyChange("a", '{"b":1}', "true")]),
    ],
)
def test_differences_are_as_deep_as_maps_go(old: object, new: object, expected: list[KeyChange]) -> None:
    assert list(differences(old, new)) == expected
