"""Holds of tasks that outlive their requests: a video job, a picture that is asked for again and again.

Such a hold belongs to no process: it is in the database alone, with the price that was frozen when the task was
accepted, and any process may extend, settle or refund it. At its deadline the sweep frees it and marks it expired; a
task that is settled later is charged all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from clinx.billing import refunds, transfer
from clinx.billing.books import settle_event
from clinx.billing.failures import MoneyRefused
from clinx.billing.operations import Resolution
from clinx.billing.refusal import budget_spent, insufficient, token_refusal
from clinx.billing.sums import TokenSum
from clinx.billing.terms import Terms, decode, encode
from clinx.billing.transfer import Cause
from clinx.billing.vault import Vault
from clinx.domain.identity import Principal, user_account
from clinx.domain.ledger import Reservation, ReservationState
from clinx.domain.money import ZERO, Amount
from clinx.domain.receipt import Factor, written
from clinx.domain.request_log import RequestLog
from clinx.domain.usage import Usage
from clinx.errors import NotCovered
from clinx.storage import ledger, reservations, task_holds
from clinx.storage.database import Database
from clinx.storage.ledger import Movement
from clinx.storage.program import Program
from clinx.storage.reservations import BudgetMovement
from clinx.storage.task_holds import StoredTaskHold

Free = Callable[[Principal, NotCovered], Awaitable[bool]]
"""Brings home what is leased of a principal's money; False when there is nothing of it."""


class TaskHoldUnknown(MoneyRefused):
    """No task holds anything under this id."""

    code = "task_hold_unknown"


class TaskHoldOver(MoneyRefused):
    """It was settled, released or has expired: there is nothing to extend."""

    code = "task_hold_over"


class TaskHold(Struct, frozen=True):
    """What is held for a task, or was."""

    reservation: Reservation
    kind: str
    """What sort of task: ``video``."""
    terms: Terms
    deadline: datetime
    """When the sweep frees it, at the latest a minute later."""
    state: ReservationState
    charge: Amount | None = None
    """What it was settled for; None when it was not."""


class TaskHolds:
    """Holds until a task has ended, settles at the price it was accepted at, or gives back."""

    def __init__(self, database: Database, vault: Vault, *, now: Callable[[], datetime], free: Free) -> None:
        """Wire it; ``free`` is asked before a hold is refused for want of money."""
        self._database = database
        self._vault = vault
        self._now = now
        self._free = free

    async def open(
        self,
        principal: Principal,
        amount: Amount,
        *,
        request_id: str,
        kind: str,
        deadline: datetime,
        terms: Terms,
    ) -> TaskHold:
        """Hold an amount of the principal's balance and of its token's budget until a task's deadline.

        The request that opens it writes no log of its own: the settlement or the refund writes the task's.

        Raises:
            ValueError: the amount is negative, or the deadline is over.
            InsufficientBalance, BudgetSpent: the balance or the budget does not cover it.
            TokenDisabled, TokenExpired, PermissionDenied: the token or its user may not spend any more.
            InternalError: the id was used before.
            BillingUnavailable: the ledger cannot be written now; nothing is held.
        """
        if amount < ZERO or deadline <= self._now():
            raise ValueError("a task's hold is not negative, and ends later than now")
        reservation = Reservation(request_id, principal.user.id, principal.token.id, amount, terms.revision)
        written = encode(kind, terms)
        try:
            held = await self._vault.hold(reservation, deadline, terms=written)
        except NotCovered as refusal:
            if not await self._free(principal, refusal):
                raise
            held = await self._vault.hold(reservation, deadline, terms=written)
        return TaskHold(held, kind, terms, deadline, ReservationState.OPEN)

    async def find(self, id_: str) -> TaskHold:
        """Return a task's hold, whatever became of it.

        Raises:
            TaskHoldUnknown: there is none of this id.
            StorageUnavailable: the database cannot be read now.
        """
        stored = await task_holds.find(self._database, id_)
        if stored is None:
            raise _unknown(id_)
        return _task_hold(stored)

    async def find_open(self, *, after: str = "", limit: int = 500) -> list[TaskHold]:
        """Return open holds of all tasks by id, those behind the id ``after``: what is to be looked after."""
        return [_task_hold(stored) for stored in await task_holds.find_open(self._database, after=after, limit=limit)]

    async def extend(self, id_: str, *, deadline: datetime, amount: Amount | None = None) -> TaskHold:
        """Let an open hold live longer, and hold more if an amount is given; neither ever becomes less.

        More is held under the same conditions as at the beginning. Saying it twice changes nothing more.

        Raises:
            TaskHoldUnknown, TaskHoldOver: there is nothing open to extend.
            InsufficientBalance, BudgetSpent: what is left does not cover it; the hold stays as it was.
            TokenDisabled, TokenExpired, PermissionDenied: the token or its user may not spend any more; likewise.
            StorageUnavailable: the database cannot be written now.
        """
        return await transfer.persist(self._database, lambda: _extend(id_, deadline, amount, self._now()))

    async def settle(self, id_: str, used: Usage | Amount, log: RequestLog) -> tuple[Resolution, TaskHold]:
        """Charge for a task: what it used at its frozen price, or an amount; once, whatever the balance.

        The log is written under the hold's id, with the charge and the quote. Returns what it did, and the hold as it
        is now: of one that was resolved before, that resolution stands and its charge is told.

        Raises:
            ValueError: the amount is negative.
            TaskHoldUnknown: there is no such hold.
            StorageUnavailable: the hold cannot be read now; nothing is charged.
            BillingUnavailable: the ledger cannot be written now. It is written as soon as that works, unless the
                process must go first: settle again.
        """
        hold = await self.find(id_)
        charge, lines = _charge(hold.terms, used)
        entry = _log(replace(log, charge=charge, quote=lines), hold.reservation)
        if isinstance(used, Usage):
            entry = replace(entry, usage=used)
        resolution = await self._vault.settle(hold.reservation, charge, log=entry)
        if resolution in {Resolution.SETTLED, Resolution.SETTLED_LATE}:
            return resolution, replace(hold, state=ReservationState.SETTLED, charge=charge)
        return resolution, await self.find(id_)

    async def refund(self, id_: str, cause: Cause, *, log: RequestLog | None = None) -> Amount:
        """Give back what a task holds, or what is left of what it was charged; return what went back of a charge.

        Of a hold that was released, or expired without a charge, there is nothing to give back.

        Raises:
            TaskHoldUnknown: there is no such hold.
            KeyReused, RefundTooLarge: as `refunds.refund`.
            BillingUnavailable: the ledger cannot be written now; do it again.
        """
        hold = await self.find(id_)
        if hold.state is ReservationState.OPEN:
            entry = None if log is None else _log(replace(log, charge=ZERO), hold.reservation)
            if await self._vault.release(hold.reservation, log=entry) is Resolution.RELEASED:
                return ZERO
            hold = await self.find(id_)  # It was settled, or expired, since we looked.
        if not hold.charge:
            return ZERO
        return (await refunds.refund(self._database, settle_event(id_), None, cause, at=self._now())).amount


