"""The counter where exchanges hold and settle.

A hold is taken out of what this process has leased, in memory; where an account is too poor for that, in the database.
Either way it is in the journal before the request leaves, and what became of it is there before the caller sees the
end. The shipper carries it to the ledger. So the hot path waits for no database, and a killed process loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from clinx.billing.diary import Diary
from clinx.billing.journal.failures import JournalFailed
from clinx.billing.journal.records import Held
from clinx.billing.lease import Direct, Leases
from clinx.billing.operations import Record, Release, Settle
from clinx.billing.vault import Vault
from clinx.domain.identity import Principal
from clinx.domain.ledger import Reservation, Unresolved, token_scope
from clinx.domain.money import ZERO, Amount
from clinx.domain.request_log import RequestLog
from clinx.errors import BillingUnavailable, NotCovered

PATIENCE: Final = timedelta(seconds=1)
"""How long a refused caller waits for settlements of its own account to reach the ledger."""
RECALL: Final = timedelta(milliseconds=250)
"""How long a refused caller waits for other processes to return what they do not use."""
MOST_WAITING: Final = 200_000
"""Records that may wait for the ledger; beyond, logs without money are dropped rather than fill the disk."""


class Wanted(Struct, frozen=True):
    """What an exchange wants to hold, and what it costs if its process dies."""

    request_id: str
    revision: str
    amount: Amount
    """What to hold while it can be raised later: of an account that is leased."""
    whole: Amount
    """What to hold where it cannot: the most the exchange may cost."""
    lifetime: timedelta
    floor: Amount = ZERO
    """The price of the prompt alone: what it costs at least once it was sent, if nobody knows more."""
    unresolved: Unresolved = Unresolved.METERED
    cost: Amount | None = None
    """What it costs us if its process dies, for what it is charged then; None where that is not known."""
    whole_cost: Amount | None = None
    """The same where the whole is held."""


class Cashier:
    """Holds before the upstream is called, settles or releases after."""

    def __init__(
        self,
        vault: Vault,
        leases: Leases,
        diary: Diary,
        *,
        now: Callable[[], datetime],
        recall: Callable[[str], None],
    ) -> None:
        """Wire it; ``recall`` asks other processes to return what they have leased of a scope."""
        self._vault = vault
        self._leases = leases
        self._diary = diary
        self._now = now
        self._recall = recall

    @property
    def holding(self) -> int:
        """How many holds are open here."""
        return self._diary.holding

    async def reserve(self, principal: Principal, wanted: Wanted) -> Reservation:
        """Hold an amount of the principal's balance and of its token's budget, and write that down.

        Raises:
            InsufficientBalance: the balance, less what is held and leased, does not cover it.
            BudgetSpent: the token's budget does not.
            TokenDisabled, TokenExpired, PermissionDenied: the token or its user may not spend any more.
            BillingUnavailable: the journal or the ledger cannot be written now.
        """
        if wanted.amount < ZERO or wanted.whole < wanted.amount:
            raise ValueError("a hold is not negative, and not more than the whole")
        if self._diary.failing:
            raise BillingUnavailable("The ledger cannot be written right now.", retry_after=1)
        try:
            reservation = await self._hold(principal, wanted)
        except NotCovered as refusal:
            if not await self.free(principal, refusal):
                raise
            reservation = await self._hold(principal, wanted)
        cost = wanted.cost if reservation.leased else wanted.whole_cost
        await self._write_down(Held(reservation, self._now(), wanted.floor, wanted.unresolved, cost))
        return reservation

    def extend(self, reservation: Reservation, amount: Amount) -> Reservation | None:
        """Raise a hold to an amount, at once, out of what is leased; None when that is not possible now."""
        if not reservation.leased or self._diary.failing or not self._diary.is_open(reservation):
            return None
        if not self._leases.extend(reservation, amount - reservation.amount):
            return None
        raised = replace(reservation, amount=amount)
        self._diary.extend(raised)
        return raised

    def progress(
        self, reservation: Reservation, metered: Amount, unresolved: Unresolved, cost: Amount | None = None
    ) -> None:
        """Write down what a running exchange is charged if the process dies now, and what it costs us for that."""
        self._diary.progress(reservation, metered, unresolved, cost)

    async def settle(self, reservation: Reservation, charge: Amount, *, log: RequestLog) -> None:
        """Charge for an exchange, free its hold and write its log, whatever the balance.

        Returns when it is in the journal, and so cannot be lost; the ledger follows. A hold that has an end already is
        left alone.

        Raises:
            BillingUnavailable: not even the journal's reserve takes it; it was logged with all that it says.
        """
        if charge < ZERO:
            raise ValueError("a charge is not negative")
        await self._end(Settle(reservation, charge, log), charge)

    async def release(self, reservation: Reservation, *, log: RequestLog | None) -> None:
        """Free a hold without a charge and write the log.

        Raises:
            BillingUnavailable: as `settle`.
        """
        await self._end(Release(reservation, log), ZERO)

    async def record(self, log: RequestLog) -> None:
        """Write the log of an exchange that held nothing; dropped when too many wait. Never raises."""
        if self._diary.waiting < MOST_WAITING:
            self._diary.note(Record(log))

    async def flush(self) -> None:
        """Return when everything that was settled so far is in the ledger; waits as long as that takes."""
        await self._diary.flush()

    async def free(self, principal: Principal, refusal: NotCovered) -> bool:
        """Bring home what is on its way or lent, before a caller is refused; False when there is nothing of it."""
        freed = await self._leases.recall(principal)
        if self._diary.waiting:
            try:
                async with asyncio.timeout(PATIENCE.total_seconds()):
                    await self._diary.flush()
            except TimeoutError:
                return freed
            freed = True
        if refusal.leased_elsewhere:
            self._recall(principal.user.account)
            if principal.token.budget is not None:
                self._recall(token_scope(principal.token.id))
            await self._leases.heard_of(principal, RECALL)
            freed = True
        return freed

    async def _hold(self, principal: Principal, wanted: Wanted) -> Reservation:
        identity = (wanted.request_id, principal.user.id, principal.token.id)
        if not wanted.amount:
            return Reservation(*identity, ZERO, wanted.revision, leased=True)
        taken = self._leases.take(principal, wanted.amount) or await self._leases.acquire(principal, wanted.amount)
        if isinstance(taken, Direct):
            return await self._vault.reserve(
                principal,
                wanted.whole,
                request_id=wanted.request_id,
                revision=wanted.revision,
                lifetime=wanted.lifetime,
            )
        return Reservation(*identity, wanted.amount, wanted.revision, leased=True, capped=taken.capped)

    async def _write_down(self, held: Held) -> None:
        reservation = held.reservation
        try:
            position = self._diary.open(held)
        except JournalFailed:
            if reservation.leased:
                self._leases.give_back(reservation, reservation.amount)
            else:
                self._vault.give_back(reservation)
            raise
        if not self._diary.waits:
            return
        try:
            await self._diary.durable(position)
        except BaseException:  # Nothing was sent yet: whoever left, or hears of a failure, holds nothing.
            await self.release(reservation, log=None)
            raise

    async def _end(self, operation: Settle | Release, charge: Amount) -> None:
        reservation = operation.reservation
        if not self._diary.is_open(reservation):
            return  # It has its end.
        try:
            position = self._diary.end(operation)
        finally:  # Whether it could be written or not, nothing of it is held any more.
            if reservation.leased and reservation.amount:
                self._leases.give_back(reservation, max(reservation.amount - charge, ZERO))
        if self._diary.waits:
            await self._diary.durable(position)
