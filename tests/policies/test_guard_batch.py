from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clinx.policies.guard import GuardAction, GuardRule
from clinx.policies.guard_batch import concerned
from clinx.policies.guard_patterns import Patterns
from clinx.policies.guard_words import WordList


def rule(name: str, *sources: str, words: tuple[str, ...] = ()) -> GuardRule:
    patterns = Patterns(sources) if sources else None
    return GuardRule(name, GuardAction.FLAG, patterns, WordList(words, whole=True) if words else None)


def test_each_text_is_told_with_the_rules_that_may_find_something_in_it() -> None:
    digits, names, ends = rule("digits", r"\d{4}"), rule("names", words=("ada", "é")), rule("ends", "^x", "y$")

    told = concerned(["1984 ada", "é x", "xa", "ay", "b", "19", "1\n1984"], [digits, names, ends])

    assert told == {0: [digits, names], 1: [names], 2: [ends], 3: [ends], 6: [digits]}


RULES = st.lists(
    st.sampled_from(
        [
            rule("plain", "ab+", "é.?b"),
            rule("greedy", r"(?s)a.*b|bb"),
            rule("ends", "^a", "b$"),
            rule("borders", r"\bé", r"a\B"),
            rule("absolute", r"\Ab", r"é\z"),
            rule("without lines", "(?-m:^b)"),
            rule("space", r"\s+a"),
            rule("words", words=("a b", "é", "ab")),
        ]
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda rule: rule.name,
)


@given(RULES, st.lists(st.text("abé \n\ud800", max_size=5), min_size=1, max_size=8))
def test_no_text_that_a_rule_finds_something_in_is_missed(rules: list[GuardRule], texts: list[str]) -> None:
    told = concerned(texts, rules)

    for place, text in enumerate(texts):
        found = [rule.name for rule in rules if rule.find(text)]
        assert [rule.name for rule in told.get(place, ()) if rule.name in found] == found
