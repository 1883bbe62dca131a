"""The counter where exchanges hold and settle: concurrent operations share one commit.

While a transaction commits, the next batch gathers; when nothing is going on, an operation starts at once. There is no
timer, so an idle ledger adds no delay and a busy one no transaction. Every caller is answered after the commit that
holds its operation.

A hold may be refused when the database is away; a settlement, a release or a log that is due is kept and tried again
until it is written or the process must go. A caller that leaves while its hold is being written gets nothing: the
hold is released.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from clinx.billing.batch import execute
from clinx.billing.operations import Hold, Operation, Outcome, Record, Release, Resolution, Settle
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation
from clinx.domain.money import ZERO, Amount
from clinx.domain.request_log import RequestLog
from clinx.errors import BillingUnavailable, GatewayError, InternalError
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused, StorageUnavailable
from clinx.telemetry.tasks import Supervisor

log = logging.getLogger("clinx.billing")

BATCH: Final = 500
"""Most operations of one transaction."""
MOST_LOGS: Final = 10_000
"""Logs without money that may wait; beyond, they are dropped rather than fill the memory while the database is away."""
CONFLICTS: Final = 8
"""Immediate retries of a transaction that lost a race."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    """An operation and whoever waits for it."""

    operation: Operation
    answer: asyncio.Future[Outcome]

    def succeed(self, outcome: Outcome) -> None:
        if self.answer.done():
            return
        if isinstance(outcome, GatewayError):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)

    def fail(self, error: GatewayError) -> None:
        self.succeed(error)


class Cashier:
    """Holds, settles, releases and records."""

    def __init__(
        self, database: Database, supervisor: Supervisor, *, now: Callable[[], datetime], random: Random
    ) -> None:
        """Wire it; nothing runs before `start`."""
        self._database = database
        self._supervisor = supervisor
        self._now = now
        self._random = random
        self._queue: deque[_Ticket] = deque()
        self._awake = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve. Operations queued before are served now."""
        self._worker = self._supervisor.start(self._serve(), name="cashier")
        self._worker.add_done_callback(self._stopped)

    async def close(self, grace: timedelta = timedelta(seconds=10)) -> None:
        """Write what is queued, then stop. What the database does not take within the grace is logged and lost."""
        self._closing = True
        self._awake.set()
        if self._worker is not None:
            _, late = await asyncio.wait({self._worker}, timeout=grace.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.wait({self._worker})
        self._abandon_all()

    async def reserve(
        self, principal: Principal, amount: Amount, *, request_id: str, revision: str, lifetime: timedelta
    ) -> Reservation:
        """Hold an amount of the principal's balance and of its token's budget; a hold of nothing checks the token.

        Raises:
            InsufficientBalance: the balance, less what is held, does not cover it.
            BudgetSpent: the token's budget does not.
            TokenDisabled, TokenExpired, PermissionDenied: the token or its user may not spend any more.
            BillingUnavailable: the ledger cannot be written now.
        """
        if amount < ZERO:
            raise ValueError("a hold is not negative")
        reservation = Reservation(request_id, principal.user.id, principal.token.id, amount, revision)
        answer = self._submit(Hold(reservation, self._now() + lifetime))
        try:
            outcome = await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._submit(Release(reservation, None))  # Granted, but whoever asked was cancelled before hearing it.
            raise
        assert isinstance(outcome, Reservation)  # noqa: S101  (tells the type checker what Books promises)
        return outcome

    async def settle(self, reservation: Reservation, charge: Amount, *, attempt: int, log: RequestLog) -> Resolution:
        """Charge for an exchange, free its hold and write its log: once, whatever the balance.

        Returns when it is committed, however long that takes.

        Raises:
            BillingUnavailable: the process went away before the ledger could be written.
        """
        if charge < ZERO:
            raise ValueError("a charge is not negative")
        return _resolution(await self._submit(Settle(reservation, charge, attempt, log)))

    async def release(self, reservation: Reservation, *, log: RequestLog | None) -> Resolution:
        """Free a hold without a charge and write the log.

        Raises:
            BillingUnavailable: the process went away before the ledger could be written; the sweep will free it.
        """
        return _resolution(await self._submit(Release(reservation, log)))

    async def record(self, entry: RequestLog) -> None:
        """Write the log of an exchange that held nothing; dropped when too many wait. Never raises."""
        if len(self._queue) >= MOST_LOGS:
            log.warning("billing.log_dropped", extra={"id": entry.id})
            return
        try:
            await self._submit(Record(entry))
        except GatewayError as error:
            log.warning("billing.log_dropped", extra={"id": entry.id, "code": error.code})

    def _submit(self, operation: Operation) -> asyncio.Future[Outcome]:
        ticket = _Ticket(operation, asyncio.get_running_loop().create_future())
        self._queue.append(ticket)
        if self._closing if self._worker is None else self._worker.done():
            self._abandon_all()
        self._awake.set()
        return ticket.answer

    async def _serve(self) -> None:
        failures = 0
        while True:
            if not self._queue:
                if self._closing:
                    return
                self._awake.clear()
                await self._awake.wait()
                continue
            batch = self._take()
            if await self._commit(batch):
                failures = 0
            else:
                failures += 1
                await asyncio.sleep(self._random.uniform(0.5, 1.0) * min(0.05 * 2**failures, 1.0))

    def _take(self) -> list[_Ticket]:
        batch: list[_Ticket] = []
        while self._queue and len(batch) < BATCH:
            ticket = self._queue.popleft()
            if not (ticket.answer.cancelled() and isinstance(ticket.operation, Hold)):
                batch.append(ticket)
        return batch

    async def _commit(self, batch: list[_Ticket]) -> bool:
        """Execute a batch and answer its callers; False when the database was away."""
        try:
            outcomes = await self._execute([ticket.operation for ticket in batch])
        except StorageRefused as error:
            return await self._divide(batch, error)
        except StorageUnavailable as error:
            self._postpone(batch, error)
            return False
        except BaseException:  # Cancelled, or a defect: whoever waits must hear of it, see _stopped.
            self._queue.extendleft(reversed(batch))
            raise
        for ticket, outcome in zip(batch, outcomes, strict=True):
            self._answer(ticket, outcome)
        return True

    async def _execute(self, operations: list[Operation]) -> list[Outcome]:
        for attempt in range(CONFLICTS):
            try:
                return await self._database.atomically(execute(operations, self._now()))
            except StorageConflict:
                log.info("billing.conflict", extra={"attempt": attempt})
                await asyncio.sleep(self._random.uniform(0, 0.002 * 2**attempt))
        return await self._database.atomically(execute(operations, self._now()))

    def _answer(self, ticket: _Ticket, outcome: Outcome) -> None:
        if ticket.answer.cancelled() and isinstance(outcome, Reservation):
            # Whoever asked has gone: nobody else would ever free it before the sweep.
            self._submit(Release(outcome, None))
            return
        if outcome is Resolution.UNKNOWN:
            log.error("billing.unknown_hold", extra={"operation": repr(ticket.operation)})
        ticket.succeed(outcome)

    async def _divide(self, batch: list[_Ticket], error: StorageRefused) -> bool:
        """Find the operation whose values the database refuses, so that the others do not suffer."""
        if len(batch) > 1:
            middle = len(batch) // 2
            first = await self._commit(batch[:middle])
            return await self._commit(batch[middle:]) and first
        log.critical("billing.refused", extra={"operation": repr(batch[0].operation)}, exc_info=error)
        batch[0].fail(InternalError("the ledger refused this operation"))
        return True

    def _postpone(self, batch: list[_Ticket], error: StorageUnavailable) -> None:
        log.warning("billing.unavailable", extra={"waiting": len(batch) + len(self._queue)}, exc_info=error)
        due: list[_Ticket] = []
        for ticket in batch:
            if isinstance(ticket.operation, Hold):
                ticket.fail(BillingUnavailable("the ledger cannot be written right now", retry_after=1))
            else:
                due.append(ticket)
        self._queue.extendleft(reversed(due))

    def _stopped(self, _: asyncio.Task[None]) -> None:
        self._abandon_all()

    def _abandon_all(self) -> None:
        while self._queue:
            ticket = self._queue.popleft()
            if not isinstance(ticket.operation, Hold):
                log.critical("billing.lost", extra={"operation": repr(ticket.operation)})
            ticket.fail(BillingUnavailable("the gateway is shutting down", retry_after=1))


def _resolution(outcome: Outcome) -> Resolution:
    assert isinstance(outcome, Resolution)  # noqa: S101  (tells the type checker what Books promises)
    return outcome
