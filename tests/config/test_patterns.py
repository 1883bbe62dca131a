from __future__ import annotations

import pytest

from clinx.config.patterns import (
    MAX_LENGTH,
    MOST_GROWTH,
    MOST_MATCHES,
    compile_pattern,
    compile_substitution,
    literal_prefix,
)
from clinx.policies.regex import PatternError


def test_a_pattern_matches_at_the_beginning_or_anywhere() -> None:
    pattern = compile_pattern("b+")

    assert (bool(pattern.match(b"abb")), bool(pattern.search(b"abb")), bool(pattern.match(b"b"))) == (False, True, True)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("(", "not a pattern: missing"),
        ("(?=a)", "not a pattern: invalid perl operator"),
        (r"(a)\1", "not a pattern: invalid escape sequence"),
        (r"\C", "half a character"),
        ("a" * (MAX_LENGTH + 1), "at most"),
        ("((a{1000}){1000}){1000}", "not a pattern"),
    ],
)
def test_what_is_no_pattern_or_would_cost_too_much_is_refused(source: str, message: str) -> None:
    with pytest.raises(PatternError, match=message):
        compile_pattern(source)


@pytest.mark.parametrize(
    ("source", "prefix", "is_whole"),
    [
        ("^gpt-4", "gpt-4", True),
        ("gpt-4o", "gpt-4o", True),
        (r"^gpt-4\.1-", "gpt-4.1-", True),
        ("^o[0-9]", "o", False),
        ("^ab*", "a", False),
        ("^ab+", "ab", False),
        ("^ab{2}", "a", False),
        ("^(a|b)", "", False),
        ("a|b", "", False),
        ("(?i)gpt", "", False),
        (r"^\d", "", False),
        ("", "", True),
    ],
)
def test_what_every_match_begins_with_is_read_off_a_pattern(source: str, prefix: str, *, is_whole: bool) -> None:
    assert literal_prefix(source) == (prefix, is_whole)


@pytest.mark.parametrize(
    ("source", "replacement", "text", "expected"),
    [
        ("a+", "-", "baab", "b-b"),
        (r"(\w)(\w)?", r"<\2\1>", "ab c", "<ba> <c>"),
        ("a", r"\\", "a", "\\"),
        ("x", "y", "ab", "ab"),
        ("(é)|€", r"[\1]", "aé€", "a[é][]"),
        ("a*", "-", "éa", "-é--"),
    ],
)
def test_matches_are_replaced(source: str, replacement: str, text: str, expected: str) -> None:
    assert compile_substitution(source, replacement)(text) == expected


@pytest.mark.parametrize("replacement", [r"\2", r"\0", r"\x", "\\"])
def test_a_group_that_is_not_there_is_refused(replacement: str) -> None:
    with pytest.raises(PatternError, match="no group"):
        compile_substitution("(a)", replacement)


def test_a_text_that_would_grow_without_bound_is_left_as_it_is() -> None:
    text = "a" * (MOST_GROWTH // 1000 + 1)

    assert compile_substitution("a", "b" * 1000)(text) == text
    assert compile_substitution("a", "b" * 1000)(text[1:]) == "b" * 1000 * (len(text) - 1)


def test_a_text_that_is_full_of_matches_is_left_as_it_is() -> None:
    text = "a" * (MOST_MATCHES + 1)

    assert compile_substitution("a", "")(text) == text
    assert compile_substitution("a", "")(text[1:]) == ""
