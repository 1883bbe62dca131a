import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from clinx.billing.outage import EVERY, Outage, Seldom, Stopwatch
from support.database import Clock

Said = list[tuple[int, str, dict[str, object]]]
FIELDS = ("reason", "waiting", "seconds", "failures", "refused")


def nanoseconds(clock: Clock) -> Callable[[], int]:
    return lambda: round(clock.monotonic() * 1_000_000_000)


def said(caplog: pytest.LogCaptureFixture) -> Said:
    found = [
        (record.levelno, record.message, {name: vars(record)[name] for name in FIELDS if name in vars(record)})
        for record in caplog.records
    ]
    assert all(record.exc_info is None for record in caplog.records)
    caplog.clear()
    return found


def test_an_outage_has_a_beginning_a_line_now_and_then_and_an_end(clock: Clock, caplog: pytest.LogCaptureFixture):
    outage = Outage(nanoseconds(clock))
    outage.end()
    assert (outage.is_on, outage.lasted, said(caplog)) == (False, timedelta(), [])

    outage.fail("refused", waiting=3)
    assert said(caplog) == [(logging.ERROR, "billing.unavailable", {"reason": "refused", "waiting": 3})]

    for _ in range(99):
        clock.advance(0.1)
        outage.fail("refused", waiting=4)
        outage.refuse()
    assert said(caplog) == []

    clock.advance(0.2)
    outage.fail("no such database", waiting=5)
    outage.fail("no such database", waiting=5)
    counts = {"reason": "no such database", "waiting": 5, "seconds": 10.1, "failures": 101, "refused": 99}
    assert said(caplog) == [(logging.WARNING, "billing.still_unavailable", counts)]

    assert outage.is_on
    outage.end()
    assert said(caplog) == [(logging.WARNING, "billing.recovered", {"seconds": 10.1, "failures": 102, "refused": 99})]
    assert (outage.is_on, outage.lasted) == (False, timedelta())


def test_the_next_outage_counts_from_nothing(clock: Clock, caplog: pytest.LogCaptureFixture):
    outage = Outage(nanoseconds(clock))
    for _ in range(2):
        outage.fail("refused", waiting=0)
        clock.advance(1)
        outage.end()

    begins = (logging.ERROR, "billing.unavailable", {"reason": "refused", "waiting": 0})
    ends = (logging.WARNING, "billing.recovered", {"seconds": 1.0, "failures": 1, "refused": 0})
    assert said(caplog) == [begins, ends] * 2


def test_a_stopwatch_begins_when_it_is_made_and_when_it_is_told_to(clock: Clock):
    watch = Stopwatch(nanoseconds(clock))
    clock.advance(1.25)
    assert watch.elapsed == timedelta(seconds=1.25)

    watch.restart()
    assert watch.elapsed == timedelta()


def test_what_happens_often_is_counted_between_two_lines(clock: Clock):
    seldom = Seldom(nanoseconds(clock))
    assert [seldom.count() for _ in range(3)] == [1, 0, 0]

    clock.advance(EVERY.total_seconds() - 0.5)
    assert seldom.count() == 0
    clock.advance(0.5)
    assert [seldom.count(), seldom.count()] == [4, 0]
