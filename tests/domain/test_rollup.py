from datetime import timedelta

import pytest

from clinx.domain.money import MAX_NANO, Amount
from clinx.domain.rollup import BOUNDS, SUMS, Fact, Grain, Measures, tally

MINUTE = 60_000_000
AT = 1_893_456_000_000_000
"""2030-01-01T00:00:00Z."""


def fact(
    at: int = AT,
    *,
    user_id: int | None = 7,
    channel: str | None = "main",
    succeeded: bool = True,
    millis: int = 250,
    cost: int | None = None,
) -> Fact:
    return Fact(
        at=at,
        user_id=user_id,
        token_id=None if user_id is None else 70,
        model="gpt",
        channel=channel,
        group="default",
        succeeded=succeeded,
        input_tokens=10,
        output_tokens=20,
        cached_tokens=4,
        charge=5,
        millis=millis,
        first_byte_millis=40,
        cost=cost,
    )


def measures(latencies: dict[int, int], millis: int = 0) -> Measures:
    buckets = [latencies.get(number, 0) for number in range(len(BOUNDS) + 1)]
    return Measures.of([sum(buckets), 0, 0, 0, 0, 0, millis, 0, 0, 0, 0, 0, *buckets])


def test_a_fact_counts_for_everything_it_names_in_each_grain():
    sums = tally([fact()])

    assert {key[:4] for key in sums} == {
        (AT, whose, facet, name)
        for whose, facet, name in [
            (0, "total", ""),
            (0, "model", "gpt"),
            (0, "user", "7"),
            (0, "token", "70"),
            (0, "channel", "main"),
            (0, "group", "default"),
            (7, "total", ""),
            (7, "model", "gpt"),
            (7, "token", "70"),
            (7, "group", "default"),
        ]
    }
    assert {key[4] for key in sums} == {"minute", "hour", "day"}
    assert len(sums) == 30
    assert {tuple(each) for each in sums.values()} == {(1, 0, 10, 20, 4, 5, 250, 1, 40, 0, 0, 0, 0, 0, 1, *[0] * 11)}


def test_one_of_nobody_on_no_channel_counts_for_neither():
    sums = tally([fact(user_id=None, channel=None)])

    assert {key[1:4] for key in sums} == {(0, "total", ""), (0, "model", "gpt"), (0, "group", "default")}


def test_spans_begin_at_whole_minutes_hours_and_days():
    facts = [fact(AT + 59_999_999), fact(AT + MINUTE), fact(AT + 61 * MINUTE), fact(AT + 24 * 60 * MINUTE)]
    sums = tally(facts)

    counts = {(key[4], key[0] - AT): each[0] for key, each in sums.items() if key[1:4] == (0, "total", "")}
    assert counts == {
        ("minute", 0): 1,
        ("minute", MINUTE): 1,
        ("minute", 61 * MINUTE): 1,
        ("minute", 1440 * MINUTE): 1,
        ("hour", 0): 2,
        ("hour", 60 * MINUTE): 1,
        ("hour", 1440 * MINUTE): 1,
        ("day", 0): 3,
        ("day", 1440 * MINUTE): 1,
    }


def test_what_failed_has_no_latency():
    sums = tally([fact(), fact(succeeded=False, millis=90_000)])[(AT, 0, "total", "", "day")]

    assert Measures.of(sums) == Measures(
        requests=2,
        failures=1,
        input_tokens=20,
        output_tokens=40,
        cached_tokens=8,
        charge=Amount(10),
        millis=250,
        first_bytes=1,
        first_byte_millis=40,
        cost=Amount(0),
        costed_charge=Amount(0),
        costed_requests=0,
        latencies=(0, 0, 1, *[0] * 11),
    )


@pytest.mark.parametrize(("millis", "bucket"), [(0, 0), (99, 0), (100, 1), (119_999, 12), (120_000, 13), (10**9, 13)])
def test_each_bucket_ends_before_its_bound(millis: int, bucket: int):
    sums = tally([fact(millis=millis)])[(AT, 0, "total", "", "day")]

    assert list(sums[len(SUMS) :]).index(1) == bucket


@pytest.mark.parametrize(
    ("latencies", "percent", "millis"),
    [({0: 10}, 50, 50), ({0: 1, 1: 1}, 50, 100), ({0: 9, 3: 1}, 95, 750), ({13: 3}, 99, 120_000), ({2: 4}, 100, 500)],
)
def test_percentiles_are_estimated_within_their_bucket(latencies: dict[int, int], percent: int, millis: int):
    assert measures(latencies).latency(percent) == timedelta(milliseconds=millis)


def test_of_nothing_there_is_no_latency():
    nothing = measures({})

    assert (nothing.latency(50), nothing.mean_latency, nothing.mean_first_byte) == (None, None, None)


def test_means_are_of_those_that_count():
    several = Measures.of([5, 2, 0, 0, 0, 0, 600, 2, 300, 0, 0, 0, 0, 3, *[0] * 12])

    assert several.mean_latency == timedelta(milliseconds=200)
    assert several.mean_first_byte == timedelta(milliseconds=150)


def test_grains_say_how_long_they_are():
    assert [(grain.width, grain.micros) for grain in Grain] == [
        (timedelta(minutes=1), 60_000_000),
        (timedelta(hours=1), 3_600_000_000),
        (timedelta(days=1), 86_400_000_000),
    ]


def test_measures_add_up():
    sums = tally([fact(), fact(succeeded=False)])[(AT, 0, "total", "", "day")]
    more = tally([fact(millis=90_000)])[(AT, 0, "total", "", "day")]

    assert Measures.of(sums) + Measures.of(more) == Measures.of([a + b for a, b in zip(sums, more, strict=True)])


def test_a_margin_is_of_those_whose_cost_is_known():
    """Of a charge of 5 each: one cost 2, one 9 although it failed, one nothing; of the others nobody knows."""
    facts = [fact(cost=2), fact(cost=9, succeeded=False), fact(cost=0), fact(), fact(succeeded=False)]
    known = Measures.of(tally(facts)[(AT, 0, "total", "", "day")])

    assert (known.requests, known.charge) == (5, Amount(25))
    assert (known.costed_requests, known.costed_charge, known.known_cost) == (3, Amount(15), Amount(11))
    assert known.margin == Amount(4)


def test_where_no_cost_is_known_there_is_none_and_no_margin():
    unknown = Measures.of(tally([fact(), fact()])[(AT, 0, "total", "", "day")])

    assert (unknown.charge, unknown.known_cost, unknown.margin) == (Amount(10), None, None)
    assert (unknown + Measures.of(tally([fact(cost=7)])[(AT, 0, "total", "", "day")])).margin == Amount(-2)


def test_costs_beyond_what_an_amount_holds_are_the_most_it_holds():
    dear = Measures.of(tally([fact(cost=MAX_NANO), fact(cost=MAX_NANO)])[(AT, 0, "total", "", "day")])

    assert (dear + dear).known_cost == Amount(MAX_NANO)
