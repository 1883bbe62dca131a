"""What dead processes left is finished by the living, whatever is in the way; and the living stay alive over it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from clinx.billing.batch import execute
from clinx.billing.journal import slots
from clinx.billing.journal.files import segment_numbers, segment_path
from clinx.billing.journal.frames import enclose
from clinx.billing.operations import Hold, Lend
from clinx.billing.recovery import Recovery
from clinx.billing.shipper import Shipper
from clinx.billing.treasury import begin
from clinx.billing.upkeep import Upkeep
from clinx.domain.identity import Principal
from clinx.domain.ledger import Origin, Reservation
from clinx.domain.money import Amount
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from support.books import contradictions
from support.database import _migrated_database, _migrated_file, database, database_url, make_caller
from support.flaky import Fault, Flaky
from support.treasury import Bank

__all__ = ["_migrated_database", "_migrated_file", "database", "database_url"]
DOLLAR = Amount.parse("1")
NEWER = enclose(bytes((99, 1)), b"a record of a version to come")


def now() -> datetime:
    return datetime.now(UTC)


async def leave_orphans(database: Database, tmp_path: Path, *names: str) -> None:
    """Let processes die, each in its own slot, with a lease and an open hold of a dollar."""
    banks = [Bank(database, tmp_path, name=name) for name in names]
    for bank in banks:
        await bank.begin()
        await bank.hold(await make_caller(database, bank.name, balance="100"), "1", floor="0.5")
    for bank in banks:
        await bank.crash()


class Caretaker:
    """A living process that does nothing but the upkeep."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder

    async def __aenter__(self) -> Upkeep:
        self.slot = slots.claim(self.folder / "living", lambda: f"node_living_{self.folder.name}")
        origin = await begin(self.database, self.slot, "test", now())
        shipper = Shipper(self.database, self.slot.path, origin, now=now, random=Random(1))
        recovery = Recovery(self.database, now, Random(1))
        return Upkeep(self.database, self.folder / "journal", self.slot, origin, "test", shipper, recovery, now)

    async def __aexit__(self, *_: object) -> None:
        self.slot.release()


async def balances(database: Database) -> list[tuple[int, int, int]]:
    rows = await database.fetch("SELECT balance, held, leased FROM account WHERE name LIKE 'user:%' ORDER BY name")
    return [(balance, held, leased) for balance, held, leased in rows]


CHARGED = (Amount.parse("99.5").nano, 0, 0)
"""Balance, held and leased of somebody whose hold was resolved."""


def free_slots(tmp_path: Path) -> int:
    """Count the orphans that anybody could adopt."""
    free = slots.orphans(tmp_path / "journal")
    for slot in free:
        slot.release()
    return len(free)


async def test_orphans_are_finished_by_whoever_lives(database: Database, tmp_path: Path) -> None:
    await leave_orphans(database, tmp_path, "ann", "bob")
    async with Caretaker(database, tmp_path) as upkeep:
        await upkeep.round()

    assert await balances(database) == [CHARGED] * 2
    assert await contradictions(database) == []


async def test_orphans_that_cannot_be_finished_now_are_left_to_whoever_comes_next(
    database: Database, tmp_path: Path
) -> None:
    await leave_orphans(database, tmp_path, "ann", "bob", "cid")
    flaky = Flaky(database)
    async with Caretaker(flaky, tmp_path) as upkeep:
        flaky.plan = {flaky.asked + 2: Fault.AWAY}.get  # The first was to say that it lives.
        with pytest.raises(StorageUnavailable):
            await upkeep.round()

        assert free_slots(tmp_path) == 3


async def test_an_orphan_that_nobody_can_read_keeps_nobody_from_the_others(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await leave_orphans(database, tmp_path, "ann", "bob")
    unreadable = tmp_path / "journal" / "0"
    with segment_path(unreadable, segment_numbers(unreadable)[-1]).open("ab") as file:
        file.write(NEWER)
    async with Caretaker(database, tmp_path) as upkeep:
        await asyncio.wait_for(upkeep.round(), 20)
        seen = await database.fetch("SELECT seen_at - started_at FROM node WHERE id = $1", upkeep.origin.node)

    assert (await balances(database))[1] == CHARGED
    assert seen[0][0] > 0
    assert free_slots(tmp_path) == 2
    ours = {(record.message, vars(record)["node"]) for record in caplog.records if record.name == "clinx.billing"}
    assert ours == {("recovery.delayed", f"ann_0_{tmp_path.name}"), ("recovery.finished", f"bob_0_{tmp_path.name}")}


async def test_what_a_dead_process_took_in_a_transaction_that_ended_late_is_returned(
    database: Database, tmp_path: Path
) -> None:
    """A server may be about to commit for a process that was killed, while the next life finishes what it knows of."""
    caller = await make_caller(database, "ann", balance="100")
    bank = Bank(database, tmp_path)
    dead = (await bank.begin()).origin
    await bank.crash()
    await bank.begin()
    bank.rest()
    await bank.treasury.settle_down()
    await bank.treasury.upkeep.round()
    await take_late(database, caller, dead, "one")
    assert await balances(database) == [(100 * DOLLAR.nano, DOLLAR.nano, DOLLAR.nano)]

    await bank.treasury.upkeep.round()
    assert await balances(database) == [(100 * DOLLAR.nano, 0, 0)]

    await bank.crash()
    async with Caretaker(database, tmp_path) as upkeep:
        await upkeep.round()
        await take_late(database, caller, dead, "another")
        await upkeep.round()

    assert await balances(database) == [(100 * DOLLAR.nano, 0, 0)]
    assert await contradictions(database) == []


async def take_late(database: Database, caller: Principal, dead: Origin, request_id: str) -> None:
    """Lend and hold a dollar in the name of a life that is over."""
    user_id, token_id = caller.user.id, caller.token.id
    held = Hold(Reservation(request_id, user_id, token_id, DOLLAR, "r1"), now() + timedelta(hours=1))
    await database.atomically(execute([Lend(user_id, token_id, DOLLAR, DOLLAR), held], now(), dead))


async def test_what_the_living_hold_is_left_to_them(database: Database, tmp_path: Path) -> None:
    rich, poor = await make_caller(database, "rich", balance="100"), await make_caller(database, "poor", balance="1.5")
    async with Bank(database, tmp_path) as bank:
        leased, held = await bank.hold(rich, "1"), await bank.hold(poor, "1")
        assert (leased.leased, held.leased) == (True, False)
        before = await balances(database)
        async with Caretaker(database, tmp_path) as upkeep:
            await upkeep.round()
        await bank.treasury.upkeep.round()

        assert await balances(database) == before
        assert [row[1:] for row in before] == [(0, 8 * DOLLAR.nano), (DOLLAR.nano, 0)]
