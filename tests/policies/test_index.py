from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinx.dialects.body import JsonBody
from clinx.policies.draft import NOTHING, Draft
from clinx.policies.facts import MODEL, Facts, reader
from clinx.policies.index import Index
from clinx.policies.rule import Anchor, Deny, Match, Rule
from support.policies import compile_rules, facts

RULES = """\
- {name: loose, when: stream, deny: {}}
- {name: by-model, when: "model == 'small' and stream", deny: {}}
- {name: by-prefix, when: "model is match('^o[0-9]')", deny: {}}
- {name: by-suffix, when: "model.endswith(['-high', '-low'])", deny: {}}
- {name: by-token, when: "model == 'small' and token.name == 'laptop'", deny: {}}
- {name: by-tag, when: "token.tags.region in ['eu', 'us']", deny: {}}
- {name: by-either, when: "model == 'a' or model == 'b'", deny: {}}
- {name: loose-either, when: "model == 'a' or group == 'b'", deny: {}}
- {name: by-header, when: "header['x-team'] == 'blue'", deny: {}}
- {name: by-member, when: "request.metadata.team == 'blue' and operation == 'chat'", deny: {}}
- {name: by-number, when: "request.n in [1, 2]", deny: {}}
- {name: by-presence, when: "request.tools and stream", deny: {}}
- {name: always, deny: {}}
"""


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"model": "zebra"}, ["by-token", "by-tag"]),
        ({"model": "small"}, ["by-model", "by-token", "by-tag"]),
        ({"model": "o3-high"}, ["by-prefix", "by-suffix", "by-token", "by-tag"]),
        ({"model": "b", "headers": {"X-Team": "blue"}}, ["by-token", "by-tag", "by-either", "by-header"]),
        ({"model": ""}, ["by-token", "by-tag"]),
        (
            {"body": {"n": 1.0, "metadata": {"team": "blue"}}},
            ["by-model", "by-token", "by-tag", "by-member", "by-number"],
        ),
        ({"body": {"n": [1], "tools": None}}, ["by-model", "by-token", "by-tag", "by-presence"]),
    ],
)
def test_an_exchange_meets_the_rules_that_may_concern_it_in_order(
    tmp_path: Path, changes: dict[str, object], names: list[str]
) -> None:
    policies = compile_rules(tmp_path, RULES)
    seen = facts(**changes)  # pyright: ignore[reportArgumentType]  (of many types)

    found = [policies.rules[at].name for at in policies.index.find(seen, seen.model, Draft(seen.body))]

    loose = {"loose", "loose-either", "always"}
    expected = {*names, *loose}
    assert found == [rule.name for rule in policies.rules if rule.name in expected]


def test_a_call_looks_at_none_of_many_rules_that_are_for_others(tmp_path: Path) -> None:
    tests = ("token.name == 'c{}'", "model is match('^vendor-{}-') and stream", "user.group == 'g{}' and now.hour < 6")
    rules = (f'- {{name: r{n}, when: "{tests[n % 3].format(n)}", deny: {{}}}}' for n in range(200))
    policies = compile_rules(tmp_path, "\n".join(rules))

    assert list(policies.index.find(facts(), "small", Draft(facts().body))) == []


def test_of_the_body_only_what_rules_are_found_by_is_decoded(tmp_path: Path) -> None:
    policies = compile_rules(
        tmp_path,
        """
- {name: a, when: request.n == 1, deny: {}}
- {name: b, when: request.broken is defined, deny: {}}
- {name: c, when: model == 'large' and request.broken == 'x', deny: {}}
""",
    )
    seen = facts(JsonBody.parse(b'{"n": 1, "broken": "\xff", "messages": "\xff"}'))

    assert list(policies.index.find(seen, "small", Draft(seen.body))) == [0, 1]


def test_a_member_that_is_no_text_finds_every_rule_that_tests_it(tmp_path: Path) -> None:
    policies = compile_rules(tmp_path, "- {name: a, when: request.broken == 'x', deny: {}}\n- {name: b, deny: {}}")
    seen = facts(JsonBody.parse(b'{"broken": "\xff"}'))

    assert list(policies.index.find(seen, "small", Draft(seen.body))) == [0, 1]


def test_after_a_change_only_what_tests_it_is_looked_up(tmp_path: Path) -> None:
    policies = compile_rules(
        tmp_path,
        """
- {name: a, when: request.n == 1, deny: {}}
- {name: b, when: request.m.x == 1, deny: {}}
- {name: c, when: model == 'small', deny: {}}
""",
    )
    seen = facts({"n": 1, "m": {"x": 1}})
    draft, index = Draft(seen.body), policies.index

    assert list(index.find_anew(seen, "small", draft, [("request", "m"), ("request", "other")])) == [1]
    assert list(index.find_anew(seen, "small", draft, [MODEL])) == [2]


def test_rules_that_test_nothing_in_common_are_all_loose() -> None:
    index = Index.build([Rule("a", Deny(), "deny"), Rule("b", Deny(), "deny")])

    assert (index.loose, index.shelves) == ((0, 1), ())


def test_an_anchor_that_nothing_reads_is_a_defect() -> None:
    unread = Anchor(("now", "hour"), Match.EXACT, frozenset({9}))
    always_there = Anchor(("model",), Match.PRESENT, frozenset())

    with pytest.raises(ValueError, match=r"now\.hour"):
        Index.build([Rule("a", Deny(), "deny", anchors=(unread,))])
    with pytest.raises(ValueError, match="model"):
        Index.build([Rule("a", Deny(), "deny", anchors=(always_there,))])


TEXT = st.text("ab-", max_size=4)
HELD = st.none() | st.booleans() | st.sampled_from([1, 1.0, 2.5]) | TEXT | st.lists(TEXT, max_size=1)
ANCHOR = st.builds(
    Anchor,
    st.sampled_from([("request", "x"), ("request", "deep", "y")]),
    st.sampled_from(list(Match)),
    st.frozensets(TEXT.filter(bool), min_size=1, max_size=3),
) | st.builds(
    Anchor,
    st.sampled_from([("request", "x"), ("request", "deep", "y"), ("model",)]),
    st.just(Match.EXACT),
    st.frozensets(TEXT | st.sampled_from([True, False, 1, 1.0, 2.5]), min_size=1, max_size=3),
)
BODIES = st.fixed_dictionaries({}, optional={"x": HELD, "deep": HELD | st.fixed_dictionaries({}, optional={"y": HELD})})


@settings(max_examples=200, deadline=None)
@given(st.lists(ANCHOR, max_size=6), TEXT, BODIES)
def test_no_rule_whose_anchor_holds_is_ever_missed(anchors: list[Anchor], model: str, body: dict[str, object]) -> None:
    index = Index.build([Rule(str(n), Deny(), "deny", anchors=(each,)) for n, each in enumerate(anchors)])
    seen = facts(body, model=model)
    draft = Draft(seen.body)

    found = list(index.find(seen, model, draft))

    assert found == [n for n, anchor in enumerate(anchors) if _holds(anchor, seen, draft)]


def _holds(anchor: Anchor, seen: Facts, draft: Draft) -> bool:
    read = reader(anchor.path)
    assert read is not None
    value = read(seen, seen.model, draft)
    texts = tuple(str(each) for each in anchor.values)
    match anchor.match:
        case Match.EXACT:
            return not isinstance(value, list | dict) and value in anchor.values
        case Match.PREFIX:
            return isinstance(value, str) and value.startswith(texts)
        case Match.SUFFIX:
            return isinstance(value, str) and value.endswith(texts)
        case Match.PRESENT:
            return value is not NOTHING
