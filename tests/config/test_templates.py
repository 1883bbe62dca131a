from __future__ import annotations

from typing import Any

import pytest
from multidict import CIMultiDict

from clinx.config.conditions import POLICY_NAMES, ConditionError
from clinx.config.document import parse
from clinx.config.nodes import Node
from clinx.config.templates import MAX_LENGTH, compile_template, compile_value
from clinx.policies.draft import NOTHING
from clinx.policies.facts import Offered

FACTS: dict[str, Any] = {
    "model": "o3-high",
    "user": {"name": "alice"},
    "request": {"n": 2, "list": [1, "a"], "none": None, "flag": True},
    "offered": Offered(lambda _: True),
    "header": CIMultiDict({"A": "a\udcff"}),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("line\n", "line\n"),
        ("{{ request.n }}", 2),
        ("{{ request.list }}", [1, "a"]),
        ("{{ request.none }}", None),
        ("{{ request.n }} of {{ user.name }}", "2 of alice"),
        ("{{ request.flag }}!", "true!"),
        ("{{ '}}' }}", "}}"),
        ("{% raw %}{# not a comment #}", "{% raw %}{# not a comment #}"),
        ("{{ request.n }}{% raw %}{# not a comment #}", "2{% raw %}{# not a comment #}"),
        ('{{ model.rsplit("-", 1)[0] }}', "o3"),
        ("{{ request.missing }}", NOTHING),
        ("x {{ request.missing }}", NOTHING),
        ("x {{ request.list }}", NOTHING),
    ],
)
def test_a_text_is_worked_out(text: str, value: object) -> None:
    assert compile_template(text, POLICY_NAMES)(FACTS) == value


@pytest.mark.parametrize(
    "text",
    [
        "{{ modle }}",
        "{{ user.nam }}",
        "{{ model = 1 }}",
        "{{ }}",
        "{{ model",
        "{{ model() }}",
        "x" * (MAX_LENGTH + 1),
        "{{ " + "(" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused_at_load(text: str) -> None:
    with pytest.raises(ConditionError):
        compile_template(text, POLICY_NAMES)


def node(text: str) -> Node:
    root = parse("a.yaml", text.encode()).root
    assert root is not None
    return root.map["v"]


def value(text: str) -> object:
    refused: list[str] = []
    found = compile_value(node(text), POLICY_NAMES, lambda _, error: refused.append(str(error)))
    assert refused == []
    return found(FACTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v: 1.50", 1.5),
        ("v: ~", None),
        ("v: {a: ['{{ request.n }}', x], b: {c: true}}", {"a": [2, "x"], "b": {"c": True}}),
        ("v: {a: '{{ request.missing }}'}", NOTHING),
        ("v: [1, '{{ request.missing }}']", NOTHING),
        ("v: '{{ user }}'", {"name": "alice"}),
        ("v: '{{ offered }}'", NOTHING),
        ("v: '{{ [request.n, [offered]] }}'", NOTHING),
        ("v: '{{ [request.missing] }}'", NOTHING),
        ("v: '{{ [header, header.a] }}'", [{"A": "a?"}, "a?"]),
    ],
)
def test_a_value_has_templates_at_any_depth(text: str, expected: object) -> None:
    assert value(text) == expected


def test_what_is_no_text_becomes_some() -> None:
    found = compile_value(node("v: 'x {{ address }}'"), POLICY_NAMES, lambda _, error: pytest.fail(str(error)))

    assert found({"address": "a\udcffä"}) == "x a?ä"


def test_what_is_nested_too_deeply_is_left_out() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    found = compile_value(node("v: '{{ request.deep }}'"), POLICY_NAMES, lambda _, error: pytest.fail(str(error)))

    assert found({"request": {"deep": deep}}) is NOTHING


def test_what_is_wrong_is_told_with_where_it_stands() -> None:
    refused: list[tuple[int, str]] = []

    compile_value(
        node("v:\n  a: [x,\n    '{{ modle }}']"),
        POLICY_NAMES,
        lambda where, error: refused.append((where.mark.line, str(error))),
    )

    assert refused == [(3, 'unknown name "modle"')]


def test_values_are_the_same_when_they_were_written_the_same() -> None:
    first, second = (compile_template("{{ model }}", POLICY_NAMES) for _ in range(2))

    assert first == second
    assert first != compile_template("{{ model }} ", POLICY_NAMES)
