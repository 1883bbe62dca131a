from datetime import timedelta

import pytest
from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt, Keeper, Logged
from clinx.storage import request_logs
from clinx.storage.database import Database
from support.database import START, make_caller, make_token, request_log


async def test_a_log_comes_back_whole(database: Database):
    caller = await make_caller(database)
    tried = (Attempt("dead", "k0", "m", "upstream_broken", None, 0.1, "connect: Connection refused"),)
    log = replace(request_log("req-1", caller, charge=Amount(7)), attempts=tried, refused_by="no-night", cost=Amount(3))

    await database.atomically(request_logs.append([log, request_log("req-2")]))

    assert await request_logs.find(database, "req-1") == log
    assert await request_logs.find(database, "req-2") == request_log("req-2")
    assert await request_logs.find(database, "req-3") is None


async def test_the_newest_come_first_by_user_and_before_an_instant(database: Database):
    ann, bob = await make_caller(database, "ann"), await make_caller(database, "bob")
    logs = [replace(request_log(f"req-{n}", (ann, bob)[n % 2]), at=START + timedelta(seconds=n)) for n in range(6)]
    await database.atomically(request_logs.append(logs))

    assert await request_logs.latest(database) == logs[::-1]
    assert await request_logs.latest(database, user_id=bob.user.id, limit=2) == [logs[5], logs[3]]
    assert await request_logs.latest(database, user_id=ann.user.id, before=logs[4].at) == [logs[2], logs[0]]


async def test_the_logs_of_one_token_are_told_from_those_of_its_user(database: Database):
    ann = await make_caller(database, "ann")
    other = (await make_token(database, ann.user, name="other")).token
    logs = [
        replace(request_log(f"req-{n}", ann), at=START + timedelta(seconds=n), token_id=(ann.token.id, other.id)[n % 2])
        for n in range(4)
    ]
    await database.atomically(request_logs.append(logs))

    assert await request_logs.latest(database, user_id=ann.user.id, token_id=other.id) == [logs[3], logs[1]]
    assert await request_logs.latest(database, token_id=ann.token.id, limit=1) == [logs[2]]
    assert await request_logs.latest(database, user_id=ann.user.id + 1, token_id=other.id) == []


async def test_who_keeps_an_answer_is_found_by_its_id_and_for_its_user_only(database: Database):
    ann, bob = await make_caller(database, "ann"), await make_caller(database, "bob")
    attempts = (Attempt("dead", "k0", "m", "upstream_broken", None, 0.1), Attempt("live", "k1", "m", "ok", 200, 0.1))
    made = replace(
        request_log("req-1", ann), dialect="openai_responses", operation="chat", upstream_id="resp_1", model="gpt",
        asked_model="gpt-high", channel="live", attempts=attempts,
    )  # fmt: skip
    seen = replace(made, id="req-2", operation="stored", at=START + timedelta(seconds=1), channel="other")
    chat = replace(made, id="req-3", dialect="openai_chat", upstream_id="resp_3")
    await database.atomically(request_logs.append([made, seen, chat]))

    assert await request_logs.keeper(database, ann.user.id, "resp_1") == Keeper("live", "k1", "gpt", "gpt-high")
    assert await request_logs.keeper(database, bob.user.id, "resp_1") is None
    assert await request_logs.keeper(database, ann.user.id, "resp_3") is None


async def test_who_keeps_an_answer_is_found_where_logs_are_moved_to_as_well(database: Database, logs: Database):
    ann = await make_caller(database, "ann")
    attempts = (Attempt("live", "k1", "m", "ok", 200, 0.1),)
    waits = replace(
        request_log("req-1", ann), dialect="openai_responses", upstream_id="resp_1", channel="live", attempts=attempts
    )
    moved = replace(waits, id="req-2", upstream_id="resp_2", channel="other")
    await database.atomically(request_logs.append([waits]))
    await logs.atomically(request_logs.append([moved]))

    async def channel(answer: str) -> str | None:
        found = await request_logs.keeper(database, ann.user.id, answer, logs=logs)
        return None if found is None else found.channel

    assert [await channel(f"resp_{number}") for number in (1, 2, 3)] == ["live", "other", None]
    assert await request_logs.keeper(database, ann.user.id, "resp_2") is None


async def test_the_index_finds_it(database: Database):
    if not database.location.path:
        pytest.skip("PostgreSQL reads a table this small as a whole")
    plan = await database.fetch("EXPLAIN QUERY PLAN " + request_logs._KEEPER, "resp_1", 1)

    assert "request_log_kept" in str(plan)


async def test_traffic_is_read_page_by_page_in_order_within_a_span(database: Database):
    ann = await make_caller(database)
    logs = [replace(request_log(f"req-{n}", ann), at=START + timedelta(seconds=n // 2)) for n in range(7)]
    old = replace(request_log("old", ann), at=START - timedelta(seconds=1))
    nameless = replace(logs[6], id="req-7", asked_model=None)
    logs[0] = replace(logs[0], refused_by="no-night")
    await database.atomically(request_logs.append([*logs[::-1], old, nameless]))

    whole = request_logs.traffic(database, since=START, until=START + timedelta(seconds=4), page=3)
    pages = [page async for page in whole]

    assert [[each.id for each in page] for page in pages] == [
        ["req-0", "req-1", "req-2"],
        ["req-3", "req-4", "req-5"],
        ["req-6", "req-7"],
    ]
    first, last = pages[0][0], pages[2][1]
    assert first == Logged(
        id="req-0",
        at=1893456000000000,
        dialect="openai_chat",
        operation="chat",
        outcome="ok",
        user_id=ann.user.id,
        token_id=ann.token.id,
        group="default",
        model="gpt-4o-high",
        channel="main",
        stream=False,
        usage=logs[0].usage,
        charge=0,
        address="127.0.0.1",
        refused_by="no-night",
    )
    assert (last.model, last.refused_by) == ("gpt-4o", None)
    shorter = request_logs.traffic(database, since=START, until=START + timedelta(seconds=1))
    assert [len(page) async for page in shorter] == [2]
