from __future__ import annotations

from clinx.domain.resilience import ChannelLimits
from clinx.routing.occupancy import Occupancy
from support.channels import channel


def test_attempts_under_way_are_counted_by_channel() -> None:
    occupancy, one = Occupancy(), channel("one")

    occupancy.enter(one, 0, 0.0)
    occupancy.enter(one, 0, 0.0)
    occupancy.leave(one, 0, 0.0, 0.0)

    assert (occupancy.under_way("one"), occupancy.under_way("other")) == (1, 0)


def test_a_channel_takes_so_many_at_a_time() -> None:
    occupancy, narrow = Occupancy(), channel(limits=ChannelLimits(concurrency=1))

    assert occupancy.enter(narrow, 0, 0.0)
    assert not occupancy.enter(narrow, 0, 0.0)
    assert occupancy.free_in(narrow, 0, 0.0) == float("inf")
    occupancy.leave(narrow, 0, 0.0, 0.0)
    assert occupancy.enter(narrow, 0, 0.0)


def test_a_channel_takes_so_many_within_a_minute() -> None:
    occupancy, slow = Occupancy(), channel(limits=ChannelLimits(rpm=2))

    entered = [occupancy.enter(slow, 0, at) for at in (0.0, 1.0, 2.0, 60.9, 61.0, 61.0)]

    assert entered == [True, True, False, False, True, False]
    assert occupancy.free_in(slow, 0, 61.0) == 1.0


def test_tokens_are_estimated_first_and_then_what_was_used() -> None:
    occupancy, small = Occupancy(), channel(limits=ChannelLimits(tpm=100))

    assert occupancy.enter(small, 60, 0.0)
    assert not occupancy.enter(small, 60, 0.0)
    occupancy.leave(small, -40, 1.0, 0.0)
    assert occupancy.enter(small, 60, 1.0)
    occupancy.leave(small, 500, 2.0, 1.0)
    assert not occupancy.enter(small, 1, 3.0)


def test_what_is_larger_than_a_minute_s_tokens_goes_when_nothing_else_was_there() -> None:
    occupancy, small = Occupancy(), channel(limits=ChannelLimits(tpm=100))

    assert occupancy.enter(small, 1000, 0.0)
    assert not occupancy.enter(small, 1000, 30.0)
    assert occupancy.enter(small, 1000, 61.0)


def test_idle_channels_that_are_gone_are_forgotten() -> None:
    occupancy, gone, busy = Occupancy(), channel("gone"), channel("busy")
    for each in (gone, busy):
        occupancy.enter(each, 0, 0.0)
    occupancy.leave(gone, 0, 0.0, 0.0)

    occupancy.forget_others([])

    assert list(occupancy._loads) == ["busy"]
