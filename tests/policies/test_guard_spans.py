from __future__ import annotations

from clinx.policies.guard_spans import Replacing, Span, merged, replaced


def hit(start: int, end: int, replacement: str = "*", rank: int = 0) -> Replacing:
    return Replacing(Span(start, end), replacement, rank)


def test_spans_that_overlap_become_one_and_the_first_says_what_takes_their_place() -> None:
    assert merged([hit(4, 8, "b"), hit(1, 5, "a"), hit(2, 3, "c")]) == [hit(1, 8, "a")]


def test_of_spans_that_begin_at_one_place_the_lower_rank_is_the_first() -> None:
    assert merged([hit(1, 5, "b", 2), hit(1, 3, "a", 1)]) == [hit(1, 5, "a", 1)]


def test_spans_that_touch_stay_two() -> None:
    assert replaced("abcdef", [hit(2, 4), hit(0, 2)]) == "**ef"


def test_a_text_in_which_nothing_was_found_stays() -> None:
    assert replaced("abc", []) == "abc"
