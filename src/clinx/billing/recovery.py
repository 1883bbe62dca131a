"""What a process that died left behind: its journal is shipped, its open holds are resolved, its leases given back.

Everything here may be interrupted and begun again: batches carry their position, resolutions their event, and the
leases of the dead epochs are closed by the transaction that moves the position past their last segment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Final

from msgspec.structs import replace

from clinx.billing import batch
from clinx.billing.batch import Overtaken
from clinx.billing.journal.failures import JournalUnreadable
from clinx.billing.journal.files import Position, segment_numbers
from clinx.billing.journal.passage import Passage
from clinx.billing.journal.reader import OpenHold, last_epoch, open_holds, read
from clinx.billing.operations import Operation, Release, Settle
from clinx.billing.shipper import BATCH, Carrier, put_aside
from clinx.billing.sweep import release_orphans
from clinx.domain.ledger import Origin, Unresolved
from clinx.domain.money import ZERO, Amount
from clinx.domain.request_log import RequestLog
from clinx.domain.usage import Usage
from clinx.storage import leases, nodes
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused, StorageUnavailable
from clinx.storage.program import Program

log = logging.getLogger("clinx.billing")

OUTCOME: Final = "interrupted"
"""The outcome in the log of a call whose process died."""
FAILURES: Final = (StorageUnavailable, Overtaken, JournalUnreadable, OSError)
"""What may stop a recovery; it can be begun again after each."""
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries while the database is away."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What there was to do."""

    records: int = 0
    """Shipped."""
    resolved: int = 0
    """Holds without an end."""
    charged: Amount = ZERO
    """For those."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Brings the lives before this one to their end."""

    database: Database
    now: Callable[[], datetime]
    random: Random

    async def recover(self, folder: Path, origin: Origin, end: Position, *, tries: int | None = None) -> Recovered:
        """Finish every life of a node before ``origin``, whose own records begin at ``end``; tries until it is done.

        Raises:
            StorageUnavailable, Overtaken, JournalUnreadable, OSError: the last try failed, if they are numbered.
        """
        failures = 0
        while True:
            try:
                done = await self._recover(folder, origin, end)
            except FAILURES as error:
                failures += 1
                if failures == tries:
                    raise
                if failures == 1:
                    log.warning("recovery.delayed", extra={"node": origin.node, "reason": str(error)})
                await asyncio.sleep(self.random.uniform(0.5, 1.0) * min(0.05 * 2**failures, LONGEST_PAUSE))
                continue
            if done.records or done.resolved:
                _say(origin, done)
            return done

    async def tidy(self, origin: Origin) -> None:
        """Return what lives before ``origin`` took although they were finished: nobody will spend it.

        A server may commit the last transaction of a process after that was killed, and recovered from.

        Raises:
            StorageUnavailable: the database cannot be written now.
        """
        await release_orphans(self.database, origin, self.now(), keep=())
        await self.database.atomically(leases.close_epochs(origin.node, origin.epoch))

    async def _recover(self, folder: Path, origin: Origin, end: Position) -> Recovered:
        start = Position(*await self.database.atomically(nodes.position(origin.node)))
        # Resolved before anything is shipped: if this is interrupted, the position still says where to look for them.
        holds = await asyncio.to_thread(_unresolved, folder, start, origin)
        charged = await self._resolve(folder, holds)
        position, records = await self._ship(folder, origin, start, end)
        await release_orphans(self.database, origin, self.now(), keep={hold.held.reservation.id for hold in holds})
        await self.database.atomically(_finish(origin, position, end))
        return Recovered(records, len(holds), charged)

    async def _ship(self, folder: Path, origin: Origin, position: Position, end: Position) -> tuple[Position, int]:
        count, carrier = 0, Carrier(self.database, folder, origin, self.now)
        while position < end:
            found = await asyncio.to_thread(read, folder, position, most=BATCH, end=end)
            if found.end == position:
                break
            await carrier.ship(position, found)
            count += len(found.records)
            position = found.end
        return position, count

    async def _resolve(self, folder: Path, holds: Sequence[OpenHold]) -> Amount:
        by_life: dict[Origin, list[Operation]] = {}
        for hold in holds:
            by_life.setdefault(hold.origin, []).append(resolution(hold))
        charged = 0
        for life, operations in by_life.items():
            for first in range(0, len(operations), BATCH):
                charged += await self._execute(folder, operations[first : first + BATCH], life)
        return Amount(charged)

    async def _execute(self, folder: Path, operations: Sequence[Operation], life: Origin) -> int:
        """Resolve all that the database takes; return what that costs."""
        try:
            await self.database.atomically(batch.execute(operations, self.now(), life))
        except StorageRefused as error:
            if len(operations) == 1:
                put_aside(folder, operations[0], error)
                return 0
            middle = len(operations) // 2
            charged = await self._execute(folder, operations[:middle], life)
            return charged + await self._execute(folder, operations[middle:], life)
        return sum(operation.charge.nano for operation in operations if isinstance(operation, Settle))


def cost(hold: OpenHold) -> Amount:
    """Return what a call costs whose end nobody saw, by the policy of the channel it was on."""
    match hold.unresolved:
        case Unresolved.METERED:
            return max(hold.metered, hold.held.floor)
        case Unresolved.HOLD:
            return hold.amount
        case Unresolved.VOID:
            return ZERO


def resolution(hold: OpenHold) -> Operation:
    """Return the operation that ends it."""
    reservation = replace(hold.held.reservation, amount=hold.amount)
    charge = cost(hold)
    log = _log(hold, charge)
    return Settle(reservation, charge, log) if charge else Release(reservation, log)


def _log(hold: OpenHold, charge: Amount) -> RequestLog:
    reservation = hold.held.reservation
    return RequestLog(
        id=reservation.id,
        at=hold.held.at,
        revision=reservation.revision,
        dialect="",
        operation="",
        outcome=OUTCOME,
        status=0,
        user_id=reservation.user_id,
        token_id=reservation.token_id,
        group=None,
        model=None,
        channel=None,
        upstream_model=None,
        upstream_id=None,
        stream=False,
        usage=Usage(estimated=True),
        charge=charge,
        quote=(f"estimated: {hold.unresolved}",),
        attempts=(),
        seconds=0.0,
        first_byte_seconds=None,
        address=None,
        cost=hold.cost,
    )


def _unresolved(folder: Path, position: Position, origin: Origin) -> list[OpenHold]:
    """Return the holds of earlier lives that have no end, in the order of their ids."""
    holds, first = open_holds(folder, position), _first_unfinished(folder, position)
    return [holds[id_] for id_ in sorted(holds) if first <= holds[id_].origin.epoch < origin.epoch]


def _first_unfinished(folder: Path, position: Position) -> int:
    """Return the epoch of the life that a position is in: holds of those before were resolved when it came there."""
    numbers = segment_numbers(folder)
    if position.segment not in numbers:
        return 0 if numbers and position.segment < numbers[-1] else last_epoch(folder) + 1
    header = Passage(folder, position.segment).header
    return 0 if header is None else header.epoch


def _finish(origin: Origin, position: Position, end: Position) -> Program[None]:
    if not (yield from nodes.advance(origin, position, end)):
        raise Overtaken(f"the journal of {origin.node} was moved by somebody else")
    yield from leases.close_epochs(origin.node, origin.epoch)


def _say(origin: Origin, done: Recovered) -> None:
    log.warning(
        "recovery.finished",
        extra={
            "node": origin.node,
            "records": done.records,
            "resolved": done.resolved,
            "charged": str(done.charged),
        },
    )
