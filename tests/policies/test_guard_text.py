from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.errors import PolicyRefused
from clinx.policies.guard import GuardAction, GuardRule
from clinx.policies.guard_patterns import Patterns
from clinx.policies.guard_text import TextScreen, screened
from clinx.policies.guard_words import WordList
from support.guards import Hits, fed

MASKS = GuardRule("words", GuardAction.MASK, words=WordList(["secret", "secret plan"], whole=True))
DIGITS = GuardRule("digits", GuardAction.MASK, patterns=Patterns([r"\d{4}"]), replacement="[number]")
BLOCKS = GuardRule("bomb", GuardAction.BLOCK, words=WordList(["bomb"], whole=True))
FLAGS = GuardRule("odd", GuardAction.FLAG, patterns=Patterns(["odd.*"]), words=WordList(["even"], whole=True))


@pytest.mark.parametrize("rules", [[MASKS, DIGITS], [DIGITS, MASKS]])
def test_every_rule_looks_at_the_text_as_it_was_made(rules: list[GuardRule]) -> None:
    hits = Hits()

    assert screened("A secret plan of 1984, secretly.", rules, hits) == "A *** of [number], secretly."
    assert hits.counts == {"words": 2, "digits": 1}


def test_a_text_without_anything_to_mask_is_passed_on_as_it_is() -> None:
    hits, text = Hits(), "even odd things"

    assert screened(text, [MASKS, FLAGS], hits) is text
    assert hits.counts == {"odd": 2}


def test_a_blocked_text_is_refused_with_the_name_of_the_rule_and_nothing_of_the_text() -> None:
    hits = Hits()
    with pytest.raises(PolicyRefused) as refused:
        screened("a Bomb", [BLOCKS], hits)

    assert (refused.value.message, refused.value.hint) == ("The rule 'bomb' refuses this content.", None)
    assert hits.counts == {"bomb": 1}


def test_the_rule_may_say_in_its_own_words_why_it_refuses() -> None:
    rule = GuardRule("bomb", GuardAction.BLOCK, words=BLOCKS.words, message="Not here.")

    with pytest.raises(PolicyRefused, match=r"^Not here\.$") as refused:
        screened("a bomb", [rule], Hits())

    assert refused.value.hint == "The rule 'bomb' says so."


def test_where_two_rules_find_something_at_one_place_the_first_of_them_says_what_stands_there() -> None:
    first = GuardRule("first", GuardAction.MASK, patterns=Patterns(["ab*"]), replacement="1")
    second = GuardRule("second", GuardAction.MASK, words=WordList(["a"], whole=False), replacement="2")

    assert [fed(TextScreen([first, second], Hits()), pieces) for pieces in (["ab"], ["a", "b"])] == ["1", "1"]


def test_only_what_may_become_part_of_a_match_is_held_back() -> None:
    screen = TextScreen([MASKS, FLAGS], Hits())

    assert [screen.feed(piece) for piece in ["My se", "cret", " p", "lace is odd"]] == [
        "My ",
        "",
        "",
        "*** place is odd",
    ]
    assert screen.close() == ""


def test_nothing_of_what_is_blocked_is_shown() -> None:
    screen = TextScreen([BLOCKS], Hits())

    assert screen.feed("this is a bo") == "this is a "
    with pytest.raises(PolicyRefused):
        screen.feed("mb!")


def test_the_last_word_of_a_text_is_found_when_it_ends() -> None:
    screen = TextScreen([MASKS], Hits())

    assert screen.feed("my secret") == "my "
    assert screen.close() == "***"


RULES = st.lists(
    st.builds(
        GuardRule,
        st.just("rule"),
        st.sampled_from([GuardAction.MASK, GuardAction.MASK, GuardAction.FLAG]),
        patterns=st.sampled_from([None, Patterns(["ab+", "[^a]{3}"]), Patterns([r"\bé.", "a.*b"], window=4)]),
        words=st.lists(st.text("abé ", min_size=1, max_size=3).filter(str.strip), min_size=1, max_size=4).map(
            lambda words: WordList(words, whole=len(words) % 2 == 0)
        ),
        replacement=st.sampled_from(["***", "-"]),
    ),
    min_size=1,
    max_size=3,
)
PIECES = st.lists(st.text("abéÉ .", max_size=5), max_size=12)


@given(RULES, PIECES)
def test_any_split_gives_the_same(rules: list[GuardRule], pieces: list[str]) -> None:
    some, whole = Hits(), Hits()

    assert fed(TextScreen(rules, some), pieces) == fed(TextScreen(rules, whole), ["".join(pieces)])
    assert some.counts == whole.counts


@given(st.lists(st.text("abé", min_size=1, max_size=3), min_size=1, max_size=4), st.booleans(), PIECES)
def test_no_masked_word_is_left(words: list[str], whole: bool, pieces: list[str]) -> None:
    listed = WordList(words, whole=whole)
    rule = GuardRule("rule", GuardAction.MASK, words=listed)

    assert listed.find(fed(TextScreen([rule], Hits()), pieces)) == []


@given(PIECES)
def test_a_whole_text_reads_as_one_that_grew(pieces: list[str]) -> None:
    rules = [
        GuardRule("a", GuardAction.MASK, words=WordList(["ab", "é"], whole=True), patterns=Patterns(["ba", "..É"]))
    ]
    text = "".join(pieces)

    assert screened(text, rules, Hits()) == fed(TextScreen(rules, Hits()), pieces)
