from __future__ import annotations

import pytest

from clinx.policies.guard import GuardAction, GuardRule
from clinx.policies.guard_string import FoundString
from clinx.policies.guard_words import WordList
from support.guards import Hits

MASK = GuardRule("mask", GuardAction.MASK, words=WordList(["secret"], whole=True))


@pytest.mark.parametrize(
    ("string", "written"),
    [
        (FoundString(0, 0, "a secret"), b'"a ***"'),
        (FoundString(0, 0, "no"), None),
        (FoundString(0, 0, '{"a":"secret"}', ('{"a":"secret"}',)), rb'"{\"a\":\"***\"}"'),
        (FoundString(0, 0, "data:;base64,YSBzZWNyZXQ=", decoded="a secret", prefix="data:;base64,"),
         b'"data:;base64,YSAqKio="'),
    ],
)  # fmt: skip
def test_a_string_is_written_anew_where_something_is_masked(string: FoundString, written: bytes | None) -> None:
    assert string.written([MASK], Hits()) == written


def test_json_is_looked_at_in_its_parts() -> None:
    assert list(FoundString(0, 0, '["a"]', ("a",)).texts()) == ["a"]
