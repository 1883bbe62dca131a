import asyncio
from datetime import timedelta

import pytest

from clinx.billing import statement
from clinx.billing.cashier import Cashier
from clinx.billing.sweep import BATCH, keep_sweeping, sweep
from clinx.domain.ledger import Balance
from clinx.domain.money import ZERO, Amount
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.program import Program
from clinx.telemetry.tasks import Supervisor
from support.database import Clock, make_caller

CENT = Amount.parse("0.01")


async def hold(cashier: Cashier, caller, request_id: str, seconds: int) -> None:
    await cashier.reserve(caller, CENT, request_id=request_id, revision="r1", lifetime=timedelta(seconds=seconds))


async def test_only_holds_past_their_time_are_freed(database: Database, cashier: Cashier, clock: Clock):
    caller = await make_caller(database, balance="1")
    await hold(cashier, caller, "short", 60)
    await hold(cashier, caller, "long", 61)
    clock.advance(60)

    assert await sweep(database, clock.now()) == 1
    assert await sweep(database, clock.now()) == 0

    assert await statement.balance(database, caller.user) == Balance(Amount.parse("1"), CENT)
    assert await database.fetch("SELECT id, state FROM reservation ORDER BY id") == [
        ("long", "open"),
        ("short", "expired"),
    ]
    assert await database.fetch("SELECT held FROM token") == [(CENT.nano,)]
    assert await statement.discrepancies(database) == []


async def test_more_than_one_batch_is_swept(database: Database, cashier: Cashier, clock: Clock):
    caller = await make_caller(database, balance="100")
    await asyncio.gather(*(hold(cashier, caller, f"req-{n}", 1) for n in range(BATCH + 1)))
    clock.advance(1)

    assert await sweep(database, clock.now()) == BATCH + 1
    assert await statement.balance(database, caller.user) == Balance(Amount.parse("100"), ZERO)


async def test_a_failed_sweep_only_delays_the_next(clock: Clock, caplog: pytest.LogCaptureFixture):
    supervisor = Supervisor()
    away = Away()

    supervisor.start(keep_sweeping(away, now=clock.now, every=timedelta(0)), name="sweep")  # pyright: ignore[reportArgumentType]  (a stand-in)
    async with asyncio.timeout(10):
        await away.asked_twice.wait()

    assert [(record.message, vars(record)["reason"], record.exc_info) for record in caplog.records] == [
        ("billing.sweep_failed", "away", None)
    ]
    await supervisor.close(grace=0)


class Away:
    """A database that is not there."""

    def __init__(self) -> None:
        self.asked = 0
        self.asked_twice = asyncio.Event()

    async def atomically(self, program: Program[int]) -> int:
        program.close()
        self.asked += 1
        if self.asked > 1:
            self.asked_twice.set()
        raise StorageUnavailable("away")


async def test_the_first_sweep_is_at_once(
    database: Database, cashier: Cashier, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caller = await make_caller(database, balance="1")
    await hold(cashier, caller, "left behind by a killed process", 1)
    clock.advance(1)
    supervisor = Supervisor()

    supervisor.start(keep_sweeping(database, now=clock.now, every=timedelta(hours=1)), name="sweep")
    async with asyncio.timeout(10):
        while not caplog.records:
            await database.fetch("SELECT 1")

    assert [record.message for record in caplog.records] == ["billing.holds_expired"]
    assert await statement.balance(database, caller.user) == Balance(Amount.parse("1"), ZERO)
    await supervisor.close(grace=0)
