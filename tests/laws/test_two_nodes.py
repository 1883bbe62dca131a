"""Two gateways, one PostgreSQL, one Redis: to callers, to the ledger and to an operator they are one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.test_serve import DEADLINE
from clinx.accounts import tokens
from clinx.billing.audit import Auditor
from clinx.billing.recovery import OUTCOME
from clinx.domain.money import ZERO
from clinx.storage.database import Database
from laws.test_kill_gateway import COST, FLOORS, TREE, Callers, Vendors
from support.counters import needs_redis
from support.database import POSTGRES, _migrated_database, make_token, make_user, postgres_database
from support.fake_upstream import FakeUpstream
from support.gateway import completion, tree_for
from support.nodes import Node, at_once, node, two_nodes
from support.verdict import contradictions, read

pytestmark = [
    pytest.mark.skipif(not POSTGRES, reason="CLINX_TEST_POSTGRES_URL is not set"),
    pytest.mark.postgres,
    needs_redis,
]
__all__ = ["_migrated_database", "postgres_database"]

LIMIT = 40
LIMITED = """
- name: {name}
  limit: {{requests: {most}, per: 1m, of: user}}
"""
REVOKED_WITHIN = 1.0
"""Seconds until a revoked key is refused everywhere."""
PRICE = 10_000_000
"""Nano: what a call of ``per-call`` costs, and what it holds."""
PAID = 20
"""Calls that a balance pays for."""
PARALLEL = 4
"""Callers of each node, all the time."""
CALLS = 30
"""Served between one thing that happens to a node and the next."""
OPEN_STREAMS = 2
"""In flight at the kill, at least."""


@pytest.fixture
async def database(postgres_database: str) -> AsyncGenerator[Database]:
    opened = await Database.connect(postgres_database)
    yield opened
    await opened.close()


@pytest.fixture
async def upstream() -> AsyncGenerator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server.answers(json=completion())


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_limit_lets_in_over_both_exactly_as_many_as_it_says(
    database: Database, postgres_database: str, upstream: FakeUpstream, tmp_path: Path
) -> None:
    key = (await make_token(database, await make_user(database, balance="100"))).secret
    limits = LIMITED.format(name=f"few-{os.urandom(8).hex()}", most=LIMIT)
    files = {**tree_for(upstream.url), "policies/limits.yaml": limits}
    async with two_nodes(tmp_path, files, database=postgres_database) as nodes:
        first = [await node.call(key) for node in nodes]
        statuses = await at_once(nodes, key, LIMIT)

    assert first == [200, 200]
    assert statuses == {200: LIMIT - 2, 429: LIMIT + 2}
    assert len(upstream.requests) == LIMIT


async def test_a_key_that_is_revoked_is_refused_by_both_within_a_second(
    database: Database, postgres_database: str, upstream: FakeUpstream, tmp_path: Path
) -> None:
    issued = await make_token(database, await make_user(database, balance="100"))
    async with two_nodes(tmp_path, tree_for(upstream.url), database=postgres_database) as nodes:
        first = [await node.call(issued.secret) for node in nodes]
        await tokens.disable(database, issued.token, at=now())
        since = time.monotonic()
        late = await asyncio.gather(*(until_refused(node, issued.secret, since) for node in nodes))
        after = await at_once(nodes, issued.secret, 5)

    assert first == [200, 200]
    assert max(late) < REVOKED_WITHIN
    assert after == {401: 10}


async def until_refused(node: Node, key: str, since: float) -> float:
    """Call again and again; return how many seconds it took until the key was not taken any more."""
    while (status := await node.call(key)) == 200:
        assert time.monotonic() - since < DEADLINE
    assert status == 401
    return time.monotonic() - since


async def test_a_balance_is_spent_over_both_to_the_last_call_and_never_overspent(
    database: Database, postgres_database: str, upstream: FakeUpstream, tmp_path: Path
) -> None:
    user = await make_user(database, balance="0.20")
    key = (await make_token(database, user)).secret
    async with two_nodes(tmp_path, tree_for(upstream.url), database=postgres_database) as nodes:
        statuses = await at_once(nodes, key, PAID, "per-call")
        served = statuses[200]
        async with asyncio.timeout(DEADLINE):
            while served < PAID:  # What was refused while the other had the money on loan.
                served += [await node.call(key, "per-call") for node in nodes].count(200)
        refusals = [await node.answer(key, "per-call") for node in nodes]
        for node in nodes:
            node.served.told(signal.SIGTERM)
        codes = [await node.served.ends() for node in nodes]

    assert statuses.keys() <= {200, 429}
    assert [(status, body["error"]["code"]) for status, body in refusals] == [(429, "insufficient_quota")] * 2
    assert (served, len(upstream.requests)) == (PAID, PAID)
    charged, _ = await read(database)
    assert Counter(charged.values()) == {PRICE: PAID}
    balances = await database.fetch("SELECT balance FROM account WHERE name = $1", user.account)
    assert [tuple(row) for row in balances] == [(0,)]
    assert await contradictions(database) == []
    assert codes == [0, 0]


async def test_when_one_is_killed_the_other_goes_on_and_what_it_left_is_booked_once_when_it_is_back(
    database: Database, postgres_database: str, tmp_path: Path
) -> None:
    user = await make_user(database, balance="100")
    key = (await make_token(database, user)).secret
    struck, other = Callers(key), Callers(key)
    async with Vendors.open() as vendors, asyncio.TaskGroup() as tasks:
        files = {"gateway.yaml": TREE.format(whole=vendors.whole.url, streamed=vendors.streamed.url)}
        for callers in (struck, other) * PARALLEL:
            tasks.create_task(callers.call_again_and_again())
        async with two_nodes(tmp_path, files, database=postgres_database, CLINX_LOG_LEVEL="error") as (one, two):
            for node_, callers in ((one, struck), (two, other)):
                follow(callers, node_)
            await asyncio.gather(struck.until_served(CALLS), other.until_served(CALLS))
            vendors.flowing.clear()
            await struck.until_streaming(OPEN_STREAMS)
            struck.up.clear()
            one.served.told(signal.SIGKILL)
            killed = await one.served.ends()
            vendors.flowing.set()
            await other.until_served(CALLS)
            other.up.clear()
            reserved = await leased(database)
            apart = await Auditor(database, now=now, bound=ZERO).audit(full=True)
            async with node(tmp_path / "one", files, database=postgres_database, CLINX_LOG_LEVEL="warning") as back:
                recovered = await back.logged("recovery.finished")
                follow(struck, back)
                follow(other, two)
                await asyncio.gather(struck.until_served(CALLS), other.until_served(CALLS))
                struck.stopping = other.stopping = True
                for each in (back, two):
                    each.served.told(signal.SIGTERM)
                codes = [await each.served.ends() for each in (back, two)]

    assert (killed, codes) == (-signal.SIGKILL, [0, 0])
    assert apart.breaches == {}
    assert recovered["node"] in reserved
    assert await audited(postgres_database, tmp_path) == 0
    await compare(database, vendors.bill, struck, other)


def follow(callers: Callers, node: Node) -> None:
    callers.url = node.url
    callers.up.set()


async def leased(database: Database) -> set[str]:
    """The nodes that money of an account is reserved for."""
    rows = await database.fetch("SELECT DISTINCT node FROM lease WHERE granted - returned - spent > 0")
    return {row[0] for row in rows}


async def audited(database: str, folder: Path) -> int:
    """Let an operator compare the books; return the exit code."""
    environment = {**os.environ, "CLINX_DATABASE_URL": database, "CLINX_STATE_DIR": str(folder / "audit")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clinx", "audit"), stdout=asyncio.subprocess.DEVNULL, env=environment
    )
    return await process.wait()


async def compare(database: Database, bill: set[str], struck: Callers, other: Callers) -> None:
    """See that the ledger says what the vendor and both kinds of callers say, call by call."""
    assert await contradictions(database) == []
    charged, logs = await read(database)
    assert {id_: charge for id_, (_, charge) in logs.items() if charge} == charged
    finished = {id_ for id_, (outcome, _) in logs.items() if outcome == "ok"}
    interrupted = logs.keys() - finished
    assert {logs[id_] for id_ in finished} == {("ok", COST)}
    assert {logs[id_][0] for id_ in interrupted} == {OUTCOME}
    assert {logs[id_][1] for id_ in interrupted} <= FLOORS
    assert finished <= bill <= logs.keys()
    assert {id_ for callers in (struck, other) for id_, done in callers.begun.items() if done} <= finished
    assert not interrupted & other.begun.keys()
    assert len(interrupted & struck.begun.keys()) >= OPEN_STREAMS
