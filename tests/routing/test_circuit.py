from __future__ import annotations

from itertools import product

import pytest

from clinx.domain.resilience import CircuitRule
from clinx.routing.circuit import TRANSITIONS, Cause, Circuit, Sign, State

RULE = CircuitRule(failures=3, rate=0.5, window=60.0, volume=10, cooldown=8.0, longest=60.0)


def _open(circuit: Circuit, now: float = 0.0, jitter: float = 0.0) -> None:
    circuit.trip(Cause.BROKEN, RULE, now, jitter)


@pytest.mark.parametrize(("state", "sign"), list(product(State, Sign)))
def test_a_sign_without_a_row_changes_nothing(state: State, sign: Sign) -> None:
    circuit = Circuit(state=state)

    changed = circuit.apply(sign)

    after = TRANSITIONS.get((state, sign))
    assert (circuit.state, circuit.epoch) == ((state, 0) if after is None else (after, 1))
    assert changed is (circuit.state is not state)


def test_failures_in_a_row_are_one_too_many_only_in_a_row() -> None:
    circuit = Circuit()

    first = [circuit.fail(RULE, 0.0) for _ in range(2)]
    circuit.succeed(0.0)
    then = [circuit.fail(RULE, 0.0) for _ in range(3)]

    assert (first, then) == ([False, False], [False, False, True])


def test_a_share_of_a_window_is_too_much_once_there_were_enough_calls() -> None:
    circuit = Circuit()

    said = list[bool]()
    for _ in range(5):
        said.append(circuit.fail(RULE, 0.0))
        circuit.succeed(0.0)
    said.append(circuit.fail(RULE, 0.0))

    assert said == [False] * 5 + [True]


def test_what_is_older_than_the_window_is_no_share_of_it() -> None:
    circuit = Circuit()

    for _ in range(5):
        circuit.fail(RULE, 0.0)
        circuit.succeed(0.0)

    assert not circuit.fail(RULE, 100.0)


def test_it_stays_open_for_a_time_that_doubles_up_to_the_longest() -> None:
    circuit, times = Circuit(), list[float]()

    for _ in range(5):
        _open(circuit, jitter=0.999999999)
        times.append(round(circuit.until))
        circuit.apply(Sign.PROBE)

    assert times == [8, 16, 32, 60, 60]


def test_the_time_is_drawn_from_its_second_half() -> None:
    circuit = Circuit()

    _open(circuit, jitter=0.0)

    assert circuit.until == 4.0
    assert (circuit.is_due(3.9), circuit.is_due(4.0)) == (False, True)


def test_an_answer_that_only_began_does_not_make_the_next_opening_short_again() -> None:
    circuit = Circuit()

    _open(circuit)
    circuit.apply(Sign.PROBE)
    circuit.apply(Sign.PROVEN)
    _open(circuit)
    broken_off = circuit.until
    circuit.apply(Sign.PROVEN)
    circuit.succeed(0.0)
    _open(circuit)

    assert (broken_off, circuit.until) == (8.0, 4.0)


def test_a_held_circuit_is_never_due_and_stays_held_whatever_else_goes_wrong() -> None:
    circuit = Circuit()

    circuit.trip(Cause.REFUSED, RULE, 0.0, 0.0, held=True)
    circuit.trip(Cause.TIMEOUT, RULE, 10.0, 0.0)

    assert (circuit.held, circuit.is_due(1e9), circuit.cause) == (True, False, Cause.TIMEOUT)
    circuit.apply(Sign.PROVEN)
    assert (circuit.held, circuit.cause, circuit.is_well(1e9)) == (False, None, True)


def test_a_second_refusal_makes_suspect_and_one_of_another_user_is_too_many() -> None:
    circuit = Circuit()

    assert (circuit.refuse(0.0, 1), circuit.suspect_until) == (False, 0.0)
    assert (circuit.refuse(1.0, 1), circuit.suspect_until) == (False, 61.0)
    assert circuit.refuse(2.0, 2)


def test_a_refusal_that_can_only_be_the_key_s_makes_suspect_at_once() -> None:
    circuit = Circuit()

    assert (circuit.refuse(0.0, 1, is_sure=True), circuit.suspect_until) == (False, 60.0)


def test_of_one_user_it_takes_more_refusals_and_a_success_forgets_them_all() -> None:
    circuit = Circuit()

    before = [circuit.refuse(0.0, 1) for _ in range(4)]
    circuit.succeed(1.0)
    after = [circuit.refuse(2.0, user) for user in (2, 2, 2, 2, 2)]

    assert before == [False] * 4
    assert after == [False] * 4 + [True]


def test_a_longer_rest_is_never_shortened() -> None:
    circuit = Circuit()

    circuit.rest(0.0, 60.0)
    circuit.rest(1.0, 1.0)

    assert (circuit.rests_until, circuit.is_well(59.9), circuit.is_well(60.0)) == (60.0, False, True)
