from __future__ import annotations

from typing import Any

import pytest

from clinx.config.conditions import compile_condition
from clinx.config.expressions import ConditionError
from clinx.config.operations import LONGEST, MISSING
from clinx.dialects.body import JsonBody
from clinx.policies.draft import Draft
from clinx.policies.facts import Members

NAMES = frozenset({"a", "b"})


def value(source: str, **facts: Any) -> Any:
    return compile_condition(source, NAMES).evaluate(facts)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a or b", "b"),
        ("a and b", ""),
        ("b and 7", 7),
        ("a or 0", 0),
        ("b if a else 'x'", "x"),
        ("[b, 1]", ["b", 1]),
        ("-3", -3),
        ("b ~ 1", "b1"),
    ],
)
def test_an_expression_has_a_value(source: str, expected: object) -> None:
    assert value(source, a="", b="b") == expected


def test_methods_are_for_text_of_bounded_length() -> None:
    assert value("a.upper()", a="x" * LONGEST) == "X" * LONGEST
    assert value("a.upper()", a="x" * (LONGEST + 1)) is MISSING
    assert value("a.upper()", a=["x"]) is MISSING
    assert value("a.upper()") is MISSING


def test_patterns_are_for_what_can_be_written() -> None:
    assert value("a is search('x')", a="axb") is True
    assert value("a is search('x')", a="\udcff") is False
    assert value("a is match('x')", a="xb") is True


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("a is mach('x')", 'unknown test "mach"', 'did you mean "match"?'),
        ("a|lowr", 'unknown filter "lowr"', 'did you mean "lower"?'),
        ("a|lower(1)", 'the filter "lower" takes no arguments', None),
        ("a|default", 'the filter "default" takes 1 argument', None),
        ("a.startwith('x')", 'unknown method "startwith"', 'did you mean "startswith"?'),
        ("a.replace('x')", "wrong arguments of .replace(…)", None),
        ("a == range(3)", "range(…) belongs after in", None),
        ("a in range('x')", "range(…) takes one to three whole numbers", None),
        ("a is within('x')", "not an address range", None),
        ("'a' + b", "arithmetic is for numbers", "text is joined with ~"),
        ("a if b", '"if" needs an "else" here', None),
        ("a ** 2", "pow is not allowed here", None),
    ],
)  # fmt: skip
def test_what_is_not_of_the_language_says_what_was_meant(source: str, message: str, hint: str | None) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition(source, NAMES)

    assert str(caught.value).startswith(message)
    if hint is not None:
        assert caught.value.hint == hint


@pytest.mark.parametrize("source", ["a.x is defined", "a['x'] is defined"])
def test_to_see_whether_something_is_defined_it_is_not_looked_at(source: str) -> None:
    members = Members(Draft(JsonBody.parse(b'{"x": "\xff"}')))

    assert value(source, a=members) is True
    assert value(source, a={"x": None}) is True
    assert value(source, a=["x"]) is False
    assert value(source, a="x") is False
    assert value(source) is False


@pytest.mark.parametrize(
    "source", ['header["Authorization"]', "header.cookie", 'header["x-api-key"] is defined', "'x' ~ header['x-jwt']"]
)
def test_a_header_that_may_hold_a_credential_is_not_read(source: str) -> None:
    with pytest.raises(ConditionError, match=r'header "[\w-]+" may hold a credential'):
        compile_condition(source, NAMES | {"header"})
