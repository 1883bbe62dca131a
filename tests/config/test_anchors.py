from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinx.config.conditions import POLICY_NAMES, compile_condition
from clinx.policies.draft import NOTHING, Draft
from clinx.policies.facts import Facts, reader, scope
from clinx.policies.rule import Anchor, Match
from support.policies import facts


def anchors(source: str) -> list[tuple[str, str, list[object]]]:
    found = compile_condition(source, POLICY_NAMES).anchors
    return [(".".join(each.path), each.match.value, sorted(each.values, key=str)) for each in found]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("model == 'a'", [("model", "exact", ["a"])]),
        ("'a' == model", [("model", "exact", ["a"])]),
        ("token.id == 7", [("token.id", "exact", [7])]),
        ("model in ['a', 'b']", [("model", "exact", ["a", "b"])]),
        ("user.name == 'a' and stream and group == 'b'", [("user.name", "exact", ["a"]), ("group", "exact", ["b"])]),
        ("token.tags.region == 'eu'", [("token.tags.region", "exact", ["eu"])]),
        ("header['x-a'] == 'b'", [("header.x-a", "exact", ["b"])]),
        ("model is match('^gpt-4')", [("model", "prefix", ["gpt-4"])]),
        (
            "model.startswith('a') and model.endswith(['b', 'c'])",
            [("model", "prefix", ["a"]), ("model", "suffix", ["b", "c"])],
        ),
        ("model == 'a' or model == 'b' or model in ['c']", [("model", "exact", ["a", "b", "c"])]),
        ("header['x-a']", [("header.x-a", "present", [])]),
        (
            "token.tags.team is defined and token.group",
            [("token.tags.team", "present", []), ("token.group", "present", [])],
        ),
        ("header['x-a'] or header['x-a'] is defined", [("header.x-a", "present", [])]),
        ("model.endswith('a') or model.endswith('b')", [("model", "suffix", ["a", "b"])]),
        ("request.n == 1", [("request.n", "exact", [1])]),
        ("request.temperature in [0.5, true]", [("request.temperature", "exact", [0.5, True])]),
        ("request['a b']['c'].d == 'x'", [("request.a b.c.d", "exact", ["x"])]),
        ("request.user.startswith('a')", [("request.user", "prefix", ["a"])]),
        ("request.user is match('a.c')", [("request.user", "prefix", ["a"])]),
        ("request.tools", [("request.tools", "present", [])]),
        ("request.n > 1", [("request.n", "present", [])]),
        ("1 < request.n", [("request.n", "present", [])]),
        ("request.n != 1", [("request.n", "present", [])]),
        ("1 != request.n", [("request.n", "present", [])]),
        ("request.n == request.m", [("request.n", "present", [])]),
        ("'a' in request.stop", [("request.stop", "present", [])]),
        ("request.user is search('^a')", [("request.user", "present", [])]),
        ("request.user is match('(a|b)')", [("request.user", "present", [])]),
        ("request.user.startswith(model)", [("request.user", "present", [])]),
        ("address is within('10.0.0.0/8')", [("address", "present", [])]),
        ("token.group", [("token.group", "present", [])]),
    ],
)
def test_what_must_be_so_is_read_off_a_condition(source: str, expected: object) -> None:
    assert anchors(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "model != 'a'",
        "not model == 'a'",
        "model not in ['a']",
        "model == group",
        "model in [group, 'a']",
        "model.startswith([group, 'a'])",
        "model.startswith('')",
        "model is search('^a')",
        "model is match('(a|b)')",
        "model == 'a' or group == 'a'",
        "model == 'a' or model.startswith('a')",
        "model == 'a' or stream",
        "now.hour == 9",
        "request == 'a'",
        "request.messages[0].role == 'user'",
        "request|length == 1",
        "request.n|default(1) == 1",
        "'a' not in request.stop",
        "1 < request.n < 3",
        "user.role",
        "model|lower == 'a'",
        "'a' in model",
        "1 < 2 == 2",
        "header['x-a'] is not defined",
        "not header['x-a']",
        "header[model]",
        "model == 'a' == 'b'",
        "header.missing[model] == 'a'",
        "true",
    ],
)
def test_what_is_not_certain_is_no_anchor(source: str) -> None:
    assert anchors(source) == []


TEXTS = st.sampled_from(["a", "b", "ab", "ba"])
TEXTUAL = st.sampled_from(["model", "group", "token.group", "address"])
OPEN = st.sampled_from(["request.x", "request['x']", "request.deep.y"])
SUBJECT = TEXTUAL | OPEN
COMPARED = st.sampled_from(["==", "!=", "<", ">=", "in", "not in"])
TEXT = st.sampled_from(["'a'", "'ab'", "['a', 'b']", "('ba', 'ab')"])
VALUE = TEXT | st.sampled_from(["1", "1.0", "true", "['a', 1]", "('ba', true)"])
ATOM = st.one_of(
    st.builds("{} {} {}".format, TEXTUAL, COMPARED, TEXT | SUBJECT),
    st.builds("{} {} {}".format, OPEN, COMPARED, VALUE | SUBJECT),
    st.builds("{} {} {}".format, TEXT, COMPARED, TEXTUAL),
    st.builds("{} {} {}".format, VALUE, COMPARED, OPEN),
    st.builds("{}.startswith(['{}', '{}'])".format, SUBJECT, TEXTS, TEXTS),
    st.builds("{}.endswith('{}')".format, SUBJECT, TEXTS),
    st.builds("{} is {}('^{}.?$')".format, SUBJECT, st.sampled_from(["match", "search"]), TEXTS),
    st.builds("{} is {}defined".format, SUBJECT, st.sampled_from(["", "not "])),
    SUBJECT,
)
PART = ATOM | st.builds("not {}".format, ATOM)
SOURCE = st.recursive(PART, lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner))
HELD = st.none() | st.booleans() | st.sampled_from([1, 1.0, 2]) | TEXTS | st.lists(TEXTS, max_size=1)
BODIES = st.fixed_dictionaries({}, optional={"x": HELD, "deep": HELD | st.fixed_dictionaries({}, optional={"y": HELD})})


@settings(max_examples=400, deadline=None)
@given(SOURCE, TEXTS, BODIES, st.none() | TEXTS)
def test_wherever_a_condition_holds_its_anchors_do(
    source: str, model: str, body: dict[str, object], own: str | None
) -> None:
    condition = compile_condition(source, POLICY_NAMES)
    seen = facts(body, token=replace(facts().token, group=own), address=own)
    draft = Draft(seen.body)

    if condition(scope(seen, model, draft)):
        assert all(_holds(anchor, _value(anchor, seen, model, draft)) for anchor in condition.anchors)


def _value(anchor: Anchor, seen: Facts, model: str, draft: Draft) -> object:
    read = reader(anchor.path)
    assert read is not None
    return read(seen, model, draft)


def _holds(anchor: Anchor, value: object) -> bool:
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
