from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.policies.guard_spans import Span
from clinx.policies.guard_words import MOST_NESTED, SLICE, WordList, nested


def found(words: list[str], text: str, *, whole: bool = True) -> list[str]:
    return [text[start:end] for start, end in sorted(WordList(words, whole=whole).find(text))]


@pytest.mark.parametrize(
    ("word", "text", "expected"),
    [
        ("Secret", "a SECRET, a secret", ["SECRET", "secret"]),
        ("cat", "cat concat cats cat_ cat1 cat", ["cat", "cat"]),
        ("cat", "(cat)", ["cat"]),
        ("straße", "Große STRASSE und Straße!", ["STRASSE", "Straße"]),
        ("strasse", "eine Straße", ["Straße"]),
        ("istanbul", "in İstanbul, in ISTANBUL", ["ISTANBUL"]),
        ("ship it", "Ship it. ship items", ["Ship it"]),
        ("c++", "C++ is c++11", ["C++", "c++"]),
        ("cafe", "cafe\u0301 cafe", ["cafe"]),
        ("敏感", "这是敏感词", ["敏感"]),
        ("パス", "新しいパスワード", ["パス"]),
        ("비밀", "비밀번호를", ["비밀"]),
        ("รหัส", "ใส่รหัสผ่าน", ["รหัส"]),
        ("abc", "说abc吧 xabc", ["abc"]),
        ("ok", "\ud800 ok \udfff", ["ok"]),
    ],
)
def test_a_whole_word_is_found_in_any_case_and_nowhere_within_another(
    word: str, text: str, expected: list[str]
) -> None:
    assert found([word], text) == expected


def test_a_part_of_a_word_is_found_where_that_is_wanted() -> None:
    assert found(["cat"], "concatenate CATS", whole=False) == ["cat", "CAT"]


def test_a_letter_that_folds_to_several_is_found_whole() -> None:
    assert found(["s"], "aßb", whole=False) == ["ß", "ß"]


def test_words_that_overlap_are_all_found() -> None:
    assert found(["new york", "york city", "york"], "in New York City") == ["New York", "York City"]


def test_a_word_across_the_slices_of_a_long_text_is_found() -> None:
    text = " " * (SLICE - 3) + "secret "

    assert WordList(["secret"], whole=True).find(text) == [Span(SLICE - 3, SLICE + 3)]


def test_a_border_that_was_seen_before_is_remembered() -> None:
    scan = WordList(["a b", "b"], whole=True).scan()

    assert [list(scan.feed(piece)) for piece in ("xa", " b ")] == [[], [Span(3, 4)]]


def test_words_are_nested_only_so_deep() -> None:
    assert nested(["a" * size for size in range(1, MOST_NESTED + 1)]) is None
    assert nested(["A" * size for size in range(1, MOST_NESTED + 2)]) == "a" * (MOST_NESTED + 1)


WORDS = st.lists(st.text("abßİ敏 ", min_size=1, max_size=4).filter(str.strip), min_size=1, max_size=5)


@given(WORDS, st.lists(st.text("abßAİ敏 .", max_size=4), max_size=12), st.booleans())
def test_any_split_finds_the_same(words: list[str], pieces: list[str], whole: bool) -> None:
    listed = WordList(words, whole=whole)
    scan = listed.scan()

    spans = [span for piece in pieces for span in scan.feed(piece)]
    spans += scan.feed("", is_end=True)

    assert sorted(spans) == sorted(listed.find("".join(pieces)))


@given(WORDS, st.lists(st.text("abßAİ敏 .", min_size=1, max_size=4), max_size=12), st.booleans())
def test_nothing_is_found_before_what_was_settled(words: list[str], pieces: list[str], whole: bool) -> None:
    scan = WordList(words, whole=whole).scan()
    size = 0
    for piece in pieces:
        settled = scan.settled
        assert all(span.start >= settled for span in scan.feed(piece))
        size += len(piece)
        assert settled <= scan.settled <= size


def test_only_what_may_become_a_word_is_held_back() -> None:
    scan = WordList(["secret", "service"], whole=True).scan()

    settled = []
    for piece in ["a s", "e", "v", "en se", "cret", " "]:
        scan.feed(piece)
        settled.append(scan.settled)

    assert settled == [2, 2, 5, 8, 8, 15]
