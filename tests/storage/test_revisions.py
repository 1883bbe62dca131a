from datetime import timedelta

from msgspec.structs import replace

from clinx.domain.revision import Rejection, Served, Standing
from clinx.storage import revisions
from clinx.storage.database import Database
from support.database import START

TRIAL = Standing("new", "10%", START, START + timedelta(minutes=10), 7, 1, 90, 0)
ONE = Served(
    node="node_1",
    host="a",
    url="http://127.0.0.1:1",
    revision="old",
    commit="c" * 40,
    since=START,
    ok=False,
    tree="new",
    diagnostics=("gateway.yaml:1:1 E301 no",),
    error="no",
    seen_at=START,
    trial=TRIAL,
    answered="asked",
)
REJECTION = Rejection("new", "old", "wrong", "cli:ann", START)


async def test_what_a_process_says_replaces_what_it_said(database: Database):
    later = replace(ONE, revision="new", ok=True, diagnostics=(), error=None, trial=None, commit=None, answered=None)
    other = replace(ONE, node="node_0", host="b")
    for each in (ONE, other, later):
        await database.atomically(revisions.publish(each))

    assert await revisions.everywhere(database) == [later, other]


async def test_who_ends_and_who_is_long_silent_is_forgotten(database: Database):
    day = timedelta(days=1)
    for node, seen in (("node_1", START), ("node_2", START), ("node_3", START - 2 * day)):
        await database.atomically(revisions.publish(replace(ONE, node=node, seen_at=seen)))

    await database.atomically(revisions.withdraw("node_1", START - day))

    assert [each.node for each in await revisions.everywhere(database)] == ["node_2"]


async def test_the_latest_rejection_of_a_revision_counts_and_is_announced(database: Database):
    await database.atomically(revisions.reject(REJECTION))
    again = replace(REJECTION, instead="older", reason="still wrong")
    await database.atomically(revisions.reject(again))

    assert await revisions.rejected(database) == {"new": again}
    rows = await database.fetch("SELECT topic, subject FROM announcement")
    assert [tuple(row) for row in rows] == [("revision", "new")] * 2


async def test_rejections_are_lifted_one_by_one_or_all_at_once(database: Database):
    for name in ("a", "b", "c"):
        await database.atomically(revisions.reject(replace(REJECTION, revision=name)))

    assert await database.atomically(revisions.lift("b", "cli:ann", START)) == ["b"]
    assert list(await revisions.rejected(database)) == ["a", "c"]
    assert await database.atomically(revisions.lift("b", "cli:ann", START)) == []
    assert await database.atomically(revisions.lift(None, "cli:ann", START)) == ["a", "c"]
    assert await revisions.rejected(database) == {}
