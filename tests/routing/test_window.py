from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clinx.routing.window import Window


def test_what_is_older_than_the_window_is_gone() -> None:
    window = Window(60.0, 60)

    window.add(0.5)
    window.add(30.0, 2)

    assert [window.total(at) for at in (30.0, 60.4, 61.0, 90.9, 91.0)] == [3, 3, 2, 2, 0]


def test_what_was_estimated_too_high_is_taken_back() -> None:
    window = Window(60.0, 60)

    window.add(0.0, 100)
    window.take_back(30.0, 0.0, 90)

    assert [window.total(at) for at in (30.0, 61.0)] == [10, 0]


def test_what_is_too_old_to_count_is_not_taken_back() -> None:
    window = Window(60.0, 60)

    window.add(0.0, 100)
    window.take_back(61.0, 0.0, 90)

    assert window.total(61.0) == 0


def test_it_says_when_there_is_room_again() -> None:
    window = Window(10.0, 10)

    window.add(0.0, 3)
    window.add(5.5, 2)

    assert [window.frees_in(6.0, count) for count in (1, 3, 4, 9)] == [5.0, 5.0, 10.0, 11.0]


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), max_size=30), st.floats(0, 30))
def test_nothing_within_the_window_is_ever_missing(steps: list[tuple[float, int]], at: float) -> None:
    window, now, seen = Window(10.0, 10), 0.0, list[tuple[float, int]]()

    for wait, count in steps:
        now += wait
        window.add(now, count)
        seen.append((now, count))
    now += at

    within = sum(count for when, count in seen if now - when < 10.0)
    not_long_gone = sum(count for when, count in seen if now - when <= 11.0)
    assert within <= window.total(now) <= not_long_gone
