from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.errors import PolicyRefused
from clinx.policies.guard import GuardAction, GuardRule
from clinx.policies.guard_json import MOST_BARE, JsonScreen, screened_json, texts_of
from clinx.policies.guard_patterns import Patterns
from clinx.policies.guard_words import WordList
from support.guards import Hits, fed

RULE = GuardRule(
    "rule", GuardAction.MASK, words=WordList(["secret", 'sa"y'], whole=True), patterns=Patterns([r"\d{13,19}"])
)
QUOTES = GuardRule("quotes", GuardAction.MASK, words=WordList(["x"], whole=True), replacement='"\n')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": ["my secret", {"secret": 1}]}', '{"a": ["my ***", {"***": 1}]}'),
        (r'{"a":"\nsecret\t"}', r'{"a":"\n***\t"}'),
        (r'{"a":"s\u0065cret sa\"y"}', '{"a":"*** ***"}'),
        ('{"card": 4111111111111111, "n": 12}', '{"card": "***", "n": 12}'),
        ("4111111111111111", "***"),
        ("the secret of it", "the *** of it"),
        ('  {"a":"secret"', '  {"a":"***"'),
        (r'{"a":"secret \ud83d\ude00 \ud83d \u12"}', '{"a":"*** 😀 \ufffd \\\\u12"}'),
        ("", ""),
        (" ", " "),
    ],
)
def test_strings_are_masked_and_json_stays_json(text: str, expected: str) -> None:
    assert fed(JsonScreen([RULE], Hits()), [text]) == expected
    assert fed(JsonScreen([RULE], Hits()), list(text)) == expected


def test_what_only_begins_like_json_is_looked_at_as_one_text() -> None:
    rule = GuardRule(
        "rule", GuardAction.MASK, words=WordList(["ada lovelace"], whole=True), patterns=Patterns(["k: v"])
    )
    hits = Hits()

    assert fed(JsonScreen([rule], Hits()), list("[x] Ada Lovelace lives")) == '[x] "*** lives"'
    assert screened_json("[x] Ada Lovelace says k: v", [rule], hits) == "[x] *** says ***"
    assert hits.counts == {"rule": 2}


@pytest.mark.parametrize("before", [MOST_BARE - 4, MOST_BARE - 1, MOST_BARE, 2 * MOST_BARE])
def test_a_long_word_outside_of_strings_has_no_seams(before: int) -> None:
    text = "{" + "x" * before + ".4111111111111111"

    assert fed(JsonScreen([RULE], Hits()), [text]).endswith('.***"' if before + 17 < MOST_BARE else ".***")
    assert fed(JsonScreen([RULE], Hits()), [text[:99], text[99:]]) == fed(JsonScreen([RULE], Hits()), [text])


def test_the_texts_of_json_are_its_strings_and_what_stands_between_them() -> None:
    assert list(texts_of(r'{"a": ["\u0041\n", 12, true]}')) == ["a", "A\n", "12", "true"]
    assert list(texts_of('[a b] "c')) == ['[a b] "c', "a b", '"c']


def test_a_replacement_is_escaped() -> None:
    assert json.loads(screened_json('{"a": "x y"}', [QUOTES], Hits())) == {"a": '"\n y'}


def test_a_text_without_anything_to_mask_keeps_its_spelling() -> None:
    text = r'{ "a" : "\u0041\/" }'

    assert screened_json(text, [RULE], Hits()) is text


def test_a_blocked_string_is_refused() -> None:
    rule = GuardRule("rule", GuardAction.BLOCK, words=WordList(["secret"], whole=True))

    with pytest.raises(PolicyRefused):
        screened_json('{"a": "\\u0073ecret"}', [rule], Hits())


VALUES = st.recursive(
    st.none() | st.integers(0, 10**16) | st.text('secrt"\\/\n é😀\ud800', max_size=12) | st.just("a secret."),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "secret"]), inner, max_size=2),
    max_leaves=6,
)


@given(VALUES, st.booleans(), st.lists(st.integers(0, 200), max_size=10))
def test_any_split_gives_the_same_json(value: object, ascii_only: bool, cuts: list[int]) -> None:
    text = json.dumps([value], ensure_ascii=ascii_only).encode("utf-8", "replace").decode()
    ends = sorted(min(cut, len(text)) for cut in cuts)
    pieces = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]

    left = fed(JsonScreen([RULE], Hits()), pieces)

    assert left == fed(JsonScreen([RULE], Hits()), [text])
    assert "secret" not in _words(json.loads(left))


def _words(value: object) -> set[str]:
    return set(json.dumps(value, ensure_ascii=False).replace(".", " ").replace('"', " ").split(" "))


@given(st.text('{["]},:\\u0d8secrt 1', max_size=40), st.lists(st.integers(0, 40), max_size=8))
def test_any_split_of_what_is_no_json_gives_the_same(text: str, cuts: list[int]) -> None:
    ends = sorted(min(cut, len(text)) for cut in cuts)
    pieces = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]

    assert fed(JsonScreen([RULE], Hits()), pieces) == fed(JsonScreen([RULE], Hits()), [text])
