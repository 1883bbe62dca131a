from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from clinx.billing.folding import fold
from clinx.billing.usage_report import Live, Question, ReportRefused, live, report
from clinx.domain.console import Keep
from clinx.domain.money import Amount
from clinx.domain.rollup import Facet, Grain
from clinx.storage import rollups
from clinx.storage.database import Database
from support.database import START, request_log

KEEP = Keep(minutes=timedelta(days=2), hours=timedelta(days=90))
NOW = START + timedelta(days=1)


async def write(database: Database, *calls: tuple[timedelta, dict[str, Any]]) -> None:
    logs = [replace(request_log(f"req-{n}"), at=START + after, **fields) for n, (after, fields) in enumerate(calls)]
    await database.atomically(rollups.append(logs))
    await fold(database)


async def ask(database: Database, since: datetime, until: datetime, **more: Any) -> tuple[Grain, list[Any], list[Any]]:
    found = await report(database, Question(since, until, **more), now=NOW, keep=KEEP)
    return (
        found.grain,
        [(name, sums.requests) for name, sums in found.totals],
        [((point.start - START), point.name, point.measures.requests) for point in found.points],
    )


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("since", "length", "grain"),
    [
        (START, 3 * HOUR, Grain.MINUTE),
        (START, 3 * HOUR + MINUTE, Grain.HOUR),
        (START, timedelta(days=7), Grain.HOUR),
        (START, timedelta(days=8), Grain.DAY),
        (START - timedelta(days=3), HOUR, Grain.HOUR),
        (START - timedelta(days=91), HOUR, Grain.DAY),
    ],
    ids=["three hours", "more", "a week", "longer", "no minutes any more", "no hours any more"],
)
async def test_the_grain_is_the_finest_that_fits_and_is_kept(
    database: Database, since: datetime, length: timedelta, grain: Grain
):
    assert (await ask(database, since, since + length))[0] is grain


async def test_spans_are_whole_ones_around_the_times(database: Database):
    await write(database, (timedelta(seconds=1), {}), (timedelta(seconds=119), {}), (timedelta(seconds=121), {}))

    since = START + timedelta(seconds=59)
    found = await report(database, Question(since, since + MINUTE), now=NOW, keep=KEEP)

    assert (found.since, found.until) == (START, START + 2 * MINUTE)
    assert [(point.start, point.measures.requests) for point in found.points] == [(START, 1), (START + MINUTE, 1)]
    assert [(name, sums.requests) for name, sums in found.totals] == [("", 2)]


async def test_the_dearest_names_are_shown_with_their_spans(database: Database):
    def call(model: str, charge: int) -> dict[str, Any]:
        return {"model": model, "charge": Amount(charge)}

    await write(
        database,
        (timedelta(0), call("dear", 9)),
        (timedelta(0), call("cheap", 1)),
        (HOUR, call("cheap", 1)),
        (HOUR, call("middling", 5)),
    )

    grain, totals, points = await ask(database, START, START + 4 * HOUR, by=Facet.MODEL, most=2)

    assert grain is Grain.HOUR
    assert totals == [("dear", 1), ("middling", 1)]
    assert points == [(timedelta(0), "dear", 1), (HOUR, "middling", 1)]
    assert (await ask(database, START, START + 4 * HOUR, by=Facet.MODEL, names=["cheap"]))[2] == [
        (timedelta(0), "cheap", 1),
        (HOUR, "cheap", 1),
    ]


async def test_of_one_user(database: Database):
    await write(
        database,
        (timedelta(0), {"user_id": 5, "token_id": 50}),
        (timedelta(0), {"user_id": 5, "token_id": 51}),
        (timedelta(0), {"user_id": 6, "token_id": 60}),
    )

    assert (await ask(database, START, START + HOUR, user_id=5))[1] == [("", 2)]
    assert (await ask(database, START, START + HOUR, user_id=5, by=Facet.TOKEN))[1] == [("50", 1), ("51", 1)]
    assert (await ask(database, START, START + HOUR, by=Facet.USER))[1] == [("5", 2), ("6", 1)]
    assert (await ask(database, START, START + HOUR))[1] == [("", 3)]
    assert await ask(database, START, START + HOUR, user_id=7) == (Grain.MINUTE, [], [])


@pytest.mark.parametrize(
    ("question", "code", "parameters"),
    [
        ({"until": START}, "wrong_window", {}),
        ({"user_id": 5, "by": Facet.CHANNEL}, "wrong_facet", {"by": "channel"}),
        ({"user_id": 5, "by": Facet.USER}, "wrong_facet", {"by": "user"}),
        ({"since": START - timedelta(days=2), "grain": Grain.MINUTE}, "not_kept", {"grain": "minute"}),
        ({"until": START + timedelta(days=2001)}, "too_many_spans", {"most": 2000, "spans": 2001}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_reports_that_there_are_not(
    database: Database, question: dict[str, Any], code: str, parameters: dict[str, Any]
):
    fields: dict[str, Any] = {"since": START, "until": START + HOUR, **question}
    asked = Question(**fields)

    with pytest.raises(ReportRefused) as refused:
        await report(database, asked, now=NOW, keep=KEEP)

    assert (refused.value.code, refused.value.parameters) == (code, parameters)


async def test_many_spans_leave_room_for_few_names(database: Database):
    calls = [(timedelta(0), {"model": f"m{number}", "charge": Amount(number)}) for number in range(9)]
    await write(database, *calls)

    _, totals, points = await ask(database, START, START + timedelta(days=1000), by=Facet.MODEL, most=100)

    assert [name for name, _ in totals] == ["m8", "m7", "m6", "m5", "m4"]
    assert len(points) == 5


def spread(*seconds: int) -> Sequence[tuple[timedelta, dict[str, Any]]]:
    return [(timedelta(seconds=second), {"user_id": 1 + second % 2}) for second in seconds]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(60, Live(4 + 1, 120 + 30)), (75, Live(3 + 1, 90 + 30)), (119, Live(0 + 1, 2 + 30)), (181, Live(0, 0))],
    ids=["the last minute", "and a part", "nearly only this one", "long ago"],
)
async def test_how_busy_it_is_is_estimated_from_two_minutes(database: Database, seconds: int, expected: Live):
    await write(database, *spread(0, 1, 2, 3, 61))

    assert await live(database, now=START + timedelta(seconds=seconds)) == expected


async def test_how_busy_one_user_is(database: Database):
    await write(database, *spread(0, 1, 2, 3, 5))

    assert await live(database, now=START + timedelta(seconds=10), user_id=2) == Live(3, 90)
