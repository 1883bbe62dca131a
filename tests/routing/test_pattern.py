from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.routing.pattern import Pattern, is_pattern


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("gpt-*", "gpt-4o", True),
        ("gpt-*", "gpt-", True),
        ("gpt-*", "GPT-4o", False),
        ("gpt-*", "my-gpt-4o", False),
        ("*-mini", "o3-mini", True),
        ("*-mini", "o3-minimal", False),
        ("*", "", True),
        ("a*b*c", "abc", True),
        ("a*b*c", "a-c-b-c", True),
        ("a*b*c", "acb", False),
        ("ab*ba", "aba", False),
        ("gpt-[45]*", "gpt-4", False),
        ("gpt-?", "gpt-4", False),
        ("exact", "exact", True),
        ("exact", "exactly", False),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_is_special(pattern: str, name: str, fits: bool) -> None:
    assert Pattern.parse(pattern).matches(name) is fits


@given(st.lists(st.text(alphabet="ab", max_size=4), min_size=2, max_size=5), st.text(alphabet="ab", max_size=4))
def test_filling_the_stars_gives_a_name_that_matches(pieces: list[str], filling: str) -> None:
    assert Pattern.parse("*".join(pieces)).matches(filling.join(pieces))


def test_a_long_name_is_decided_at_once() -> None:
    pattern = Pattern.parse("*a*a*a*a*a*a*a*a*b")

    started = time.perf_counter()

    assert not pattern.matches("a" * 100_000)
    assert time.perf_counter() - started < 0.5


def test_only_a_star_makes_a_pattern() -> None:
    assert is_pattern("gpt-*")
    assert not is_pattern("gpt-4o")


def test_longer_patterns_come_first() -> None:
    patterns = [Pattern.parse(text) for text in ("*", "gpt-*", "b-*", "a-*")]

    assert [each.text for each in sorted(patterns, key=lambda each: each.order)] == ["gpt-*", "a-*", "b-*", "*"]
