from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.policies.guard_patterns import WINDOW, Patterns, check
from clinx.policies.guard_spans import Span
from clinx.policies.regex import PatternError


def found(sources: list[str], text: str) -> list[str]:
    return [text[start:end] for start, end in Patterns(sources).find(text)]


def scanned(patterns: Patterns, pieces: list[str]) -> list[Span]:
    scan = patterns.scan()
    spans = [span for piece in pieces for span in scan.feed(piece)]
    return [*spans, *scan.feed("", is_end=True)]


@pytest.mark.parametrize(
    ("sources", "text", "expected"),
    [
        (["AKIA[0-9A-Z]{16}"], "key=AKIA0123456789ABCDEF.", ["AKIA0123456789ABCDEF"]),
        ([r"\b\d{4}\b"], "12345 é 1234", ["1234"]),
        (["(?i)secret", "geheim"], "SECRET, geheim, Geheim", ["SECRET", "geheim"]),
        (["^a", "b$"], "aab ab", ["a", "b"]),
        (["é+"], "aéé€é", ["éé", "é"]),
        (["(a)(?P<n>b)", "(?P<n>c)"], "abc", ["ab", "c"]),
    ],
)
def test_matches_of_a_whole_text_are_found(sources: list[str], text: str, expected: list[str]) -> None:
    assert found(sources, text) == expected
    assert [text[start:end] for start, end in scanned(Patterns(sources), list(text))] == expected


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        (r"(a)\1", r"invalid escape sequence: \1", "back-references are not supported"),
        ("a(?=b)", "invalid perl operator: (?=", "look-around and atomic groups are not supported"),
        ("(?<!a)b", "invalid perl operator: (?<!", "look-around"),
        ("(", "missing )", "the syntax is RE2's"),
        (r"[\p{L}]{900}", "pattern too large", "count less"),
        ("(?:a{1000}){1000}", "invalid repetition size", "count less"),
        ("a*", "matches the empty text", "+ instead of *"),
        (r"x|\b", "matches the empty text", "+ instead of *"),
        (r"\C", "half a character", "use . instead"),
    ],
)
def test_what_cannot_be_matched_in_linear_time_is_refused(source: str, message: str, hint: str) -> None:
    with pytest.raises(PatternError) as refused:
        check(source)

    assert message in str(refused.value)
    assert hint in (refused.value.hint or "")


def test_a_match_of_a_growing_text_is_no_longer_than_the_window() -> None:
    patterns = Patterns(["<[^>]*>"], window=5)

    assert scanned(patterns, ["<abc>", "<abcd>", "<a<b>"]) == [Span(0, 5), Span(11, 16)]


class Counting(Patterns):
    """Patterns that know how many bytes were searched."""

    searched = 0

    def next_match(self, data: bytes, start: int, end: int) -> int | None:
        self.searched += end - start
        return super().next_match(data, start, end)


def test_matches_that_are_too_long_are_not_searched_again_and_again() -> None:
    patterns = Counting(["(?s)a.*b"], window=4096)
    text = ("a" * 16383 + "b") * 6

    assert len(scanned(patterns, [text])) == 6
    assert patterns.searched < 20 * len(text)


SOURCES = st.lists(
    st.sampled_from(["ab+", "a.*b", r"\bé", "b$", "^a", "aé|éa+", "[^a]{2,6}a", r"(?i)É\b", "a{3}", ".é"]),
    min_size=1,
    max_size=3,
)


@given(SOURCES, st.lists(st.text("abé \n", max_size=6), max_size=12), st.integers(2, 9))
def test_any_split_finds_the_same(sources: list[str], pieces: list[str], window: int) -> None:
    patterns = Patterns(sources, window=window)

    assert scanned(patterns, pieces) == scanned(patterns, ["".join(pieces)])


@given(SOURCES, st.text("abé \n", max_size=40))
def test_a_growing_text_has_the_matches_of_a_whole_one_if_they_fit_the_window(sources: list[str], text: str) -> None:
    patterns = Patterns(sources)

    assert scanned(patterns, list(text)) == patterns.find(text)


@given(SOURCES, st.lists(st.text("abé \n", min_size=1, max_size=6), max_size=12))
def test_nothing_is_found_before_what_was_settled(sources: list[str], pieces: list[str]) -> None:
    scan = Patterns(sources).scan()
    size = 0
    for piece in pieces:
        settled = scan.settled
        assert all(span.start >= settled for span in scan.feed(piece))
        size += len(piece)
        assert settled <= scan.settled <= size


def test_a_text_that_cannot_become_a_match_is_not_held_back() -> None:
    scan = Patterns(["AKIA[0-9A-Z]{16}", r"\d{13,19}"]).scan()

    settled = []
    for piece in ["The keys are ", "AK", "A", " and AKIA0123", "456789ABCDEF.", " " * WINDOW]:
        scan.feed(piece)
        settled.append(scan.settled)

    assert settled == [13, 13, 15, 21, 21, 42 + WINDOW]
