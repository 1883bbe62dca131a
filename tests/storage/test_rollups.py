import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from clinx.domain.money import MAX_NANO, Amount
from clinx.domain.rollup import EVERYBODY, Facet, Grain, Measures
from clinx.domain.usage import Usage
from clinx.storage import rollups
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict
from clinx.storage.program import execute
from clinx.storage.rollups import Series
from support.database import START, make_caller, request_log

DAYS = Series(Facet.TOTAL, Grain.DAY, START, START + timedelta(days=2), EVERYBODY)


async def test_facts_are_summed_up_once(database: Database):
    caller = await make_caller(database)
    log = replace(
        request_log("req-1", caller, charge=Amount(7)), usage=Usage(input=6, cache_read=4, output=20),
        seconds=0.7004, first_byte_seconds=0.12,
    )  # fmt: skip
    broken = replace(log, id="req-2", outcome="upstream_broken", cost=Amount(3))
    await database.atomically(rollups.append([log, broken]))
    await database.atomically(rollups.append([replace(log, id="req-3", at=START + timedelta(days=1))]))

    assert await rollups.fold(database) == 3
    assert await rollups.fold(database) == 0

    first, second = await database.look(rollups.points(DAYS, 10))
    assert (first.start, first.name) == (START, "")
    assert first.measures == Measures(
        requests=2, failures=1, input_tokens=20, output_tokens=40, cached_tokens=8, charge=Amount(14), millis=700,
        first_bytes=1, first_byte_millis=120, cost=Amount(3), costed_charge=Amount(7), costed_requests=1,
        latencies=(0, 0, 0, 1, *[0] * 10),
    )  # fmt: skip
    assert (second.start, second.measures.requests) == (START + timedelta(days=1), 1)
    assert await database.fetch("SELECT * FROM rollup_fact") == []


async def test_sums_go_on_where_they_were(database: Database):
    for number in range(3):
        await database.atomically(rollups.append([request_log(f"req-{number}")]))
        await rollups.fold(database)

    (point,) = await database.look(rollups.points(DAYS, 10))
    assert point.measures.requests == 3


async def test_those_who_fold_at_once_sum_up_once(database: Database):
    for number in range(20):
        await database.atomically(rollups.append([request_log(f"req-{number}")]))

    outcomes = await asyncio.gather(*(rollups.fold(database) for _ in range(4)), return_exceptions=True)
    while await rollups.fold(database):
        pass

    assert {type(outcome) for outcome in outcomes} <= {int, StorageConflict}
    (point,) = await database.look(rollups.points(DAYS, 10))
    assert point.measures.requests == 20


async def test_one_transaction_folds_so_much(database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollups, "MOST_FACTS", 3)
    for number in range(4):
        await database.atomically(rollups.append([request_log(f"a-{number}"), request_log(f"b-{number}")]))

    assert [await rollups.fold(database) for _ in range(3)] == [4, 4, 0]


async def test_counts_beyond_reason_do_not_stop_the_sums(database: Database):
    absurd = replace(request_log("req-1"), usage=Usage(input=10**30, output=5), seconds=1e300)
    await database.atomically(rollups.append([absurd, request_log("req-2")]))

    assert await rollups.fold(database) == 2

    (point,) = await database.look(rollups.points(DAYS, 10))
    assert (point.measures.requests, point.measures.input_tokens, point.measures.output_tokens) == (2, 10**12 + 10, 25)


async def test_costs_beyond_reason_do_not_stop_the_sums(database: Database):
    """No balance bounds them: a rate that was meant for a million tokens and is for each."""
    dear = replace(request_log("req-1"), cost=Amount(MAX_NANO - 1))
    for _ in range(2):
        await database.atomically(rollups.append([dear, dear]))
        assert await rollups.fold(database) == 2

    (point,) = await database.look(rollups.points(DAYS, 10))
    assert (point.measures.requests, point.measures.known_cost) == (4, Amount(MAX_NANO))


async def test_facts_of_yesterday_say_nothing_of_costs_and_are_summed_up(database: Database):
    """As they were written before there were costs: this line only ever gets company."""
    day = int(START.timestamp()) * 1_000_000
    facts = f'[[{day},1,2,"gpt-4o","main","default",true,10,20,4,7,250,null]]'
    await database.atomically(execute("INSERT INTO rollup_fact (facts) VALUES ($1)", facts))

    assert await rollups.fold(database) == 1

    (point,) = await database.look(rollups.points(DAYS, 10))
    assert (point.measures.requests, point.measures.charge, point.measures.margin) == (1, Amount(7), None)


async def test_the_dearest_come_first_and_then_those_most_used(database: Database):
    logs = [
        replace(request_log(f"{model}-{number}", charge=Amount(charge)), model=model)
        for model, charge, times in [("cheap", 1, 3), ("dear", 9, 1), ("free", 0, 1), ("idle", 0, 2)]
        for number in range(times)
    ]
    await database.atomically(rollups.append(logs))
    await rollups.fold(database)
    models = replace(DAYS, facet=Facet.MODEL)

    found = await database.look(rollups.dearest(models, 3))

    assert found == ["dear", "cheap", "idle"]
    named = replace(models, names=["free", "dear", "nothing"])
    assert [point.name for point in await database.look(rollups.points(named, 10))] == ["dear", "free"]
    assert await database.look(rollups.dearest(named, 10)) == ["dear", "free"]


async def test_a_user_has_sums_of_its_own(database: Database):
    ann, bob = await make_caller(database, "ann"), await make_caller(database, "bob")
    await database.atomically(
        rollups.append([request_log("a", ann), request_log("b", bob), request_log("c", bob), request_log("nobody")])
    )
    await rollups.fold(database)

    def requests(user_id: int, facet: Facet) -> Series:
        return replace(DAYS, user_id=user_id, facet=facet)

    users = await database.look(rollups.dearest(requests(EVERYBODY, Facet.USER), 10))
    tokens = await database.look(rollups.dearest(requests(bob.user.id, Facet.TOKEN), 10))
    (total,) = await database.look(rollups.points(requests(ann.user.id, Facet.TOTAL), 10))
    assert users == [str(bob.user.id), str(ann.user.id)]
    assert tokens == [str(bob.token.id)]
    assert total.measures.requests == 1


async def test_what_callers_write_is_kept_storable(database: Database):
    log = replace(request_log("req-1"), model="a\x00b\ud800" + "x" * 300)
    await database.atomically(rollups.append([log]))
    await rollups.fold(database)

    (point,) = await database.look(rollups.points(replace(DAYS, facet=Facet.MODEL), 10))
    assert (point.name, point.measures.requests) == ("a�b?" + "x" * 251, 1)


async def test_an_exchange_without_an_entry_is_noted_once(database: Database):
    assert await database.atomically(rollups.count(["a", "b"], START)) == frozenset()
    assert await database.atomically(rollups.count(["b", "c"], START)) == {"b"}
    assert await database.atomically(rollups.count([], START)) == frozenset()
    assert await database.atomically(rollups.count(["x" * 200], START)) == frozenset()
    assert await database.atomically(rollups.count(["x" * 200], START)) == {"x" * 200}
