"""Whatever comes in whatever order and however often, and whenever it is summed up: the days are what the logs say."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from clinx.billing.batch import Overtaken, Passage, execute, ship
from clinx.billing.operations import Hold, Operation, Record, Release, Settle
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation
from clinx.domain.money import Amount
from clinx.domain.rollup import Facet
from clinx.domain.usage import Usage
from clinx.storage import nodes, rollups
from clinx.storage.database import Database
from clinx.storage.program import Program, Step
from support.database import (
    ORIGIN,
    POSTGRES,
    START,
    _copied,
    _migrated_database,
    _migrated_file,
    make_caller,
    request_log,
)

__all__ = ["_migrated_database", "_migrated_file"]

KINDS = ("charged", "free", "held", "released", "given back", "recorded")
calls = st.tuples(
    st.integers(0, 11),  # Which exchange: some are told again.
    st.integers(0, 3),  # How often in this batch.
)
batches = st.lists(
    st.tuples(
        st.lists(calls, max_size=6),
        st.sampled_from(["vault", "shipped", "shipped twice", "dies", "folds", "folds and dies"]),
    ),
    min_size=1,
    max_size=8,
)


class Death(Exception):
    """The process is killed here."""


def dying(program: Program[object], steps: int) -> Program[object]:
    """Run a program as far as some step, and die."""
    answer: object = None
    for _ in range(steps):
        try:
            step: Step = program.send(answer)
        except StopIteration:
            break
        answer = yield step
    program.close()
    raise Death


def exchange(number: int, caller: Principal) -> tuple[Operation, ...]:
    """What is told of an exchange: which kind it is, when and of what are fixed by its number."""
    kind = KINDS[number % len(KINDS)]
    charge = Amount(number + 1) if kind in {"charged", "held"} else Amount(0)
    nobody = kind == "recorded" and number > 6
    log = replace(
        request_log(f"req-{number}", None if nobody else caller, charge=charge),
        at=START + timedelta(hours=number * 7),
        model=None if nobody else f"model-{number % 3}",
        channel=None if kind in {"recorded", "given back"} else f"channel-{number % 2}",
        outcome="ok" if number % 4 else "upstream_broken",
        usage=Usage(input=number, cache_read=number % 5, output=2 * number),
        cost=Amount(3 * number) if number % 3 else None,
    )
    leased = kind in {"charged", "free", "released"}
    held = Reservation(log.id, caller.user.id, caller.token.id, Amount(number + 1), "r1", leased=leased)
    match kind:
        case "recorded":
            return (Record(log),)
        case "released" | "given back":
            return (Release(held, log),)
        case _:
            return (Settle(held, charge, log),)


def holds(caller: Principal) -> list[Operation]:
    """What is held in the database before it is settled or given back."""
    operations = [exchange(number, caller)[0] for number in range(12)]
    found: Sequence[Reservation] = [
        operation.reservation for operation in operations if isinstance(operation, Settle | Release)
    ]
    return [Hold(held, START + timedelta(days=9)) for held in found if not held.leased]


async def carry_out(
    database: Database, caller: Principal, plan: Sequence[tuple[Sequence[tuple[int, int]], str]]
) -> None:
    position = (0, 0)
    await database.atomically(nodes.begin(ORIGIN.node, "host", START, 0))
    await database.atomically(execute(holds(caller), START, ORIGIN))
    for told, how in plan:
        operations = [each for number, times in told for _ in range(times + 1) for each in exchange(number, caller)]
        match how:
            case "dies":
                with pytest.raises(Death):
                    await database.atomically(dying(execute(operations, START, ORIGIN), len(told) + 3))
            case "folds":
                await rollups.fold(database)
            case "folds and dies":
                await fold_and_die(database)
            case "vault":
                await database.atomically(execute(operations, START, ORIGIN))
            case _:
                passage = Passage(position, position := (1, position[1] + 1), ORIGIN.epoch)  # pyright: ignore[reportArgumentType]  (two numbers)
                await database.atomically(ship(operations, START, ORIGIN, passage))
                if how == "shipped twice":
                    with pytest.raises(Overtaken):
                        await database.atomically(ship(operations, START, ORIGIN, passage))


async def fold_and_die(database: Database) -> None:
    rows = await database.fetch("SELECT id FROM rollup_fact ORDER BY id")
    taken = [row[0] for row in rows]
    if taken:
        with pytest.raises(Death):
            await database.atomically(dying(rollups._move(taken, {}, ""), 1))


async def expected(database: Database) -> dict[tuple[int, str, str, int], tuple[int, ...]]:
    """The days as the logs say."""
    found: dict[tuple[int, str, str, int], tuple[int, ...]] = {}
    rows = await database.fetch(
        'SELECT at, user_id, token_id, model, channel, "group", outcome, usage, charge, cost FROM request_log'
    )
    for at, user_id, token_id, model, channel, group, outcome, usage, charge, cost in rows:
        day = at - at % 86_400_000_000
        used = msgspec.json.decode(usage, type=Usage)
        costed = (0, 0, 0) if cost is None else (cost, charge, 1)
        one = (1, int(outcome != "ok"), used.input_tokens, used.output_tokens, used.cache_read, charge, *costed)
        told = {
            Facet.TOTAL: "", Facet.MODEL: model, Facet.USER: user_id, Facet.TOKEN: token_id, Facet.CHANNEL: channel,
            Facet.GROUP: group,
        }  # fmt: skip
        for facet, name in told.items():
            whom = [0] if facet in {Facet.CHANNEL, Facet.USER} or user_id is None else [0, user_id]
            for whose in whom if name is not None else ():
                key = (whose, facet.value, str(name), day)
                known = found.get(key, (0,) * 9)
                found[key] = tuple(a + b for a, b in zip(known, one, strict=True))
    return found


async def check(url: str, plan: Sequence[tuple[Sequence[tuple[int, int]], str]]) -> None:
    database = await Database.connect(url)
    try:
        caller = await make_caller(database, balance="1")
        await carry_out(database, caller, plan)
        while await rollups.fold(database):
            pass
        rows = await database.fetch(
            "SELECT user_id, facet, name, start, requests, failures, input_tokens, output_tokens, cached_tokens,"
            " charge, cost, costed_charge, costed_requests FROM rollup WHERE grain = 'day'"
        )
        assert {(w, f, n, s): tuple(sums) for w, f, n, s, *sums in rows} == await expected(database)
        charged = await database.fetch("SELECT CAST(COALESCE(SUM(charge), 0) AS bigint) FROM spend")
        assert sum(row[9] for row in rows if row[:2] == (0, "total")) == charged[0][0]
    finally:
        await database.close()


@pytest.fixture(scope="session")
def template(_migrated_file: Path) -> Path:
    """A SQLite file with all tables, to be copied."""
    return _migrated_file


@pytest.fixture(scope="session")
def template_name(_migrated_database: str) -> str:
    """A PostgreSQL database with all tables, to be copied."""
    return _migrated_database


@settings(max_examples=40, deadline=None)
@given(plan=batches)
def test_the_days_are_what_the_logs_say(template: Path, plan: Sequence[tuple[Sequence[tuple[int, int]], str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clinx.db"
        shutil.copy(template, path)
        asyncio.run(check(f"sqlite:///{path}", plan))


@pytest.mark.postgres
@pytest.mark.skipif(not POSTGRES, reason="CLINX_TEST_POSTGRES_URL is not set")
@settings(max_examples=10, deadline=None)
@given(plan=batches)
def test_on_postgresql_too(template_name: str, plan: Sequence[tuple[Sequence[tuple[int, int]], str]]) -> None:
    async def run() -> None:
        async with _copied(template_name) as url:
            await check(url, plan)

    asyncio.run(run())
