import pytest

from clinx.storage import retention
from clinx.storage.codec import micros
from clinx.storage.database import Database
from clinx.storage.program import Program, execute
from clinx.storage.retention import Old
from support.database import START

AT = micros(START)
HELD = "INSERT INTO reservation (id, user_id, token_id, amount, state, revision, created_at, expires_at, terms) VALUES"
SUMMED = "INSERT INTO rollup (grain, start, user_id, facet, name) VALUES"

ROWS = {
    Old.REQUEST_LOGS: (
        "INSERT INTO request_log (id, at, revision, dialect, operation, outcome, status, stream, usage, charge, quote,"
        " attempts, seconds) VALUES ('{id}', {at}, 'r', 'd', 'chat', 'ok', 200, false, '{{}}', 0, '[]', '[]', 0)"
    ),
    Old.MINUTES: SUMMED + " ('minute', {at}, 0, 'total', '{id}')",
    Old.HOURS: SUMMED + " ('hour', {at}, 0, 'total', '{id}')",
    Old.HOLDS: HELD + " ('{id}', 1, 1, 1, 'settled', 'r', {at}, 0, NULL)",
    Old.COUNTED: "INSERT INTO counted (id, at) VALUES ('{id}', {at})",
    Old.SESSIONS: (
        "INSERT INTO session (user_id, digest, epoch, created_at, seen_at, expires_at, stepped_up_at, method, agent)"
        " VALUES (1, '{id}', 1, 0, 0, {at}, 0, 'password', '')"
    ),
    Old.CHALLENGES: (
        "INSERT INTO challenge (kind, digest, subject, data, created_at, expires_at)"
        " VALUES ('k', '{id}', 's', '', 0, {at})"
    ),
    Old.IDEMPOTENCY: (
        "INSERT INTO idempotency (user_id, key, operation, digest, at) VALUES (1, '{id}', 'o', 'd', {at})"
    ),
}


async def write(database: Database, *statements: str) -> None:
    def program() -> Program[None]:
        for statement in statements:
            yield from execute(statement)

    await database.atomically(program())


async def count(database: Database, old: Old) -> int:
    rows = await database.fetch(f"SELECT COUNT(*) FROM {old.value[0]}")  # noqa: S608  (our own names)
    return rows[0][0]


@pytest.mark.parametrize("old", Old, ids=lambda old: old.name.lower())
async def test_only_what_is_older_goes_and_so_much_at_a_time(database: Database, old: Old):
    for number in range(-3, 2):
        await write(database, ROWS[old].format(id=f"id{number}", at=AT + number))

    assert await database.atomically(retention.forget(old, START, limit=2)) == 2
    assert await count(database, old) == 3
    assert await database.atomically(retention.forget(old, START, limit=2)) == 1
    assert await database.atomically(retention.forget(old, START, limit=2)) == 0
    assert await count(database, old) == 2


async def test_days_are_kept_whatever_is_forgotten(database: Database):
    await write(database, SUMMED + " ('day', 0, 0, 'total', '')")

    for old in (Old.MINUTES, Old.HOURS):
        assert await database.atomically(retention.forget(old, START, limit=10)) == 0


async def test_open_holds_and_those_of_tasks_are_kept(database: Database):
    await write(
        database,
        HELD + " ('open', 1, 1, 1, 'open', 'r', 0, 0, NULL)",
        HELD + " ('task', 1, 1, 1, 'settled', 'r', 0, 0, '{}')",
        HELD + " ('released', 1, 1, 1, 'released', 'r', 0, 0, NULL)",
        HELD + " ('expired', 1, 1, 1, 'expired', 'r', 0, 0, NULL)",
    )

    assert await database.atomically(retention.forget(Old.HOLDS, START, limit=10)) == 2
    assert await database.fetch("SELECT id FROM reservation ORDER BY id") == [("open",), ("task",)]


@pytest.mark.parametrize("old", Old, ids=lambda old: old.name.lower())
async def test_looking_for_what_is_old_reads_no_whole_table(database: Database, old: Old):
    if database.location.path is None:
        pytest.skip("PostgreSQL chooses by statistics: an empty table is always read")
    table, _, condition = old.value

    plan = await database.fetch(f"EXPLAIN QUERY PLAN SELECT id FROM {table} WHERE {condition} LIMIT 10", AT)  # noqa: S608  (our own names)

    assert plan[0][3].startswith(f"SEARCH {table} USING")
