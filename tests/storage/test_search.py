from dataclasses import replace as changed
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt, RequestLog
from clinx.storage import request_logs, search
from clinx.storage.database import Database
from clinx.storage.program import for_sqlite
from clinx.storage.search import Filter, Place
from support.database import START, request_log

ALL = Filter(START, START + timedelta(hours=1))


def made(number: int, **fields: Any) -> RequestLog:
    at = START + timedelta(seconds=number // 2)  # Two of each instant.
    return replace(request_log(f"req-{number}"), at=at, **fields)


async def write(database: Database, *logs: RequestLog) -> None:
    await database.atomically(request_logs.append(logs))


async def ids(database: Database, wanted: Filter, **more: Any) -> list[str]:
    return [log.id for log in await search.search(database, wanted, **more)]


async def test_a_log_comes_back_whole(database: Database):
    tried = (Attempt("dead", "k0", "m", "upstream_broken", None, 0.1, "connect: Connection refused"),)
    log = replace(
        request_log("req-1", charge=Amount(7)), attempts=tried, refused_by="no-night", cost=Amount(3),
        stream=True, user_id=3,
        token_id=4, group="vip", first_byte_seconds=0.5,
    )  # fmt: skip
    await write(database, log, request_log("req-2"))

    assert await search.search(database, ALL) == [request_log("req-2"), log]


async def test_pages_go_from_the_newest_to_the_oldest_and_miss_nothing(database: Database):
    logs = [made(number) for number in range(7)]
    await write(database, *logs)

    first = await search.search(database, ALL, limit=3)
    second = await search.search(database, ALL, after=Place.of(first[-1]), limit=3)
    third = await search.search(database, ALL, after=Place.of(second[-1]), limit=3)

    assert [*first, *second, *third] == logs[::-1]
    assert await search.search(database, ALL, after=Place.of(third[-1])) == []


async def test_a_place_behind_the_window_does_not_widen_it(database: Database):
    await write(database, made(0), made(20))
    early = changed(ALL, until=START + timedelta(seconds=5))

    assert await ids(database, early, after=Place(START + timedelta(days=1), "z")) == ["req-0"]


async def test_a_page_has_an_end(database: Database):
    await write(database, *(made(number) for number in range(search.MOST + 5)))

    assert len(await ids(database, ALL, limit=10_000)) == search.MOST + 1  # One tells that there is a next page.


async def test_the_window_begins_included_and_ends_excluded(database: Database):
    await write(database, made(0), made(2), made(4))

    assert await ids(database, Filter(START, START + timedelta(seconds=2))) == ["req-2", "req-0"]
    assert await ids(database, Filter(START + timedelta(seconds=1), START + timedelta(seconds=2))) == ["req-2"]


@pytest.mark.parametrize(
    "given",
    [
        {"user_id": 5},
        {"token_id": 6},
        {"model": "other"},
        {"channel": "other"},
        {"group": "other"},
        {"outcome": "upstream_broken"},
        {"upstream_id": "resp_9"},
    ],
    ids=lambda given: next(iter(given)),
)
async def test_each_filter_finds_its_own(database: Database, given: dict[str, Any]):
    await write(database, made(0), made(1, **given), made(2))

    assert await ids(database, changed(ALL, **given)) == ["req-1"]


async def test_by_id_and_by_whether_it_failed(database: Database):
    await write(database, made(0), made(1, outcome="refused"), made(2), made(3, outcome="upstream_broken"))

    assert await ids(database, changed(ALL, id="req-2")) == ["req-2"]
    assert await ids(database, changed(ALL, failed=True)) == ["req-3", "req-1"]
    assert await ids(database, changed(ALL, outcome="ok")) == ["req-2", "req-0"]
    assert await ids(database, changed(ALL, outcome="ok", failed=True)) == []


async def test_filters_are_added_up(database: Database):
    await write(database, made(0, user_id=5, model="a"), made(1, user_id=5, model="b"), made(2, user_id=6, model="a"))

    assert await ids(database, changed(ALL, user_id=5, model="a")) == ["req-0"]
    assert await ids(database, changed(ALL, model="nul\x00\ud800")) == []


async def test_counting_stops_at_the_most(database: Database):
    await write(database, *(made(number, user_id=number % 2) for number in range(9)))

    assert await search.count(database, ALL, most=100) == 9
    assert await search.count(database, changed(ALL, user_id=0), most=4) == 4


async def test_an_export_is_everything_in_pages(database: Database):
    logs = [made(number, user_id=number % 3) for number in range(10)]
    await write(database, *logs)

    pages = [page async for page in search.export(database, changed(ALL, user_id=1), page=2)]

    assert [[log.id for log in page] for page in pages] == [["req-7", "req-4"], ["req-1"]]


async def test_many_filters_go_through_the_one_that_leaves_least(database: Database):
    common = {"user_id": 5, "model": "common", "channel": "c"}
    await write(database, *(made(number, **common) for number in range(9)), made(9, **{**common, "model": "rare"}))
    broken = made(10, **{**common, "outcome": "broken"})
    await write(database, broken, *(made(number, model="common") for number in range(11, 13)))

    for wanted, found, through in [
        (changed(ALL, user_id=5, model="rare"), ["req-9"], "model"),
        (changed(ALL, user_id=5, model="common", outcome="broken"), ["req-10"], "outcome"),
        (changed(ALL, user_id=5, failed=True), ["req-10"], "at"),
        (changed(ALL, user_id=5, model="common", id="req-3"), ["req-3"], "id"),
        (changed(ALL, user_id=5, model="rare", failed=True), [], "model"),
    ]:
        assert await ids(database, wanted) == found
        assert await search.count(database, wanted, most=9) == len(found)
        assert await search._narrowest(database, wanted) == through


@pytest.mark.parametrize("after", [None, Place(START + timedelta(minutes=5), "req-1")], ids=["first", "next"])
@pytest.mark.parametrize(
    ("given", "index"),
    [
        ({}, "at"),
        ({"user_id": 5}, "user_id"),
        ({"token_id": 6}, "token_id"),
        ({"model": "m"}, "model"),
        ({"channel": "c"}, "channel"),
        ({"group": "g"}, "group"),
        ({"outcome": "refused"}, "outcome"),
        ({"failed": True}, "outcome <> 'ok'"),
        ({"upstream_id": "u"}, "upstream_id"),
        ({"id": "i"}, "id"),
        ({"user_id": 5, "model": "m", "outcome": "refused"}, "user_id"),
        ({"channel": "c", "failed": True}, "channel"),
    ],
    ids=lambda given: next(iter(given), "window") if isinstance(given, dict) else "",
)
async def test_no_filter_reads_the_table_from_one_end_to_the_other(
    database: Database, given: dict[str, Any], index: str, after: Place | None
):
    if database.location.path is None:
        pytest.skip("PostgreSQL chooses by statistics: an empty table is always read")
    wanted = changed(ALL, **given)
    sql, values = search.statement(wanted, after, 50, await search._narrowest(database, wanted))

    plan = [row[3] for row in await database.fetch(f"EXPLAIN QUERY PLAN {for_sqlite(sql)}", *values)]

    assert plan[0].startswith("SEARCH request_log USING INDEX")
    (name,) = (word for word in plan[0].split() if word.startswith(("idx_", "request_log_", "sqlite_autoindex")))
    definitions = await database.fetch("SELECT sql FROM sqlite_master WHERE name = $1", name)
    assert f"{index}" in str(definitions[0][0] or "id").replace('"', "")


async def test_the_calls_that_began_last_are_named(database: Database):
    await write(database, *(made(number) for number in range(0, 10, 2)))

    assert await search.newest(database, START + timedelta(seconds=2), limit=9) == ["req-8", "req-6", "req-4"]
    assert await search.newest(database, START, limit=2) == ["req-8", "req-6"]


async def test_logs_are_read_by_their_ids(database: Database):
    logs = [made(number) for number in range(4)]
    await write(database, *logs)

    assert await search.by_ids(database, ["req-3", "none", "req-1"]) == [logs[1], logs[3]]
    assert await search.by_ids(database, []) == []
