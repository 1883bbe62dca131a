import asyncio
from datetime import timedelta

import pytest

from clinx.billing import statement
from clinx.billing.sweep import BATCH, keep_sweeping, release_orphans, sweep
from clinx.billing.vault import Vault
from clinx.domain.ledger import Balance, Origin, Reservation
from clinx.domain.money import ZERO, Amount
from clinx.storage import nodes, reservations
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.program import Program
from clinx.telemetry.tasks import Supervisor
from support.books import contradictions
from support.database import ORIGIN, Clock, make_caller, request_log

CENT = Amount.parse("0.01")


async def hold(vault: Vault, caller, request_id: str, seconds: int) -> None:
    await vault.reserve(caller, CENT, request_id=request_id, revision="r1", lifetime=timedelta(seconds=seconds))


async def test_only_holds_past_their_time_are_freed(database: Database, vault: Vault, clock: Clock):
    caller = await make_caller(database, balance="1")
    await hold(vault, caller, "short", 60)
    await hold(vault, caller, "long", 61)
    clock.advance(60)

    assert await sweep(database, clock.now()) == 1
    assert await sweep(database, clock.now()) == 0

    assert await statement.balance(database, caller.user) == Balance(Amount.parse("1"), CENT)
    assert await database.fetch("SELECT id, state FROM reservation ORDER BY id") == [
        ("long", "open"),
        ("short", "expired"),
    ]
    assert await database.fetch("SELECT held FROM token") == [(CENT.nano,)]
    assert await contradictions(database) == []


async def test_more_than_one_batch_is_swept(database: Database, vault: Vault, clock: Clock):
    caller = await make_caller(database, balance="100")
    await asyncio.gather(*(hold(vault, caller, f"req-{n}", 1) for n in range(BATCH + 1)))
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
    database: Database, vault: Vault, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caller = await make_caller(database, balance="1")
    await hold(vault, caller, "left behind by a killed process", 1)
    clock.advance(1)
    supervisor = Supervisor()

    supervisor.start(keep_sweeping(database, now=clock.now, every=timedelta(hours=1)), name="sweep")
    async with asyncio.timeout(10):
        while not caplog.records:
            await database.fetch("SELECT 1")

    assert [record.message for record in caplog.records] == ["billing.holds_expired"]
    assert await statement.balance(database, caller.user) == Balance(Amount.parse("1"), ZERO)
    await supervisor.close(grace=0)


async def test_the_holds_of_earlier_lives_are_freed_but_for_those_that_are_kept(
    database: Database, vault: Vault, clock: Clock
):
    caller = await make_caller(database, balance="1")
    next_life = Origin(ORIGIN.node, ORIGIN.epoch + 1)
    for name in ("kept", "orphan", "settled"):
        await hold(vault, caller, name, 60)
    task = Reservation("task", caller.user.id, caller.token.id, CENT, "r1")
    await vault.hold(task, clock.now() + timedelta(hours=1), terms="{}")
    (settled,) = await database.atomically(reservations_named("settled"))
    await vault.settle(settled, ZERO, log=request_log("settled"))

    assert await release_orphans(database, ORIGIN, clock.now(), keep=set()) == 0
    assert await release_orphans(database, next_life, clock.now(), keep={"kept"}) == 1
    assert await release_orphans(database, next_life, clock.now(), keep={"kept"}) == 0

    assert await database.fetch("SELECT id, state FROM reservation ORDER BY id") == [
        ("kept", "open"),
        ("orphan", "expired"),
        ("settled", "settled"),
        ("task", "open"),
    ]
    assert await statement.balance(database, caller.user) == Balance(Amount.parse("1"), CENT + CENT)
    assert await database.fetch("SELECT held FROM token") == [(2 * CENT.nano,)]


async def test_orphans_are_found_beyond_those_that_are_kept(database: Database, vault: Vault, clock: Clock):
    caller = await make_caller(database, balance="100")
    names = [f"req-{number:04}" for number in range(2 * BATCH + 1)]
    await asyncio.gather(*(hold(vault, caller, name, 60) for name in names))

    freed = await release_orphans(
        database, Origin(ORIGIN.node, ORIGIN.epoch + 1), clock.now(), keep=set(names[: BATCH + 1])
    )

    assert freed == BATCH
    kept = await database.fetch("SELECT COUNT(*), MAX(id) FROM reservation WHERE state = 'open'")
    assert kept == [(BATCH + 1, names[BATCH])]
    assert await statement.balance(database, caller.user) == Balance(
        Amount.parse("100"), Amount(kept[0][0] * CENT.nano)
    )


def reservations_named(*names: str) -> Program[list[Reservation]]:
    found = yield from reservations.lock(names)
    return [found[name].reservation for name in names]


async def test_a_living_process_ends_its_own_holds_whatever_another_clock_says(
    database: Database, vault: Vault, clock: Clock
):
    caller = await make_caller(database, balance="1")
    await database.atomically(nodes.begin(ORIGIN.node, "host", clock.now(), 0))
    await hold(vault, caller, "running", 60)
    hasty = clock.now() + timedelta(hours=1)

    assert await sweep(database, hasty) == 0
    assert await statement.balance(database, caller.user) == Balance(Amount.parse("1"), CENT)

    await database.atomically(nodes.begin(ORIGIN.node, "host", clock.now(), 0))  # It is dead, and lives again.
    assert await sweep(database, hasty) == 1