def _task_hold(stored: StoredTaskHold) -> TaskHold:
    kind, terms = decode(stored.terms)
    return TaskHold(stored.reservation, kind, terms, stored.expires_at, stored.state, stored.charge)


def _charge(terms: Terms, used: Usage | Amount) -> tuple[Amount, tuple[str, ...]]:
    if isinstance(used, Amount):
        return used, ()
    quote = terms.quote(used)
    factors = () if quote.multiplier == 1 else (str(Factor(quote.multiplier)),)
    return quote.total, written(quote, factors)


def _log(log: RequestLog, held: Reservation) -> RequestLog:
    return replace(log, id=held.id, user_id=held.user_id, token_id=held.token_id, revision=held.revision)


def _extend(id_: str, deadline: datetime, amount: Amount | None, now: datetime) -> Program[TaskHold]:
    stored = yield from task_holds.lock(id_)
    if stored is None:
        raise _unknown(id_)
    if stored.state is not ReservationState.OPEN:
        raise TaskHoldOver(f"the hold {id_!r} is {stored.state}")
    held = stored.reservation
    raised = max(amount or ZERO, held.amount)
    if raised > held.amount:
        yield from _hold_more(held, raised, now)
    end = max(deadline, stored.expires_at)
    yield from task_holds.extend(id_, raised, end)
    return _task_hold(replace(stored, reservation=replace(held, amount=raised), expires_at=end))


def _hold_more(held: Reservation, raised: Amount, now: datetime) -> Program[None]:
    """Hold the difference, if the token may spend and both its budget and its user's balance cover it."""
    more = raised - held.amount
    name = user_account(held.user_id)
    accounts = yield from ledger.lock_accounts({name})
    budgets = yield from reservations.lock_budgets({held.token_id})
    budget = budgets.get(held.token_id)
    if (refusal := token_refusal(budget, now)) is not None:
        raise refusal
    assert budget is not None  # noqa: S101  (a deleted token was just refused)
    left, balance = TokenSum(budget).available, accounts[name].balance
    if left is not None and left < more.nano:
        raise budget_spent(left, more, elsewhere=bool(budget.leased))
    if balance.available < more:
        raise insufficient(balance.available.nano, more, elsewhere=bool(balance.leased))
    yield from ledger.move([Movement(name, held=more, guarded=True)])
    yield from reservations.move_budgets([BudgetMovement(held.token_id, held=more, guarded=True)])


def _unknown(id_: str) -> TaskHoldUnknown:
    return TaskHoldUnknown(f"no task holds anything under {id_!r}")
