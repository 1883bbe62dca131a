"""Where money is held, lent and moved in the database: concurrent operations share one commit.

While a transaction commits, the next batch gathers; when nothing is going on, an operation starts at once. There is no
timer, so an idle ledger adds no delay and a busy one no transaction. Every caller is answered after the commit that
holds its operation.

When the database is away or slow, callers hear of it within `PATIENCE`: holds and loans are refused, at once while the
outage lasts; a settlement, a release, a repayment or a log that is due is kept and tried again until it is written or
the process must go, but nobody waits for it. A caller that leaves or was refused while its hold is being written keeps
nothing: the hold is released. A loan that may have been written needs no such care: the next one tells its totals.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Final

from clinx.billing.batch import execute
from clinx.billing.operations import (
    Direct,
    Hold,
    Lend,
    Loan,
    Operation,
    Outcome,
    Record,
    Release,
    Repay,
    Resolution,
    Settle,
)
from clinx.billing.outage import Outage, Seldom
from clinx.billing.ticket import Ticket
from clinx.domain.identity import Principal
from clinx.domain.ledger import Origin, Reservation
from clinx.domain.money import ZERO, Amount
from clinx.domain.request_log import RequestLog
from clinx.errors import BillingUnavailable, GatewayError, InternalError
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageInDoubt, StorageRefused, StorageUnavailable
from clinx.telemetry.tasks import Supervisor

log = logging.getLogger("clinx.billing")

BATCH: Final = 500
"""Most operations of one transaction."""
MOST_LOGS: Final = 10_000
"""Logs without money that may wait; beyond, they are dropped rather than fill the memory while the database is away."""
TURNS: Final = 6
"""Turns of the event loop between two transactions under load; more bring nothing."""
CONFLICTS: Final = 8
"""Immediate retries of a transaction that lost a race."""
PATIENCE: Final = timedelta(seconds=1)
"""How long a caller waits for a ledger that says nothing."""


class Vault:
    """Holds, lends, settles, releases and records, for one life of a process."""

    def __init__(
        self,
        database: Database,
        supervisor: Supervisor,
        *,
        origin: Origin,
        now: Callable[[], datetime],
        random: Random,
        patience: timedelta = PATIENCE,
    ) -> None:
        """Wire it; nothing runs before `start`."""
        self._database = database
        self._supervisor = supervisor
        self._origin = origin
        self._now = now
        self._random = random
        self._patience = patience
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: deque[Ticket] = deque()
        self._batch: list[Ticket] = []
        self._timer: asyncio.TimerHandle | None = None
        self._outage = Outage(time.monotonic_ns)
        self._dropped = Seldom(time.monotonic_ns)
        self._awake = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve. Operations queued before are served now."""
        self._worker = self._supervisor.start(self._serve(), name="vault")
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
        return await self.hold(reservation, self._now() + lifetime)

    async def hold(self, reservation: Reservation, expires_at: datetime, *, terms: str | None = None) -> Reservation:
        """Hold what a reservation says until an instant; with the terms of a task it belongs to no process.

        Raises:
            GatewayError: as `reserve`.
        """
        answer = self._submit(Hold(reservation, expires_at, terms))
        try:
            outcome = await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self.give_back(reservation)  # Granted, but whoever asked was cancelled before hearing it.
            raise
        assert isinstance(outcome, Reservation)  # noqa: S101  (tells the type checker what Books promises)
        return outcome

    def give_back(self, reservation: Reservation) -> None:
        """Free a hold that nobody will ever settle, soon: without this it would stay until the sweep."""
        self._enqueue(Ticket(Release(reservation, None), None))

    async def settle(self, reservation: Reservation, charge: Amount, *, log: RequestLog) -> Resolution:
        """Charge for an exchange, free its hold and write its log: once, whatever the balance.

        Returns when it is committed. What was handed over is written even if this raises or is cancelled.

        Raises:
            BillingUnavailable: the ledger cannot be written now; it is kept and written as soon as that works. If
                the process must go first, it is logged as lost.
        """
        if charge < ZERO:
            raise ValueError("a charge is not negative")
        return _resolution(await self._submit(Settle(reservation, charge, log)))

    async def release(self, reservation: Reservation, *, log: RequestLog | None) -> Resolution:
        """Free a hold without a charge and write the log.

        Raises:
            BillingUnavailable: the ledger cannot be written now; it is kept, as in `settle`. If it is lost with the
                process, the sweep frees the hold.
        """
        return _resolution(await self._submit(Release(reservation, log)))

    async def lend(self, principal: Principal, least: Amount, wish: Amount) -> Loan | Direct:
        """Lend of the principal's balance and of its token's budget, if it has one: both or none.

        At least ``least``, at most ``wish`` if that is more, else a part of what is available. `Direct` when what is
        available is too little to be parted, or the account is frozen: then hold directly, after a repayment.

        Raises:
            InsufficientBalance, BudgetSpent: not even ``least`` is available.
            TokenDisabled, TokenExpired, PermissionDenied: the token or its user may not spend any more.
            BillingUnavailable: the ledger cannot be written now; if it was written after all, the next loan tells.
        """
        if least <= ZERO:
            raise ValueError("a loan is positive")
        outcome = await self._submit(Lend(principal.user.id, principal.token.id, least, wish))
        assert isinstance(outcome, Loan | Direct)  # noqa: S101  (tells the type checker what Books promises)
        return outcome

    async def repay(self, scope: str, returned: Amount) -> None:
        """Return part of a lease: ``returned`` is all that was ever returned of it, this time included.

        Never more than is unspent. May be said again.

        Raises:
            BillingUnavailable: the ledger cannot be written now; it is kept and written as soon as that works. If
                the process must go first, its next life returns what is left.
        """
        if returned < ZERO:
            raise ValueError("a repayment is not negative")
        await self._submit(Repay(scope, returned))

    async def record(self, entry: RequestLog) -> None:
        """Write the log of an exchange that held nothing; dropped when too many wait. Never raises."""
        if len(self._queue) >= MOST_LOGS:
            self._drop()
            return
        try:
            await self._submit(Record(entry))
        except GatewayError:
            self._drop()

    def _drop(self) -> None:
        if count := self._dropped.count():
            log.warning("billing.log_dropped", extra={"count": count})

    def _submit(self, operation: Operation) -> asyncio.Future[Outcome]:
        loop = self._loop
        if loop is None:  # Kept, for asking costs a system call.
            loop = self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()
        ticket = Ticket(operation, answer)
        if self._outage.is_on and self._turn_away(ticket):
            return answer
        self._enqueue(ticket)
        return answer

    def _enqueue(self, ticket: Ticket) -> None:
        self._queue.append(ticket)
        if self._closing if self._worker is None else self._worker.done():
            self._abandon_all()
        self._awake.set()

    async def _serve(self) -> None:
        failures = 0
        while True:
            if self._outage.is_on:  # Tried again even with nothing to write: holds come back only when it works.
                failures += 1
                await asyncio.sleep(self._random.uniform(0.5, 1.0) * min(0.05 * 2**failures, 1.0))
            elif not self._queue and not self._closing:
                self._awake.clear()
                await self._awake.wait()
            if self._closing and not self._queue:
                return
            await self._gather()
            if await self._attend(self._take()):
                failures = 0
                self._outage.end()

    async def _gather(self) -> None:
        """Give exchanges that were just answered the time to come back with what they do next.

        Turns of the event loop, not a timer: where one caller at a time is served nothing is waited for, and where many
        are, a transaction that begins a moment later carries more of them. Under load that is a fifth of all CPU.
        """
        if len(self._batch) > 1:
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def _attend(self, batch: list[Ticket]) -> bool:
        """Commit a batch; meanwhile its callers, and those behind it, wait only so long."""
        self._batch = batch
        self._time_half(self._lose_patience_soon)
        try:
            return await self._commit(batch)
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _time_half(self, then: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._patience.total_seconds() / 2, then)

    def _lose_patience_soon(self) -> None:
        # In two halves: when this process itself was stopped for long, the database is not to blame.
        self._time_half(self._lose_patience)

    def _lose_patience(self) -> None:
        waiting = len(self._batch) + len(self._queue)
        self._outage.fail(f"no answer for {self._patience.total_seconds():g} s", waiting=waiting)
        for ticket in self._batch:
            self._turn_away(ticket, late=True)
        self._turn_all_away(late=True)

    def _turn_all_away(self, *, late: bool) -> None:
        self._queue = deque(ticket for ticket in self._queue if not self._turn_away(ticket, late=late))

    def _turn_away(self, ticket: Ticket, *, late: bool = False) -> bool:
        """Answer whoever should not wait for the end of the outage; say whether the operation itself is refused."""
        if ticket.is_refusable and not ticket.is_unheard:
            self._outage.refuse()
        if ticket.is_refusable or late or self._outage.lasted >= self._patience or isinstance(ticket.operation, Record):
            ticket.turn_away()
        return ticket.is_refusable

    def _take(self) -> list[Ticket]:
        """Take what comes next, without the holds of callers that have left."""
        queue = self._queue
        taken = [queue.popleft() for _ in range(min(len(queue), BATCH))]
        return [ticket for ticket in taken if not (ticket.is_unheard and ticket.is_refusable)]

    async def _commit(self, batch: list[Ticket]) -> bool:
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
                return await self._database.atomically(execute(operations, self._now(), self._origin))
            except StorageConflict:
                log.info("billing.conflict", extra={"attempt": attempt})
                await asyncio.sleep(self._random.uniform(0, 0.002 * 2**attempt))
        return await self._database.atomically(execute(operations, self._now(), self._origin))

    def _answer(self, ticket: Ticket, outcome: Outcome) -> None:
        if isinstance(outcome, Reservation) and ticket.is_unheard:
            self.give_back(outcome)
        elif outcome is Resolution.UNKNOWN and ticket.answer is not None:
            log.error("billing.unknown_hold", extra={"operation": repr(ticket.operation)})
        ticket.succeed(outcome)

    async def _divide(self, batch: list[Ticket], error: StorageRefused) -> bool:
        """Find the operation whose values the database refuses, so that the others do not suffer."""
        if len(batch) > 1:
            middle = len(batch) // 2
            first = await self._commit(batch[:middle])
            return await self._commit(batch[middle:]) and first
        log.critical("billing.refused", extra={"operation": repr(batch[0].operation)}, exc_info=error)
        batch[0].succeed(InternalError("The ledger refused this operation."))
        return True

    def _postpone(self, batch: list[Ticket], error: StorageUnavailable) -> None:
        """Keep what is due, refuse the holds, and give those back that may have been written after all."""
        self._queue.extendleft(reversed(batch))
        self._outage.fail(str(error), waiting=len(self._queue))
        self._turn_all_away(late=False)
        if isinstance(error, StorageInDoubt):
            for ticket in batch:
                if isinstance(ticket.operation, Hold):
                    self.give_back(ticket.operation.reservation)

    def _stopped(self, _: asyncio.Task[None]) -> None:
        self._abandon_all()

    def _abandon_all(self) -> None:
        while self._queue:
            ticket = self._queue.popleft()
            if not isinstance(ticket.operation, Hold | Lend | Repay):
                log.critical("billing.lost", extra={"operation": repr(ticket.operation)})
            ticket.succeed(BillingUnavailable("The gateway is shutting down.", retry_after=1))


def _resolution(outcome: Outcome) -> Resolution:
    assert isinstance(outcome, Resolution)  # noqa: S101  (tells the type checker what Books promises)
    return outcome
