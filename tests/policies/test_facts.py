from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinx.dialects.body import JsonBody
from clinx.policies.draft import NOTHING, Draft
from clinx.policies.facts import Members, Offered, presence, reader, scope
from support.policies import facts


def test_the_scope_has_every_name_that_conditions_may_use() -> None:
    given = facts({"n": 2}, headers={"X-Team": "blue"}, zone=ZoneInfo("Asia/Tokyo"))

    names: dict[str, Any] = scope(given, "renamed", Draft(given.body))

    assert names["user"] == {"id": 7, "name": "alice", "group": "default", "role": "user"}
    assert names["token"] == {"id": 70, "name": "laptop", "tags": {"region": "eu"}}
    assert (names["group"], names["model"], names["operation"]) == ("default", "renamed", "chat")
    assert (names["dialect"], names["stream"], names["address"]) == ("openai_chat", False, "10.1.2.3")
    assert names["header"]["x-team"] == "blue"
    assert names["now"] == {
        "year": 2026, "month": 1, "day": 1, "hour": 21, "minute": 0, "weekday": "thu", "date": "2026-01-01",
    }  # fmt: skip
    assert dict(names["request"]) == {"n": 2}
    assert "small" in names["offered"]


def test_members_are_those_of_the_draft() -> None:
    draft = Draft(facts({"a": 1, "b": 2}).body)
    members = Members(draft)

    draft.put("c", 3)
    draft.put("a", NOTHING)

    assert (dict(members), len(members)) == ({"b": 2, "c": 3}, 2)
    with pytest.raises(KeyError):
        members["a"]


def test_only_names_are_offered() -> None:
    assert 7 not in Offered(lambda _: True)
    assert "small" not in Offered(lambda _: False)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("model",), "renamed"),
        (("group",), "default"),
        (("operation",), "chat"),
        (("dialect",), "openai_chat"),
        (("address",), "10.1.2.3"),
        (("user", "name"), "alice"),
        (("user", "id"), 7),
        (("token", "name"), "laptop"),
        (("token", "tags", "region"), "eu"),
        (("token", "tags", "missing"), NOTHING),
        (("token", "group"), NOTHING),
        (("header", "x-team"), "blue"),
        (("header", "missing"), NOTHING),
        (("request", "n"), 2),
        (("request", "null"), None),
        (("request", "missing"), NOTHING),
        (("request", "deep", "er"), "x"),
        (("request", "deep", "missing", "er"), NOTHING),
        (("request", "n", "er"), NOTHING),
    ],
)
def test_a_path_leads_to_the_value_that_a_condition_sees(path: tuple[str, ...], value: object) -> None:
    read, seen = reader(path), facts({"n": 2, "null": None, "deep": {"er": "x"}}, headers={"X-Team": "blue"})

    assert read is not None
    assert read(seen, "renamed", Draft(seen.body)) == value


@pytest.mark.parametrize("path", [("request",), ("now", "hour"), ("user", "nobody"), ("token",), ("offered",)])
def test_other_paths_are_not_read(path: tuple[str, ...]) -> None:
    assert reader(path) is None
    assert presence(path) is None


def test_what_a_caller_does_not_have_is_not_defined() -> None:
    given = facts(address=None)

    names: dict[str, Any] = scope(given, "small", Draft(given.body))

    assert "address" not in names
    assert "group" not in names["token"]


def test_to_see_whether_a_member_is_there_it_is_not_decoded() -> None:
    seen = facts(JsonBody.parse(b'{"broken": "\xff"}'))
    there, missing = presence(("request", "broken")), presence(("request", "missing"))

    assert there is not None
    assert missing is not None
    assert there(seen, "", Draft(seen.body)) is True
    assert missing(seen, "", Draft(seen.body)) is NOTHING
