from __future__ import annotations

import pytest

from clinx.domain.money import ZERO, Amount
from clinx.domain.usage import Usage
from clinx.policies.limit import LEASE, LimitRule, Measure, span
from clinx.policies.subject import Scope
from clinx.state.base import Change, Slots, Window
from support.gates import subject

USED = Usage(input=5, cache_read=2, output=3)


def rule(measure: Measure, most: int = 60, milliseconds: int = 60_000, **more: object) -> LimitRule:
    return LimitRule("few", measure, most, milliseconds, **more)  # pyright: ignore[reportArgumentType]


def test_a_sliding_window_is_sixty_slices_and_a_fixed_one_is_one() -> None:
    sliding = rule(Measure.REQUESTS).claim(subject())
    fixed = rule(Measure.REQUESTS, sliding=False).claim(subject())

    assert sliding == Window("clinx:window:few:requests-sliding:60000:user=7", 60, 1000, 60, 1)
    assert fixed == Window("clinx:window:few:requests-fixed:60000:user=7", 60, 60_000, 0, 1)


def test_a_span_that_sixty_does_not_divide_is_never_shorter_than_it_says() -> None:
    claim = rule(Measure.REQUESTS, milliseconds=1001).claim(subject())

    assert isinstance(claim, Window)
    assert claim.width == 17


@pytest.mark.parametrize("measure", [Measure.TOKENS, Measure.AMOUNT])
def test_what_is_known_only_afterwards_is_asked_for_and_not_taken(measure: Measure) -> None:
    claim = rule(measure).claim(subject())

    assert isinstance(claim, Window)
    assert claim.amount == 0


def test_calls_at_a_time_are_slots() -> None:
    claim = rule(Measure.CONCURRENCY, 3, 0, of=(Scope.TOKEN,)).claim(subject())

    assert claim == Slots("clinx:slots:few:token=70", 3, LEASE)


@pytest.mark.parametrize(
    ("given", "success", "expected"),
    [
        (rule(Measure.REQUESTS), False, None),
        (rule(Measure.REQUESTS, success_only=True), True, None),
        (rule(Measure.REQUESTS, success_only=True), False, (-1, 9)),
        (rule(Measure.TOKENS), True, (10, None)),
        (rule(Measure.AMOUNT), True, (25, None)),
        (rule(Measure.CONCURRENCY, 3, 0), False, (0, None)),
    ],
)
def test_what_is_told_afterwards(given: LimitRule, success: bool, expected: tuple[int, int | None] | None) -> None:
    claim = given.claim(subject())

    usage, charge = (USED, Amount(25)) if success else (Usage(), ZERO)
    change = given.change(claim, 9, success=success, usage=usage, charge=charge)

    assert change == (None if expected is None else Change(claim, *expected))


def test_leaving_in_the_middle_of_an_answer_gives_nothing_back() -> None:
    given = rule(Measure.REQUESTS, success_only=True)

    assert given.change(given.claim(subject()), 9, success=False, usage=Usage(output=1), charge=ZERO) is None
    assert given.change(given.claim(subject()), 9, success=False, usage=Usage(), charge=Amount(1)) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule(Measure.REQUESTS), (-1, 9)),
        (rule(Measure.TOKENS), None),
        (rule(Measure.AMOUNT), None),
        (rule(Measure.CONCURRENCY, 3, 0), (0, None)),
    ],
)
def test_what_did_not_begin_is_undone(given: LimitRule, expected: tuple[int, int | None] | None) -> None:
    claim = given.claim(subject())

    assert given.undoing(claim, 9) == (None if expected is None else Change(claim, *expected))


def test_nothing_used_is_nothing_told() -> None:
    for measure in (Measure.TOKENS, Measure.AMOUNT):
        given = rule(measure)
        assert given.change(given.claim(subject()), 9, success=True, usage=Usage(), charge=Amount(0)) is None


@pytest.mark.parametrize(
    ("given", "milliseconds", "says", "hint"),
    [
        (
            rule(Measure.REQUESTS),
            12_001,
            "The limit 'few' is reached: 60 requests in 1m for this user.",
            "Try again in 13 s.",
        ),
        (
            rule(Measure.TOKENS, 1000, 86_400_000, of=(Scope.GROUP, Scope.MODEL)),
            0,
            "The limit 'few' is reached: 1000 tokens in 1d for this group and model.",
            "Try again in 1 s.",
        ),
        (
            rule(Measure.AMOUNT, 1_500_000_000, 90_000, of=()),
            2000,
            "The limit 'few' is reached: an amount of 1.5 in 90s for all callers together.",
            "Try again in 2 s.",
        ),
        (
            rule(Measure.CONCURRENCY, 2, 0, message="Slow down."),
            1000,
            "Slow down. The limit 'few' is reached: 2 calls at a time for this user.",
            "Wait for one of them to end.",
        ),
    ],
)
def test_a_refusal_names_the_rule_and_when_to_come_back(
    given: LimitRule, milliseconds: int, says: str, hint: str
) -> None:
    error = given.refusal(milliseconds)

    assert (error.message, error.hint) == (says, hint)
    assert error.retry_after == max(1, -(-milliseconds // 1000))


def test_spans_are_written_as_operators_do() -> None:
    assert [span(each) for each in (60_000, 90_000, 3_600_000, 86_400_000, 500)] == ["1m", "90s", "1h", "1d", "500ms"]
