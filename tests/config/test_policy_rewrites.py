from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clinx.policies.judge import judge
from support.policies import compile_rules, facts


def rewritten(folder: Path, rewrite: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    verdict = judge(compile_rules(folder, f"- name: a\n  rewrite: {rewrite}\n"), facts(body))
    return {name: None if text is None else json.loads(text) for name, text in verdict.changes.items()}


@pytest.mark.parametrize(
    ("rewrite", "body", "expected"),
    [
        (
            "{set: {seed: 7, top_p: 0.5, stop: [a, ~], user: ~}}",
            {},
            {"seed": 7, "top_p": 0.5, "stop": ["a", None], "user": None},
        ),
        ("{set: {metadata.user_id: '{{ user.name }}@{{ token.id }}'}}", {}, {"metadata": {"user_id": "alice@70"}}),
        ("{set: {n: '{{ request.n + 1 }}', user: '{{ request.missing }}'}}", {"n": 1}, {"n": 2}),
        (
            "{set: {thinking: {type: enabled, budget: '{{ request.n * 2 }}'}}}",
            {"n": 4},
            {"thinking": {"type": "enabled", "budget": 8}},
        ),
        ("{default: {n: 1, seed: 2}}", {"n": 4}, {"seed": 2}),
        ("{delete: [n, metadata.user]}", {"n": 4, "metadata": {"user": 1, "x": 2}}, {"n": None, "metadata": {"x": 2}}),
        (
            "{move: {max_tokens: max_completion_tokens}}",
            {"max_tokens": 9},
            {"max_tokens": None, "max_completion_tokens": 9},
        ),
        ("{copy: {'messages[0].content': system}}", {"messages": [{"content": "x"}]}, {"system": "x"}),
        (
            "{prepend: {messages: {role: system, content: Be brief.}}}",
            {"messages": [1]},
            {"messages": [{"role": "system", "content": "Be brief."}, 1]},
        ),
        (
            "{append: {'messages[-1].content': ' Answer in {{ header[\"x-lang\"] or \"English\" }}.'}}",
            {"messages": [{"content": "Hi."}]},
            {"messages": [{"content": "Hi. Answer in English."}]},
        ),
        ("{trim: {user: {prefix: 'u-', space: true}}}", {"user": " u-1 "}, {"user": "1"}),
        (r"{replace: {user: {match: '(\d)(\d+)', text: '\2\1'}}}", {"user": "a123"}, {"user": "a231"}),
        ("{set: {a: 1}, delete: [a], move: {b: a}}", {"b": 2}, {"a": 1, "b": None}),
    ],
)
def test_what_a_rewrite_does_to_a_body(
    tmp_path: Path, rewrite: str, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert rewritten(tmp_path, rewrite, body) == expected


def test_caller_text_is_only_ever_a_value(tmp_path: Path) -> None:
    body = {"user": "{{ token.id }}", "name": "{% raw %}"}

    assert rewritten(tmp_path, "{set: {x: '{{ request.user }} {{ request.name }}'}}", body) == {
        "x": "{{ token.id }} {% raw %}"
    }


def test_a_rule_changes_headers_and_says_how_thoughts_are_told(tmp_path: Path) -> None:
    rules = compile_rules(
        tmp_path,
        """
- name: a
  rewrite:
    headers: {set: {X-Team: '{{ user.group }}'}, delete: [x-a], copy: {x-b: x-c}, pass: [anthropic-beta]}
    thinking_to_content: false
""",
    )

    verdict = judge(rules, facts(headers={"X-B": "b", "Anthropic-Beta": "beta"}))

    assert {each.name: each.value for each in verdict.headers} == {
        "X-Team": "default", "x-a": None, "x-c": "b", "anthropic-beta": "beta",
    }  # fmt: skip
    assert verdict.thinking_to_content is False
