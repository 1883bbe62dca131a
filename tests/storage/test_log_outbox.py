import asyncio

import pytest
from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt
from clinx.storage import log_outbox, nodes, request_logs
from clinx.storage.database import Database
from clinx.storage.log_outbox import BEGINNING
from support.database import START, request_log
from support.log_database import charge, ids, log, some_logs


async def test_a_log_is_there_what_it_was_here(database: Database, logs: Database):
    tried = (Attempt("dead", "k0", "m", "upstream_broken", None, 0.1, "connect: Connection refused"),)
    whole = replace(
        request_log("whole"), attempts=tried, stream=True, first_byte_seconds=0.125, refused_by="no-night",
        cost=Amount(3),
    )  # fmt: skip
    bare = replace(request_log("bare"), user_id=None, group=None, model=None, upstream_id=None, address=None, quote=())
    await log(database, whole, bare)

    await logs.atomically(log_outbox.write(await log_outbox.oldest(database, BEGINNING, 10)))

    assert await request_logs.find(logs, "whole") == whole
    assert await request_logs.find(logs, "bare") == bare


async def test_what_is_there_already_stays_as_it_is(database: Database, logs: Database):
    await log(logs, replace(request_log("twice"), outcome="first"))
    await log(database, replace(request_log("twice"), outcome="second"), request_log("once"))

    await logs.atomically(log_outbox.write(await log_outbox.oldest(database, BEGINNING, 10)))

    assert await ids(logs) == ["once", "twice"]
    found = await request_logs.find(logs, "twice")
    assert found is not None
    assert found.outcome == "first"


async def test_the_oldest_come_first_a_page_at_a_time(database: Database):
    same = replace(request_log("a"), at=START)
    await log(database, *reversed(some_logs(4)), same)

    pages = list[list[str]]()
    after = BEGINNING
    while page := await log_outbox.oldest(database, after, 2):
        pages.append([log_outbox.id_of(row) for row in page])
        after = log_outbox.place_of(page[-1])

    assert pages == [["a", "req-000"], ["req-001", "req-002"], ["req-003"]]


async def test_a_log_that_does_not_say_what_its_entries_say_stays_for_the_audit(database: Database):
    said = {"agrees": 5, "as_of_old": 5, "differs": 6, "unbooked": 7, "free": 0}
    await log(database, *(request_log(id_, charge=Amount(nano)) for id_, nano in said.items()))
    await charge(database, "agrees", 5)
    await charge(database, "as_of_old", 5, event="settle:as_of_old:2")
    await charge(database, "differs", 5)

    leaving = await log_outbox.oldest(database, BEGINNING, 10)

    assert [log_outbox.id_of(row) for row in leaving] == ["agrees", "as_of_old", "free"]


async def test_those_go_that_were_named_and_each_once(database: Database):
    await log(database, *some_logs(4))

    assert await database.atomically(log_outbox.drop(["req-001", "req-003", "never"])) == 2
    assert await database.atomically(log_outbox.drop(["req-001", "req-003", "never"])) == 0
    assert await ids(database) == ["req-000", "req-002"]


async def test_several_who_drop_the_same_drop_each_once(database: Database):
    await log(database, *some_logs(50))
    all_of_them = await ids(database)

    found = await asyncio.gather(*(database.atomically(log_outbox.drop(all_of_them)) for _ in range(4)))

    assert sum(found) == 50
    assert await ids(database) == []


async def test_a_database_in_which_a_gateway_served_has_a_ledger(database: Database, logs: Database):
    await database.atomically(nodes.begin("node_1", "host", START, 0))

    assert await log_outbox.has_ledger(database)
    assert not await log_outbox.has_ledger(logs)


async def test_looking_for_the_oldest_reads_no_whole_table(database: Database):
    if not database.location.path:
        pytest.skip("PostgreSQL chooses by statistics: an empty table is always read")

    plan = [row[3] for row in await database.fetch(f"EXPLAIN QUERY PLAN {log_outbox._OLDEST}", 0, "", 10)]

    assert not [line for line in plan if line.startswith("SCAN")]


@pytest.mark.parametrize("url", ["sqlite:////tmp/logs.db", "postgres://nobody@127.0.0.1:1/logs"])
async def test_logs_are_kept_in_a_database_of_the_same_kind(database: Database, url: str):
    if url.startswith("sqlite") is (database.location.path is not None):
        log_outbox.check_kind(database, url)
    else:
        with pytest.raises(ValueError, match="of the same kind"):
            log_outbox.check_kind(database, url)
