from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.body import JsonBody
from clinx.policies.draft import NOTHING, Draft
from clinx.policies.edits import MOST_ADDED, Add, Delete, Edit, Replace, SetTo, Transfer, Trim, apply_edits
from clinx.policies.path import parse_path

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " hi "}],
    "metadata": {"user": "u1"},
    "stop": ["a"],
    "top_p": None,
}


def changed(*edits: Edit, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make the edits; return the members that are not as they were, `None` where one is gone."""
    draft = Draft(JsonBody.parse(json.dumps(body or BODY).encode()))
    apply_edits(edits, draft, {"name": "alice"})
    return {name: None if text is None else json.loads(text) for name, text in draft.changes().items()}


def to(path: str, value: object, **more: Any) -> SetTo:
    return SetTo(parse_path(path), lambda _: value, **more)


def add(path: str, value: object, *, front: bool = False) -> Add:
    return Add(parse_path(path), lambda _: value, front)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (to("seed", 7), {"seed": 7}),
        (to("metadata.tags.first", [1]), {"metadata": {"user": "u1", "tags": {"first": [1]}}}),
        (to("messages[-1].content", "bye"), {"messages": [BODY["messages"][0], {"role": "user", "content": "bye"}]}),
        (to("stop", "x", if_absent=True), {}),
        (to("top_p", 1, if_absent=True), {"top_p": 1}),
        (to("messages[7].content", "bye"), {}),
        (to("model.deeper", 1), {}),
        (to("seed", NOTHING), {}),
        (Delete(parse_path("stop")), {"stop": None}),
        (Delete(parse_path("metadata.user")), {"metadata": {}}),
        (Delete(parse_path("messages[*].role")), {"messages": [{"content": "Be brief."}, {"content": " hi "}]}),
        (Delete(parse_path("messages[*]")), {"messages": []}),
        (Delete(parse_path("missing.deeper")), {}),
        (Transfer(parse_path("metadata.user"), parse_path("user"), moves=False), {"user": "u1"}),
        (Transfer(parse_path("metadata.user"), parse_path("user"), moves=True), {"user": "u1", "metadata": {}}),
        (
            Transfer(parse_path("stop"), parse_path("metadata.stop"), moves=True),
            {"stop": None, "metadata": {"user": "u1", "stop": ["a"]}},
        ),
        (Transfer(parse_path("missing"), parse_path("user"), moves=True), {}),
        (Transfer(parse_path("metadata.user"), parse_path("model.deeper"), moves=True), {}),
        (
            Transfer(parse_path("metadata"), parse_path("metadata.user"), moves=True),
            {"metadata": {"user": {"user": "u1"}}},
        ),
        (Transfer(parse_path("metadata.user"), parse_path("metadata"), moves=True), {"metadata": "u1"}),
        (add("stop", "b"), {"stop": ["a", "b"]}),
        (add("stop", "b", front=True), {"stop": ["b", "a"]}),
        (add("metadata.user", "-eu"), {"metadata": {"user": "u1-eu"}}),
        (
            add("messages[0].content", "Note: ", front=True),
            {"messages": [{"role": "system", "content": "Note: Be brief."}, BODY["messages"][1]]},
        ),
        (add("tools", {"type": "web"}), {"tools": [{"type": "web"}]}),
        (add("suffix", "text"), {"suffix": "text"}),
        (add("metadata", "text"), {}),
        (
            Trim(parse_path("messages[*].content"), space=True),
            {"messages": [BODY["messages"][0], {"role": "user", "content": "hi"}]},
        ),
        (
            Trim(parse_path("messages[0].content"), prefix="Be ", suffix="."),
            {"messages": [{"role": "system", "content": "brief"}, BODY["messages"][1]]},
        ),
        (Trim(parse_path("stop"), prefix="a"), {}),
        (Replace(parse_path("metadata.user"), lambda text: text.replace("u", "U")), {"metadata": {"user": "U1"}}),
        (Replace(parse_path("metadata.user"), lambda text: text), {}),
    ],
)
def test_an_edit_changes_what_it_names_and_leaves_out_what_does_not_fit(edit: Edit, expected: dict[str, Any]) -> None:
    assert changed(edit) == expected


def test_every_value_is_found_before_anything_is_changed() -> None:
    draft = Draft(JsonBody.parse(b'{"a": 1}'))

    apply_edits((to("a", 2), SetTo(parse_path("b"), lambda _: draft.find("a"))), draft, {})

    assert draft.changes() == {"a": b"2", "b": b"1"}


def test_what_is_put_at_two_places_is_changed_at_one() -> None:
    assert changed(to("messages[*].x", {"n": 1}), to("messages[0].x.n", 2))["messages"] == [
        {"role": "system", "content": "Be brief.", "x": {"n": 2}},
        {"role": "user", "content": " hi ", "x": {"n": 1}},
    ]


def test_a_caller_cannot_have_a_rule_make_a_body_of_any_size() -> None:
    body = {"messages": [{}] * 1000, "user": "x" * (MOST_ADDED // 500)}
    copied = Transfer(parse_path("user"), parse_path("messages[*].name"), moves=False)

    assert changed(copied, body=body) == {}
    assert changed(copied, body={**body, "user": "x"})["messages"] == [{"name": "x"}] * 1000


def test_what_is_left_out_leaves_nothing_behind() -> None:
    draft = Draft(JsonBody.parse(json.dumps({"messages": [{}] * 1000}).encode()))

    apply_edits((to("messages[*].meta.name", "x" * (MOST_ADDED // 500)), to("messages[0].role", "user")), draft, {})

    assert draft.find("messages") == [{"role": "user"}, *[{}] * 999]
