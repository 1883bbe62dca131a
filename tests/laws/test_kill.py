"""Processes that spend are killed again and again, wherever they are: nothing is lost, nothing is charged twice."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from clinx.accounts.tokens import Limits
from clinx.billing.journal import slots
from clinx.billing.journal.files import Position, segment_numbers
from clinx.billing.recovery import Recovery
from clinx.billing.shipper import Shipper
from clinx.billing.treasury import begin
from clinx.billing.upkeep import Upkeep
from clinx.domain.identity import User
from clinx.domain.money import Amount
from clinx.storage.database import Database
from support.database import (
    _migrated_database,
    _migrated_file,
    database,
    database_url,
    fund,
    make_token,
    make_user,
)
from support.ledger_worker import Spender, Task
from support.town import Town
from support.vendor import Vendor
from support.verdict import judge

__all__ = ["_migrated_database", "_migrated_file", "database", "database_url"]

SOAK = timedelta(minutes=float(os.environ.get("SOAK_MINUTES", "0")))
"""How long it lasts instead of `ROUNDS`."""
SEED = int(os.environ.get("SOAK_SEED", "1"))
ROUNDS = 60
CALLS = 60
"""Between two kills, of all workers together."""
WORKERS = 3
PARALLEL = 8
BUSY = '"event":"billing.unavailable"'
"""What several processes on one SQLite file say of each other, on a busy machine."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class People:
    """Those who spend."""

    spenders: list[Spender]
    poor: list[User]
    """They get a little money now and then."""


async def settle_people(database: Database) -> People:
    rich, poor = await make_user(database, "rich", balance="1000"), await make_user(database, "poor", balance="0.02")
    modest = await make_user(database, "modest", balance="0.2")
    spenders = [
        await _spender(database, rich, 6),
        await _spender(database, rich, 3, budget="900"),
        await _spender(database, rich, 1, budget="0.30"),
        await _spender(database, poor, 1),
        await _spender(database, modest, 1),
    ]
    return People(spenders, [poor, modest])


async def _spender(database: Database, user: User, weight: int, *, budget: str | None = None) -> Spender:
    limit = None if budget is None else Amount.parse(budget)
    issued = await make_token(database, user, limits=Limits(budget=limit), name=f"token-{weight}")
    return Spender(user.id, issued.token.id, None if limit is None else limit.nano, weight)


async def finish(database: Database, folder: Path) -> None:
    """One more life: it recovers what was left in its own place, and adopts all others."""
    slot = slots.claim(folder, lambda: "node_last")
    try:
        origin = await begin(database, slot, "test", now())
        recovery = Recovery(database, now, Random(1))
        numbers = segment_numbers(slot.path)
        await recovery.recover(slot.path, origin, Position(numbers[-1] + 1 if numbers else 0, 0))
        shipper = Shipper(database, slot.path, origin, now=now, random=Random(1))
        await Upkeep(database, folder, slot, origin, "test", shipper, recovery, now).round()
    finally:
        slot.release()


def is_over(rounds: int, began: datetime) -> bool:
    return now() - began >= SOAK if SOAK else rounds >= ROUNDS


async def test_whoever_is_killed_nothing_is_lost_and_nothing_is_charged_twice(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    draw, began, rounds, killed = Random(SEED), now(), 0, 0
    people, folder = await settle_people(database), tmp_path / "journal"
    async with Vendor(Random(SEED)).open() as vendor:
        tasks = [
            Task(
                database_url,
                str(folder),
                vendor.port,
                number,
                PARALLEL,
                people.spenders,
                said=str(tmp_path / f"{number}.log"),
            )
            for number in range(WORKERS)
        ]
        async with Town.open(tasks) as town:
            while not is_over(rounds, began):
                await vendor.until_acknowledged(vendor.acknowledged + CALLS)
                for user in people.poor:
                    await fund(database, user, "0.02")
                killed += town.strike(draw)
                rounds += 1
            await vendor.until_acknowledged(vendor.acknowledged + CALLS)
            await vendor.hurry()
    await finish(database, folder)

    assert await judge(database, vendor.bill) == []
    assert [line for line in town.complaints if BUSY not in line] == []
    assert town.codes == {0, -signal.SIGKILL}
    assert sum(worker.lives for worker in town.workers) > killed
    assert sum(not call.acknowledged for call in vendor.bill.values()) > rounds
