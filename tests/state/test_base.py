"""What every kind of counters does."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinx.state.base import MOST, SLICES, Change, Claim, Purse, Refused, Slots, Taken, Unknown, Window
from clinx.state.memory import MemoryCounters
from support.counters import Counting
from support.database import Clock

MINUTE = 60_000


def fixed(counting: Counting, most: int, *, amount: int = 1, name: str = "w") -> Window:
    return Window(f"{counting.id}:{name}", most, MINUTE, 0, amount)


def sliding(counting: Counting, most: int, *, amount: int = 1) -> Window:
    return Window(f"{counting.id}:s", most, MINUTE // SLICES, SLICES, amount)


def slots(counting: Counting, most: int) -> Slots:
    return Slots(f"{counting.id}:c", most, MINUTE)


def purse(counting: Counting, most: int, *, period: int = 7) -> Purse:
    return Purse(f"{counting.id}:p", most, period, 10 * MINUTE)


async def left(counting: Counting, *claims: Claim, holder: str = "h") -> tuple[int, ...] | Refused | Unknown:
    answer = await counting.counters.take(holder, claims)
    return answer.left if isinstance(answer, Taken) else answer


async def test_a_fixed_window_is_whole_again_when_the_next_begins(counting: Counting) -> None:
    await counting.advance(10)
    window = fixed(counting, 2)
    first = [await left(counting, window) for _ in range(3)]
    await counting.advance(49.999)
    still = await left(counting, window)
    await counting.advance(0.001)

    assert first == [(1,), (0,), Refused(0, 50_000)]
    assert still == Refused(0, 1)
    assert await left(counting, window) == (1,)


async def test_a_sliding_window_frees_each_place_when_its_slice_has_slid_out(counting: Counting) -> None:
    window = sliding(counting, 2)
    taken = [await left(counting, window)]
    await counting.advance(30)
    taken += [await left(counting, window), await left(counting, window)]
    await counting.advance(30.999)
    still = await left(counting, window)
    await counting.advance(0.001)
    freed = [await left(counting, window), await left(counting, window)]

    assert taken == [(1,), (0,), Refused(0, 31_000)]
    assert still == Refused(0, 1)
    assert freed == [(0,), Refused(0, 30_000)]


async def test_a_window_that_only_asks_lets_in_until_what_was_used_reaches_it(counting: Counting) -> None:
    window = sliding(counting, 100, amount=0)

    assert await left(counting, window) == (100,)
    await counting.counters.settle("h", [Change(window, 99)])
    assert await left(counting, window) == (1,)
    await counting.counters.settle("h", [Change(window, 99)])
    assert await left(counting, window) == Refused(0, 61_000)


async def test_what_is_given_back_counts_no_more(counting: Counting) -> None:
    window = fixed(counting, 1)
    taken = await counting.counters.take("h", [window])
    assert isinstance(taken, Taken)

    await counting.counters.settle("h", [Change(window, -1, taken.slices[0])])

    assert await left(counting, window) == (0,)


async def test_what_is_given_back_too_late_is_not_taken_off_the_next_window(counting: Counting) -> None:
    window = fixed(counting, 1)
    taken = await counting.counters.take("h", [window])
    assert isinstance(taken, Taken)
    await counting.advance(60)
    await counting.counters.take("h", [window])

    await counting.counters.settle("h", [Change(window, -1, taken.slices[0])])

    assert await left(counting, window) == Refused(0, 60_000)


async def test_slots_are_held_by_name_and_free_when_given_back(counting: Counting) -> None:
    claim = slots(counting, 2)
    assert await left(counting, claim, holder="a") == (1,)
    assert await left(counting, claim, holder="b") == (0,)
    assert await left(counting, claim, holder="c") == Refused(0, 1000)

    await counting.counters.settle("a", [Change(claim)])

    assert await left(counting, claim, holder="c") == (0,)


async def test_the_slots_of_a_killed_process_come_back_and_those_that_are_renewed_stay(counting: Counting) -> None:
    claim = slots(counting, 2)
    await counting.counters.take("killed", [claim])
    await counting.counters.take("long", [claim])
    await counting.advance(40)
    await counting.counters.renew([("long", claim), ("never heard of", claim)])
    await counting.advance(20)

    assert await left(counting, claim, holder="next") == (0,)
    assert await left(counting, claim, holder="one too many") == Refused(0, 1000)


async def test_a_purse_has_to_be_told_its_sum_once(counting: Counting) -> None:
    claim = purse(counting, 10)
    assert await left(counting, fixed(counting, 5), claim) == Unknown((1,))

    await counting.counters.tell(claim, 4)
    await counting.counters.tell(claim, 9)

    assert await left(counting, fixed(counting, 5), claim) == (4, 6)


async def test_a_purse_is_spent_when_its_sum_is_reached_and_begins_anew_with_its_period(counting: Counting) -> None:
    await counting.counters.tell(purse(counting, 10), 0)
    await counting.counters.settle("h", [Change(purse(counting, 10), 9)])
    assert await left(counting, purse(counting, 10)) == (1,)

    await counting.counters.settle("h", [Change(purse(counting, 10), 5)])

    assert await left(counting, purse(counting, 10)) == Refused(0, None)
    assert await left(counting, purse(counting, 10, period=8)) == (10,)
    await counting.counters.settle("h", [Change(purse(counting, 10, period=8), 3)])
    await counting.counters.settle("late", [Change(purse(counting, 10, period=7), 2)])
    assert await left(counting, purse(counting, 10, period=8)) == (5,)


async def test_a_forgotten_purse_is_not_begun_by_what_is_spent_of_it(counting: Counting) -> None:
    await counting.counters.settle("h", [Change(purse(counting, 10), 9)])

    assert await left(counting, purse(counting, 10)) == Unknown((0,))


async def test_sums_of_money_are_exact_where_a_double_is_not(counting: Counting) -> None:
    claim = purse(counting, MOST)
    await counting.counters.tell(claim, MOST - 3)
    await counting.counters.settle("h", [Change(claim, 2)])
    assert await left(counting, claim) == (1,)

    await counting.counters.settle("h", [Change(claim, 1)])

    assert await left(counting, claim) == Refused(0, None)


async def test_nothing_is_taken_when_one_of_the_claims_is_refused(counting: Counting) -> None:
    full = fixed(counting, 1, name="full")
    await counting.counters.take("h", [full])
    await counting.counters.tell(purse(counting, 10), 0)

    refused = await left(counting, fixed(counting, 5), slots(counting, 1), purse(counting, 10), full)

    assert refused == Refused(3, 60_000)
    assert await left(counting, fixed(counting, 5), slots(counting, 1)) == (4, 0)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 3)), max_size=40), st.integers(1, 5), st.booleans())
async def test_no_span_of_a_sliding_window_lets_more_through(
    steps: list[tuple[float, int]], most: int, slow: bool
) -> None:
    """Law: over any calls, no span of a minute has more than the limit; and after a refusal's wait there is room."""
    clock = Clock()
    clock.advance(0.337 if slow else 0)
    counters = MemoryCounters(clock.now)
    window = Window("w", most, MINUTE // SLICES, SLICES, 1)
    passed: list[int] = []
    for seconds, calls in steps:
        clock.advance(seconds)
        for _ in range(calls):
            answer = await counters.take("h", [window])
            if isinstance(answer, Taken):
                passed.append(int(clock.instant.timestamp() * 1000))

    assert all(sum(at - MINUTE < other <= at for other in passed) <= most for at in passed)
    while isinstance(answer := await counters.take("h", [window]), Refused):
        assert answer.milliseconds
        clock.advance(answer.milliseconds / 1000)
        assert isinstance(await counters.take("h", [window]), Taken)
        break
