"""How long it takes until what a dead process left in its journal is in the ledger."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.bank import CHARGE, HOLD, Call, life, make_caller, new_id, now
from clinx.billing import batch
from clinx.billing.journal import slots
from clinx.billing.journal.durability import Sync
from clinx.billing.journal.records import Held
from clinx.billing.journal.writer import Journal
from clinx.billing.operations import Lend, Settle
from clinx.billing.treasury import begin
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation, Unresolved
from clinx.domain.money import ZERO, Amount
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor

CALLS = 50_000
CALLERS = 20


@dataclass(frozen=True, slots=True)
class Revival:
    """Of the life after the dead one; seconds."""

    records: int
    opened: float
    """Until it serves."""
    recovered: float
    """Until nothing is left of the dead one."""
    cpu: float
    """Of this process."""


async def measure(database: Database, folder: Path) -> Revival:
    """Write a long life that ships nothing, and time the next one."""
    callers = [await make_caller(database) for _ in range(CALLERS)]
    await _live(database, folder, callers)
    began, busy = time.monotonic(), time.process_time()
    async with life(database, folder) as treasury:
        opened = time.monotonic() - began
        await treasury.recovered.wait()
        return Revival(2 * CALLS, opened, time.monotonic() - began, time.process_time() - busy)


async def _live(database: Database, folder: Path, callers: list[Principal]) -> None:
    """Borrow, hold and settle as a process does, without a shipper."""
    supervisor = Supervisor()
    slot = slots.claim(folder / "journal", new_id)
    origin = await begin(database, slot, "bench", now())
    wish = Amount((HOLD.nano + 1) * CALLS)
    lent = [Lend(caller.user.id, caller.token.id, HOLD, wish) for caller in callers]
    await database.atomically(batch.execute(lent, now(), origin))
    journal = Journal.open(slot.path, origin=origin, sync=Sync.OFF, supervisor=supervisor, carry=list[Held])
    for number in range(CALLS):
        caller = callers[number % len(callers)]
        call = Call.of(caller)
        held = Reservation(call.log.id, caller.user.id, caller.token.id, HOLD, "bench", leased=True)
        journal.append(Held(held, now(), ZERO, Unresolved.METERED))
        journal.append(Settle(held, CHARGE, call.log))
    await journal.close()
    slot.release()
    await supervisor.close()
