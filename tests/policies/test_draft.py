from __future__ import annotations

import pytest

from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest
from clinx.policies.draft import NOTHING, Draft


def test_only_what_was_touched_is_written_anew() -> None:
    body = JsonBody.parse(b'{ "a": 1.0,  "b" : {"deep": [ 1 ]}, "c": null }')
    draft = Draft(body)

    draft.put("b", {"deep": [2]})
    draft.put("d", "new")
    draft.put("c", NOTHING)

    assert draft.changes() == {"b": b'{"deep":[2]}', "d": b'"new"', "c": None}
    assert body.patched(draft.changes()) == b'{ "a": 1.0,  "b" : {"deep":[2]},"d":"new" }'


def test_changes_are_seen_by_whoever_looks_later() -> None:
    draft = Draft(JsonBody.parse(b'{"a": 1, "b": 2}'))

    draft.put("c", 3)
    draft.put("a", NOTHING)

    assert (draft.find("a"), draft.find("a", None), draft.has("a"), draft.find("c")) == (NOTHING, None, False, 3)
    assert draft.names() == ("b", "c")


def test_what_came_and_went_changes_nothing() -> None:
    draft = Draft(JsonBody.parse(b'{"a": 1}'))

    draft.put("b", 2)
    draft.put("b", NOTHING)

    assert draft.changes() == {}


def test_what_is_nested_too_deeply_is_the_caller_s_fault() -> None:
    draft, deep = Draft(JsonBody.parse(b"{}")), [0]
    for _ in range(100_000):
        deep = [deep]

    draft.put("a", deep)

    with pytest.raises(InvalidRequest, match="too deeply"):
        draft.changes()


def test_bytes_that_are_no_text_are_the_caller_s_fault() -> None:
    draft = Draft(JsonBody.parse(b'{"a": "\xff"}'))

    with pytest.raises(InvalidRequest):
        draft.find("a")


def test_what_was_changed_is_told_once() -> None:
    draft = Draft(JsonBody.parse(b'{"a": 1, "b": 2}'))

    draft.find("b")
    draft.put("a", NOTHING)
    draft.put("c", 3)

    assert (draft.fresh(), draft.fresh()) == ({"a", "c"}, set())


def test_null_is_something() -> None:
    draft = Draft(JsonBody.parse(b'{"a": null}'))

    assert (draft.find("a"), draft.find("b")) == (None, NOTHING)
    assert (draft.has("a"), draft.has("b")) == (True, False)


def test_what_cannot_be_read_is_tried_once_and_there_all_the_same() -> None:
    draft = Draft(JsonBody.parse(b'{"a": "\xff"}'))
    with pytest.raises(InvalidRequest) as first:
        draft.find("a")

    with pytest.raises(InvalidRequest) as second:
        draft.find("a")

    assert second.value is first.value
    assert draft.has("a")
