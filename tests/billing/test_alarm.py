import asyncio
from datetime import timedelta
from typing import Any

import pytest

from clinx.billing.alarm import Alarm, freeze, keep_auditing, thaw
from clinx.billing.audit import Report
from clinx.billing.operations import Direct, Loan
from clinx.billing.sweep import sweep
from clinx.billing.vault import Vault
from clinx.domain.money import Amount
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.program import Program
from clinx.telemetry.metrics import Metrics
from clinx.telemetry.tasks import Supervisor
from support.database import Clock, make_caller, make_user
from support.history import DAMAGE, dump, frozen, inflict, moved, run, write_history

ONE = Amount.parse("1")
CENT = Amount.parse("0.01")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def alarm(database: Database, metrics: Metrics, clock: Clock) -> Alarm:
    return Alarm(database, metrics, now=clock.now, bound=ONE)


def reported(caplog: pytest.LogCaptureFixture) -> list[tuple[str, ...]]:
    """What was logged since the last time, as `Damage.found` has it."""
    found = [
        tuple(str(getattr(record, name)) for name in ("invariant", "subject", "expected", "actual"))
        for record in caplog.records
        if record.message == "audit.breach"
    ]
    caplog.clear()
    return found


def counted(metrics: Metrics) -> dict[str, float]:
    """The breaches that a scrape shows, of the invariants that have any."""
    names = [f"I{number}" for number in range(1, 9)]
    found = {name: metrics.registry.get_sample_value("clinx_audit_breaches", {"invariant": name}) for name in names}
    return {name: value for name, value in found.items() if value}


async def announced(database: Database) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in await database.fetch("SELECT topic, subject FROM announcement ORDER BY id")]


@pytest.mark.parametrize("name", DAMAGE)
async def test_a_breach_is_reported_and_freezes_whom_it_concerns_and_nothing_else_changes(
    database: Database,
    vault: Vault,
    alarm: Alarm,
    metrics: Metrics,
    caplog: pytest.LogCaptureFixture,
    name: str,
):
    damage = DAMAGE[name]
    await write_history(database, vault)
    await inflict(database, damage)
    await run(database, "DELETE FROM announcement")
    before = await dump(database)

    await alarm.round()
    await alarm.round()  # What a sweep may still be about to end is reported then.

    assert sorted(reported(caplog)) == sorted(damage.found)
    assert sum(counted(metrics).values()) == len(damage.found)
    assert await frozen(database) == list(damage.accounts)
    assert await announced(database) == [("recall", account) for account in damage.accounts]
    assert await dump(database) == before


async def test_books_that_balance_are_only_counted(
    database: Database, vault: Vault, alarm: Alarm, metrics: Metrics, clock: Clock, caplog: pytest.LogCaptureFixture
):
    await write_history(database, vault)

    await alarm.round()

    assert caplog.records == []
    assert counted(metrics) == {}
    name = "clinx_audit_last_success_timestamp_seconds"
    assert metrics.registry.get_sample_value(name) == clock.now().timestamp()
    assert await frozen(database) == []


async def test_a_breach_is_reported_once_and_again_when_it_comes_back(
    database: Database, alarm: Alarm, metrics: Metrics, caplog: pytest.LogCaptureFixture
):
    await make_user(database, balance="1")
    await run(database, moved("user:1", 1))
    await alarm.round()
    await alarm.round()
    assert reported(caplog) == [("I2", "user:1", "1", "1.000000001")]

    await run(database, moved("user:1", -1))
    await alarm.round()
    assert (reported(caplog), counted(metrics)) == ([], {})

    await run(database, moved("user:1", -1))
    await alarm.round()
    assert reported(caplog) == [("I2", "user:1", "1", "0.999999999")]
    assert counted(metrics) == {"I2": 1}


async def test_a_hold_is_not_overdue_that_the_next_sweep_ends(
    database: Database, vault: Vault, alarm: Alarm, clock: Clock, caplog: pytest.LogCaptureFixture
):
    """After an outage the audit may come before the sweep."""
    await write_history(database, vault)
    await alarm.round()
    clock.advance(4000)
    await alarm.round()
    await sweep(database, clock.now())
    await alarm.round()

    assert reported(caplog) == []
    assert await frozen(database) == []


