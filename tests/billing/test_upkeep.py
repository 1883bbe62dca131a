import logging
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from clinx.billing import statement
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.files import Position, segment_numbers, segment_path
from clinx.billing.journal.slots import Slot, claim
from clinx.billing.journal.writer import Journal
from clinx.billing.recovery import Recovery
from clinx.billing.shipper import Shipper
from clinx.billing.treasury import begin
from clinx.billing.upkeep import KEPT, Upkeep
from clinx.domain.ledger import Balance
from clinx.domain.money import ZERO, Amount
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.telemetry.tasks import Supervisor
from support.books import contradictions
from support.database import Clock, make_caller
from support.flaky import Fault, Flaky
from support.history import run
from support.treasury import Bank

MINUTE = 60


@dataclass
class House:
    """A process that does its rounds when a test says so, and a folder where others may have died."""

    database: Flaky
    folder: Path
    slot: Slot
    upkeep: Upkeep
    clock: Clock

    async def seen(self) -> datetime:
        (micros,) = (await self.database.fetch("SELECT seen_at FROM node WHERE id = $1", self.slot.node))[0]
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


@pytest_asyncio.fixture
async def house(database: Database, tmp_path: Path, clock: Clock) -> AsyncGenerator[House]:
    flaky, folder = Flaky(database), tmp_path / "journal"
    slot = claim(folder, lambda: "living")
    origin = await begin(flaky, slot, "test", clock.now())
    shipper = Shipper(flaky, slot.path, origin, now=clock.now, random=Random(1))
    recovery = Recovery(flaky, clock.now, Random(1))
    yield House(flaky, folder, slot, Upkeep(flaky, folder, slot, origin, "test", shipper, recovery, clock.now), clock)
    slot.release()


async def die(database: Database, folder: Path, *names: str) -> None:
    """Let siblings die, each with a call that cost its caller at least 0.02."""
    banks = [Bank(database, folder, name=name) for name in names]
    for bank in banks:
        caller = await make_caller(database, bank.name, balance="100")
        await bank.begin()
        await bank.hold(caller, "0.10", floor="0.02", request_id=bank.name)
    for bank in banks:
        await bank.crash()


async def balances(database: Database) -> list[tuple[int, int, int]]:
    rows = await database.fetch("SELECT balance, held, leased FROM account WHERE name LIKE 'user:%' ORDER BY name")
    return [(balance, held, leased) for balance, held, leased in rows]


DONE = (Amount.parse("99.98").nano, 0, 0)


async def test_a_round_says_that_the_node_lives(house: House) -> None:
    house.clock.advance(5 * MINUTE)
    await house.upkeep.round()

    assert await house.seen() == house.clock.now()


async def test_what_dead_siblings_left_is_brought_home_once(house: House, tmp_path: Path) -> None:
    await die(house.database, tmp_path, "b", "c")
    assert DONE not in await balances(house.database)
    await house.upkeep.round()

    assert await balances(house.database) == [DONE, DONE]
    assert await contradictions(house.database) == []
    epochs = await house.database.fetch("SELECT epoch FROM node ORDER BY id")
    house.clock.advance(MINUTE)
    await house.upkeep.round()
    assert await house.database.fetch("SELECT epoch FROM node ORDER BY id") == epochs


async def test_a_living_sibling_is_left_alone(house: House, tmp_path: Path) -> None:
    caller = await make_caller(house.database, balance="100")
    async with Bank(house.database, tmp_path) as bank:
        held = await bank.hold(caller, "0.10", floor="0.02")
        await house.upkeep.round()

        assert bank.treasury.origin.epoch == 1
        assert await house.database.fetch("SELECT epoch FROM node ORDER BY id") == [(1,), (1,)]
        await bank.cashier.release(held, log=None)
        await bank.treasury.settle_down()
    assert await statement.balance(house.database, caller.user) == Balance(Amount.parse("100"), ZERO, ZERO)


async def test_a_place_that_was_adopted_can_be_lived_in_again(house: House, tmp_path: Path) -> None:
    await die(house.database, tmp_path, "b")
    await house.upkeep.round()

    caller = await make_caller(house.database, "c", balance="100")
    async with Bank(house.database, tmp_path) as bank:
        assert bank.treasury.origin.epoch == 3
        held = await bank.hold(caller, "0.10")
        await bank.cashier.release(held, log=None)
        await bank.treasury.settle_down()
    assert await balances(house.database) == [DONE, (Amount.parse("100").nano, 0, 0)]


