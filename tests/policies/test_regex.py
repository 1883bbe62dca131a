from __future__ import annotations

import pytest

from clinx.policies.regex import PatternError, compile_regex

MEMORY = 1 << 20


def test_groups_are_there_for_whoever_asks_for_them() -> None:
    capturing, plain = compile_regex("(a)|(b)", MEMORY, captures=True), compile_regex("(a)", MEMORY)

    found = capturing.search("éb".encode())

    assert found is not None
    assert (found.span(), found.group(1), found.group(2)) == ((2, 3), None, b"b")
    assert (capturing.groups, [match.span() for match in plain.finditer(b"aba")]) == (2, [(0, 1), (2, 3)])


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("(", "missing )", "the syntax is RE2's"),
        ("a(?=b)", "invalid perl operator: (?=", "look-around"),
        (r"(a)\1", r"invalid escape sequence: \1", "back-references"),
        (r"[\p{L}]{900}", "pattern too large", "count less"),
        (r"\\\C", "half a character", "use . instead"),
    ],
)
def test_what_is_no_pattern_says_what_to_write_instead(source: str, message: str, hint: str) -> None:
    with pytest.raises(PatternError) as refused:
        compile_regex(source, MEMORY)

    assert message in str(refused.value)
    assert hint in (refused.value.hint or "")


def test_an_escaped_back_slash_before_a_letter_is_no_escape() -> None:
    found = compile_regex(r"\\C", MEMORY).search(rb"a\C")

    assert found is not None
    assert found.span() == (1, 3)