async def test_a_frozen_account_is_lent_nothing_until_it_is_thawed(database: Database, vault: Vault, clock: Clock):
    caller = await make_caller(database, balance="5")
    account = caller.user.account

    assert await freeze(database, {account, "user:99"}, at=clock.now()) == [account]
    assert await freeze(database, {account}, at=clock.now()) == []
    assert await vault.lend(caller, CENT, CENT) is Direct.DIRECT

    assert await thaw(database, account, at=clock.now())
    assert not await thaw(database, account, at=clock.now())
    assert await vault.lend(caller, CENT, CENT) == Loan(CENT, None)
    assert (await announced(database))[-2:] == [("recall", account), ("funds", account)]


async def test_what_was_thawed_is_not_frozen_again_for_the_same_breach(database: Database, alarm: Alarm, clock: Clock):
    await make_user(database, balance="1")
    await run(database, moved("user:1", 1))
    await alarm.round()
    assert await frozen(database) == ["user:1"]

    await thaw(database, "user:1", at=clock.now())
    await alarm.round()

    assert await frozen(database) == []


async def test_all_of_the_history_is_compared_again_after_a_day_or_an_hour_when_something_is_wrong(
    database: Database, vault: Vault, alarm: Alarm, metrics: Metrics, clock: Clock
):
    await write_history(database, vault)
    await sweep(database, clock.now() + timedelta(days=1))
    for _ in range(3):
        await alarm.round()
        clock.advance(60)
    await inflict(database, DAMAGE["a log that says another charge"])
    clock.advance(86_400 - 240)
    await alarm.round()
    assert counted(metrics) == {}
    clock.advance(60)
    await alarm.round()  # Now a day is over, and the next one looks at everything.
    await alarm.round()
    assert counted(metrics) == {"I7": 1}

    await run(database, "UPDATE request_log SET charge = 1250000000 WHERE id = 'req-1'")
    clock.advance(3599)
    await alarm.round()
    assert counted(metrics) == {"I7": 1}
    clock.advance(1)
    await alarm.round()
    await alarm.round()
    assert counted(metrics) == {}


class Away:
    """A database that is not there until it is told to be, or only for writers."""

    def __init__(self, there: Database) -> None:
        self.there = there
        self.answers = False
        self.asked = 0
        self.asked_often = asyncio.Event()

    async def look(self, program: Program[Any]) -> Any:
        self.asked += 1
        if self.asked > 2:
            self.asked_often.set()
        if self.answers:
            return await self.there.look(program)
        program.close()
        raise StorageUnavailable("away")

    async def atomically(self, program: Program[Any]) -> Any:
        program.close()
        raise StorageUnavailable("read-only")


async def test_a_database_that_is_away_only_delays(
    database: Database, metrics: Metrics, clock: Clock, caplog: pytest.LogCaptureFixture
):
    supervisor, away = Supervisor(), Away(database)
    audits = keep_auditing(away, metrics, now=clock.now, bound=ONE, every=timedelta(0))  # pyright: ignore[reportArgumentType]  (a stand-in)

    supervisor.start(audits, name="audit", endless=True)
    async with asyncio.timeout(10):
        await away.asked_often.wait()
        away.answers = True
        while not metrics.registry.get_sample_value("clinx_audit_last_success_timestamp_seconds"):
            await database.fetch("SELECT 1")
    await supervisor.close(grace=0)

    assert [(record.message, record.__dict__["reason"]) for record in caplog.records] == [("audit.failed", "away")]


async def test_an_account_is_frozen_as_soon_as_that_can_be_written(
    database: Database, metrics: Metrics, clock: Clock, caplog: pytest.LogCaptureFixture
):
    await make_user(database, balance="1")
    await run(database, moved("user:1", 1))
    away = Away(database)
    away.answers = True
    alarm = Alarm(away, metrics, now=clock.now, bound=ONE)  # pyright: ignore[reportArgumentType]  (a stand-in)
    await alarm.round()
    assert [record.message for record in caplog.records] == ["audit.breach", "audit.failed"]
    assert await frozen(database) == []

    away.atomically = database.atomically
    await alarm.round()

    assert [record.message for record in caplog.records][2:] == ["audit.frozen"]
    assert await frozen(database) == ["user:1"]


async def test_every_audit_is_told(database: Database, metrics: Metrics, clock: Clock):
    begun, told = clock.now(), list[Report]()
    alarm = Alarm(database, metrics, now=clock.now, bound=ONE, tell=told.append)

    await alarm.round()
    clock.advance(60)
    await alarm.round()

    assert [(report.at, report.is_full) for report in told] == [(begun, True), (clock.now(), False)]
