from __future__ import annotations

from datetime import timedelta

from clinx.config.effects import Served, compare
from clinx.config.tree import default_tree, read_tree
from clinx.relay.inquiries.plan_sections import Outcome, Side
from clinx.relay.inquiries.traffic import replayed, with_tokens
from clinx.storage import request_logs
from support.database import START, make_caller, request_log
from support.station import Station


def served(station: Station) -> Served:
    return Served(read_tree(station.root, default_tree()), station.current.snapshot)


async def test_the_same_tree_takes_nothing_from_tokens(station: Station) -> None:
    await make_caller(station.database)
    side = served(station)

    found = await with_tokens(
        Outcome(Side("a", "1"), Side("b", "1"), compare(side, side)), station.database, side, side
    )

    assert (found.losses, found.stranded) == ((), ())


async def test_calls_of_the_span_are_replayed_up_to_so_many(station: Station) -> None:
    caller = await make_caller(station.database, balance="1")
    await station.database.atomically(request_logs.append([request_log(f"r{n}", caller) for n in range(3)]))
    since, until = START, START + timedelta(minutes=1)

    counts = []
    for most in (None, 3, 2):
        replay, count, is_cut = await replayed(
            station.database, station.database, served(station), since=since, until=until, most=most
        )
        counts.append((count, is_cut, replay.report().total.calls + replay.report().left_out))
    _, before, _ = await replayed(
        station.database, station.database, served(station), since=since - timedelta(1), until=since
    )

    assert counts == [(3, False, 3), (3, False, 3), (2, True, 2)]
    assert before == 0
