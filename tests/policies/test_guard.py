from __future__ import annotations

from clinx.policies.guard import GuardAction, GuardRule, on_input, on_output
from clinx.policies.guard_patterns import Patterns
from clinx.policies.guard_spans import Span
from clinx.policies.guard_words import WordList

WORDS = WordList(["secret"], whole=True)
SENT = GuardRule("sent", GuardAction.BLOCK, words=WORDS, on_output=False)
ANSWERED = GuardRule("answered", GuardAction.MASK, words=WORDS, on_input=False)
BOTH = GuardRule("both", GuardAction.FLAG, words=WORDS, patterns=Patterns(["[0-9]+"]))


def test_a_rule_looks_at_what_it_is_for() -> None:
    assert on_input([SENT, ANSWERED, BOTH]) == (SENT, BOTH)
    assert on_output([SENT, ANSWERED, BOTH]) == (ANSWERED, BOTH)


def test_a_rule_finds_its_patterns_and_its_words() -> None:
    assert sorted(BOTH.find("secret 12")) == [Span(0, 6), Span(7, 9)]
    assert [len(rule.scans()) for rule in (SENT, BOTH)] == [1, 2]


def test_a_refusal_is_of_the_operators_own_kind() -> None:
    refusal = SENT.refusal()

    assert (refusal.code, refusal.status, refusal.message) == (
        "policy_refused",
        403,
        "The rule 'sent' refuses this content.",
    )
