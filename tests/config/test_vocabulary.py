from __future__ import annotations

import pytest

from clinx.config.conditions import POLICY_NAMES, ConditionError, compile_condition
from clinx.config.vocabulary import KINDS
from clinx.dialects.body import JsonBody
from clinx.policies.draft import Draft
from clinx.policies.facts import scope
from support.policies import facts


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("user.grp == 'vip'", 'user has no field "grp"', 'did you mean "group"?'),
        ("not user.isadmin", 'user has no field "isadmin"', "known: id, name, group, role"),
        ("user['nam'] is defined", 'user has no field "nam"', 'did you mean "name"?'),
        ("user[0]", 'user has no field "0"', "known: id, name, group, role"),
        ("now.hr in range(0, 6)", 'now has no field "hr"', 'did you mean "hour"?'),
        ("token.tag.region", 'token has no field "tag"', 'did you mean "tags"?'),
        ("'x' ~ token.scope", 'token has no field "scope"', "known: id, name, group, tags"),
        ("model.upper().foo", 'this is text and has no field "foo"', None),
        ("model.lower == 'x'", 'model is text and has no field "lower"', "call it: .lower(…)"),
        ("token.tags.region.name", 'token.tags.region is text and has no field "name"', None),
        ("model.split('-').first", 'this is a list and has no field "first"', None),
        ("user.nam.lower() == 'x'", 'user has no field "nam"', 'did you mean "name"?'),
    ],
)
def test_a_field_that_is_nowhere_is_refused(source: str, message: str, hint: str | None) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition(source, POLICY_NAMES)

    assert (str(caught.value), caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("operation == 'chatt'", 'operation is never "chatt"', 'did you mean "chat"?'),
        ("dialect != 'openai'", 'dialect is never "openai"', 'did you mean "openai_chat"?'),
        ("now.weekday in ['mon', 'tuesday']", 'now.weekday is never "tuesday"', 'did you mean "tue"?'),
        ("'rot' == user.role", 'user.role is never "rot"', 'did you mean "root"?'),
        ("now.hour == 24", "now.hour is never 24", "it is from 0 to 23"),
        ("now.hour > '5'", 'now.hour is a number, and never compares with "5"', "without quotes: 5"),
        ("3 < now.hour < '5'", 'now.hour is a number, and never compares with "5"', "without quotes: 5"),
        ("now.weekday in range(1, 6)", "now.weekday is text, and never compares with 1", None),
        ("token.tags.floor == 3", "token.tags.floor is text, and never compares with 3", "in quotes: '3'"),
        ("model|length == '3'", 'this is a number, and never compares with "3"', "without quotes: 3"),
        ("stream == 'true'", 'stream is true or false, and never compares with "true"',
         "a flag needs no comparison: name it, or say not"),
    ],
)  # fmt: skip
def test_a_comparison_that_is_always_the_same_is_refused(source: str, message: str, hint: str | None) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition(source, POLICY_NAMES)

    assert (str(caught.value), caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    "source",
    [
        "request.anything.at[0].all == 7",
        "token.tags.whatever == 'x' and header['x-any'] != 'y'",
        "user[request.x] == 1",
        "(user.group or 'x') == 'y'",
        "operation.upper() == 'CHAT'",
        "token.group != none",
        "stream == true and now.hour >= 23.5 and 'mon' in now.weekday",
        "model.split('-')[0] == 'o3' and model in offered",
        "'a' == 'b'",
    ],
)
def test_what_is_not_known_is_not_refused(source: str) -> None:
    compile_condition(source, POLICY_NAMES)


def test_the_kinds_are_those_of_what_rules_see() -> None:
    seen = facts({})
    held = scope(seen, "small", Draft(JsonBody.parse(b"{}")))

    assert KINDS.keys() | {"request"} == POLICY_NAMES
    for name in ("user", "now"):
        fields = held[name]
        assert isinstance(fields, dict)
        assert KINDS[name].fields.keys() == fields.keys()
        assert all(type(value) in KINDS[name].fields[key].holds for key, value in fields.items())
    assert held["dialect"] in KINDS["dialect"].values
    assert held["operation"] in KINDS["operation"].values


def test_a_long_chain_of_alternatives_takes_no_stack() -> None:
    source = " or ".join(["model == 'x'"] * 120)

    assert len(compile_condition(source, POLICY_NAMES).names) == 120