async def test_after_a_failure_the_next_round_adopts_them_all(house: House, tmp_path: Path) -> None:
    """Whatever it was doing, no lock is kept."""
    await die(house.database, tmp_path, "b", "c")
    for number in range(1, 5):  # Those that it does not try again by itself.
        house.database.asked, house.database.plan = 0, {number: Fault.AWAY}.get
        with pytest.raises(StorageUnavailable):
            await house.upkeep.round()
    house.database.plan = lambda _: None
    await house.upkeep.round()

    assert await balances(house.database) == [DONE, DONE]


async def test_a_journal_that_cannot_be_read_stops_nobody_else(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await die(house.database, tmp_path, "b", "c")
    broken = segment_path(house.folder / "1", 1)
    intact = broken.read_bytes()
    broken.unlink()
    broken.mkdir()
    for _ in range(2):
        await house.upkeep.round()

    first, second = await balances(house.database)
    assert (first != DONE, second) == (True, DONE)
    delays = [vars(record)["reason"] for record in caplog.records if record.message == "recovery.delayed"]
    assert len(delays) == len(set(delays)) > 0

    broken.rmdir()
    broken.write_bytes(intact)
    await house.upkeep.round()
    assert await balances(house.database) == [DONE, DONE]


async def test_a_journal_of_another_database_is_refused_and_told_once(
    house: House, tmp_path: Path, supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    await die(house.database, tmp_path, "b")
    before = await balances(house.database)
    await run(house.database, "DELETE FROM node WHERE id LIKE 'b_%'")
    for _ in range(2):
        await house.upkeep.round()

    assert caplog.messages.count("recovery.foreign") == 1
    assert await balances(house.database) == before
    assert await house.database.fetch("SELECT id FROM node") == [("living",)]


async def test_old_segments_go_when_they_are_shipped_and_nobody_needs_them(
    house: House, supervisor: Supervisor
) -> None:
    journal = Journal.open(
        house.slot.path, origin=house.upkeep.origin, sync=Sync.OFF, supervisor=supervisor, carry=tuple
    )
    for _ in range(3):
        journal._rotate()
    old = (house.clock.now() - KEPT - timedelta(seconds=1)).timestamp()
    young = (house.clock.now() - KEPT + timedelta(seconds=1)).timestamp()
    for number, at in ((1, old), (2, young), (3, old), (4, old)):
        os.utime(segment_path(house.slot.path, number), (at, at))

    await house.upkeep.round()
    assert segment_numbers(house.slot.path) == [1, 2, 3, 4]

    house.upkeep.shipper.shipped = Position(4, 0)
    await house.upkeep.round()
    assert segment_numbers(house.slot.path) == [2, 3, 4]
    await journal.close()


async def test_closed_leases_of_the_dead_are_forgotten_in_time(house: House, tmp_path: Path) -> None:
    await die(house.database, tmp_path, "b")
    await house.upkeep.round()
    assert await house.database.fetch("SELECT COUNT(*) FROM lease") == [(1,)]

    house.clock.instant += KEPT + timedelta(seconds=1)
    await house.upkeep.round()
    assert await house.database.fetch("SELECT COUNT(*) FROM lease") == [(0,)]


async def test_a_lost_node_is_told_once(house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of a machine whose disk is not here; only if it has something leased."""
    await die(house.database, tmp_path / "elsewhere", "b")
    async with Bank(house.database, tmp_path / "there", name="idle"):
        pass
    house.clock.instant = datetime.now(UTC) + timedelta(minutes=16)
    for _ in range(2):
        await house.upkeep.round()

    (told,) = [record for record in caplog.records if record.message == "node.lost"]
    assert (told.levelno, vars(told)["node"], vars(told)["host"]) == (logging.ERROR, "b_0_elsewhere", "test")
    assert Amount.parse(vars(told)["unspent"]) > ZERO


async def test_a_database_that_is_away_does_not_end_the_rounds(
    house: House, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinx.billing.upkeep.EVERY", timedelta(0))
    house.database.plan = lambda n: Fault.AWAY if n < 4 else None
    house.database.asked = 0
    house.clock.advance(MINUTE)
    rounds = supervisor.start(house.upkeep.run(), name="upkeep", endless=True)
    while await house.seen() != house.clock.now():
        assert not rounds.done()
