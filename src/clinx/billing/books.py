"""Decides a batch of operations against locked state: pure, exact, in order of arrival.

Settlements, releases and repayments go first: they may not be refused, and what they free may be held again at once.
Then each hold and each loan is let in if its token may spend and both its token's budget and its user's balance cover
it after everything before it. The books know the sums as they were locked and keep the running ones; the differences
are what `storage` writes.

A settlement counts once: of a hold in the database its row says so, and of every one the event `settle:<request>`. It
frees at most what its hold, or its lease, still covers; an excess lowers the balance alone, so it never makes room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

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
from clinx.billing.refusal import budget_spent, insufficient, token_refusal
from clinx.billing.sums import AccountSum, LeaseSum, TokenSum
from clinx.domain.identity import user_account
from clinx.domain.ledger import REVENUE, Balance, EntryKind, Reservation, ReservationState, token_scope
from clinx.domain.money import ZERO, Amount
from clinx.domain.request_log import RequestLog
from clinx.errors import GatewayError, InternalError
from clinx.storage.codec import micros
from clinx.storage.leases import Lease
from clinx.storage.ledger import Account, Movement, NewEntry
from clinx.storage.reservations import BudgetMovement, StoredReservation, TokenBudget
from clinx.storage.spend import Spend, SpendKey

_DAY: Final = 86_400_000_000
_PARTS: Final = 4
"""A loan is at most this part of what is available, shared among those who borrow: nobody takes it all."""


def settle_event(request_id: str) -> str:
    """Return the event of an exchange's charge: there is one, however often it is asked for."""
    return f"settle:{request_id}"


class Locked(Struct, frozen=True):
    """What was read and is kept until the commit."""

    reservations: Mapping[str, StoredReservation] = {}
    accounts: Mapping[str, Account] = {}
    budgets: Mapping[int, TokenBudget] = {}
    leases: Mapping[str, Lease] = {}
    """Of the process whose batch it is."""
    others: Mapping[str, int] = {}
    """How many other leases of a scope have something unspent."""
    settled: frozenset[str] = frozenset()
    """Requests that were charged before."""
    counted: frozenset[str] = frozenset()
    """Exchanges without a charge that ended before."""


class _Share(Struct, frozen=True):
    """A scope that something is to be lent of."""

    scope: str
    available: int
    lease: LeaseSum
    borrowers: int
    refusal: Callable[..., GatewayError]

    def lends(self, least: int) -> bool:
        return self.available >= 2 * self.borrowers * least

    def clamp(self, least: int, wish: int) -> int:
        return max(least, min(self.available // (_PARTS * self.borrowers), wish))


class Books:
    """Locked state, and what a batch makes of it."""

    def __init__(self, now: datetime, locked: Locked) -> None:
        """Take what was locked; an account that is missing has nothing, a token that is missing was deleted."""
        self.now = now
        self.opened: dict[str, Hold] = {}
        self.resolved: dict[str, tuple[ReservationState, Amount | None]] = {}
        self.entries: list[NewEntry] = []
        self.logs: list[RequestLog] = []
        self.finished: list[RequestLog] = []
        """What counts now: each exchange does once, however often its log is told."""
        self._locked = locked
        self._settled = set(locked.settled)
        self._counted = set(locked.counted)
        self._accounts = {name: AccountSum(account) for name, account in locked.accounts.items()}
        self._tokens = {token_id: TokenSum(budget) for token_id, budget in locked.budgets.items()}
        self._leases = {scope: LeaseSum(lease) for scope, lease in locked.leases.items()}
        self._spend: dict[SpendKey, list[int]] = {}

    def decide(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Decide every operation; outcomes are in the order of the operations."""
        outcomes = [self._resolve(operation) for operation in operations]
        for index, operation in enumerate(operations):
            if isinstance(operation, Hold):
                outcomes[index] = self._hold(operation)
            elif isinstance(operation, Lend):
                outcomes[index] = self._lend(operation)
        return outcomes

    def expire(self) -> None:
        """End every open reservation of the books and free what it held."""
        for stored in self._locked.reservations.values():
            self.resolved[stored.reservation.id] = (ReservationState.EXPIRED, None)
            self._move(stored.reservation, held=-stored.reservation.amount.nano)

    @property
    def movements(self) -> list[Movement]:
        """The accounts that changed, in the order of their locks."""
        moved = (account.movement(name) for name, account in sorted(self._accounts.items()))
        return [movement for movement in moved if movement is not None]

    @property
    def budget_movements(self) -> list[BudgetMovement]:
        """The tokens that changed, in the order of their locks."""
        moved = (token.movement(token_id) for token_id, token in sorted(self._tokens.items()))
        return [movement for movement in moved if movement is not None]

    @property
    def leases(self) -> list[tuple[str, Lease]]:
        """The leases that changed, in the order of their locks."""
        changed = ((scope, lease.totals) for scope, lease in sorted(self._leases.items()))
        return [(scope, totals) for scope, totals in changed if totals is not None]

    @property
    def spend(self) -> list[Spend]:
        """What the settlements add to the sums of each day."""
        return [
            Spend(key, calls, Amount(charge), inputs, outputs)
            for key, (calls, charge, inputs, outputs) in self._spend.items()
        ]

    @property
    def revenue(self) -> Movement:
        """What the batch earned."""
        earned = sum(entry.amount.nano for entry in self.entries if entry.account == REVENUE)
        return Movement(REVENUE, Amount(earned))

    def _resolve(self, operation: Operation) -> Outcome:
        """Do what may not be refused."""
        match operation:
            case Settle():
                return self._settle(operation)
            case Release():
                return self._release(operation)
            case Repay():
                self._repay(operation)
            case Record():
                self._end(operation.log)
            case Hold() | Lend():
                pass
        return None

    def _settle(self, operation: Settle) -> Resolution:
        self.logs.append(operation.log)
        id_ = operation.reservation.id
        if id_ in self._settled:
            return Resolution.ALREADY
        if operation.reservation.leased:
            if not operation.charge and id_ in self._counted:  # Nothing else tells of it.
                return Resolution.ALREADY
            held, late = operation.reservation, False
            self._spend_lease(held, operation.charge.nano)
        else:
            held, state = self._stored(operation.reservation)
            if state in {ReservationState.SETTLED, ReservationState.RELEASED}:
                return Resolution.ALREADY
            late = state is not ReservationState.OPEN
            if state is not None:
                self.resolved[id_] = (ReservationState.SETTLED, operation.charge)
            self._move(held, held=0 if late else -held.amount.nano)
        self._charge(held, operation)
        return Resolution.SETTLED_LATE if late else Resolution.SETTLED

    def _charge(self, held: Reservation, operation: Settle) -> None:
        self._settled.add(held.id)
        self._sum(held, operation)
        if not operation.charge:
            self._count(operation.log)
            return
        self._counted.add(operation.log.id)
        self.finished.append(operation.log)
        charge = operation.charge.nano
        self._account(held.user_id).total -= charge
        if (token := self._tokens.get(held.token_id)) is not None:
            token.spent += charge
        event = settle_event(held.id)
        for account, amount in ((user_account(held.user_id), -operation.charge), (REVENUE, operation.charge)):
            self.entries.append(
                NewEntry(event, account, amount, EntryKind.CHARGE, self.now, held.revision, operation.log.model)
            )

    def _end(self, log: RequestLog) -> None:
        self.logs.append(log)
        self._count(log)

    def _count(self, log: RequestLog) -> None:
        """Let an exchange without a charge count, if it did not before."""
        if log.id not in self._counted:
            self._counted.add(log.id)
            self.finished.append(log)

    def _spend_lease(self, held: Reservation, charge: int) -> None:
        """Take a charge out of what was leased for it, as far as that goes."""
        most = min(charge, held.amount.nano)
        self._account(held.user_id).leased -= self._lease(user_account(held.user_id)).spend(most)
        if held.capped:
            covered = self._lease(token_scope(held.token_id)).spend(most)
            if (token := self._tokens.get(held.token_id)) is not None:
                token.leased -= covered

    def _sum(self, held: Reservation, operation: Settle) -> None:
        log = operation.log
        key = SpendKey.of(held.user_id, micros(log.at) // _DAY, held.token_id, log.model, log.group)
        sums = self._spend.setdefault(key, [0, 0, 0, 0])
        sums[0] += 1
        sums[1] += operation.charge.nano
        sums[2] += log.usage.input_tokens
        sums[3] += log.usage.output_tokens

    def _release(self, operation: Release) -> Resolution:
        if operation.log is not None:
            self._end(operation.log)
        if operation.reservation.leased:  # Its amount is back in the process's memory since it was asked for.
            return Resolution.RELEASED
        state = self._state(operation.reservation.id)
        if state is not ReservationState.OPEN:
            return Resolution.UNKNOWN if state is None else Resolution.ALREADY
        held = self._locked.reservations[operation.reservation.id].reservation
        self.resolved[held.id] = (ReservationState.RELEASED, None)
        self._move(held, held=-held.amount.nano)
        return Resolution.RELEASED

    def _repay(self, operation: Repay) -> None:
        freed = self._lease(operation.scope).give_back(operation.returned.nano)
        if operation.token_id is None:
            self._named(operation.scope).leased -= freed
        elif (token := self._tokens.get(operation.token_id)) is not None:
            token.leased -= freed

    def _stored(self, reservation: Reservation) -> tuple[Reservation, ReservationState | None]:
        """Return a hold as its row says; one without a row, as after a backup was restored, as its settlement says."""
        stored = self._locked.reservations.get(reservation.id)
        return (reservation if stored is None else stored.reservation), self._state(reservation.id)

    def _state(self, reservation_id: str) -> ReservationState | None:
        if (resolved := self.resolved.get(reservation_id)) is not None:
            return resolved[0]
        stored = self._locked.reservations.get(reservation_id)
        return None if stored is None else stored.state

    def _hold(self, operation: Hold) -> Reservation | GatewayError:
        reservation = operation.reservation
        refusal = self._refusal(reservation)
        if refusal is not None:
            return refusal
        self.opened[reservation.id] = operation
        self._move(reservation, held=reservation.amount.nano, guarded=bool(reservation.amount))
        return reservation

    def _refusal(self, reservation: Reservation) -> GatewayError | None:
        if reservation.id in self._locked.reservations or reservation.id in self.opened:
            return InternalError("This request id was used before.", hint="Send the request again under another id.")
        token = self._tokens.get(reservation.token_id)
        if (refusal := token_refusal(token.budget if token else None, self.now)) is not None:
            return refusal
        wanted = reservation.amount
        if not wanted:
            return None
        if token is not None and (left := token.available) is not None and left < wanted.nano:
            return budget_spent(left, wanted, elsewhere=self._rivals(token_scope(reservation.token_id)) > 0)
        available = self._account(reservation.user_id).available
        if available >= wanted.nano:
            return None
        return insufficient(available, wanted, elsewhere=self._rivals(user_account(reservation.user_id)) > 0)

    def _lend(self, operation: Lend) -> Loan | Direct | GatewayError:
        token, account = self._tokens.get(operation.token_id), self._account(operation.user_id)
        if (refusal := token_refusal(token.budget if token else None, self.now)) is not None:
            return refusal
        least, wish = operation.least.nano, operation.wish.nano
        user = self._share(user_account(operation.user_id), account.available, insufficient)
        budget = None
        if token is not None and (left := token.available) is not None:
            budget = self._share(token_scope(operation.token_id), left, budget_spent)
        for share in (budget, user):
            # Its own unspent part may be what is missing: it returns that before it holds directly.
            if share is not None and share.available + share.lease.unspent < least:
                return share.refusal(share.available, operation.least, elsewhere=share.borrowers > 1)
        if account.frozen or not all(share.lends(least) for share in (budget, user) if share is not None):
            return Direct.DIRECT
        account.leased += (lent := user.clamp(least, wish))
        account.guarded = True
        user.lease.grant(lent)
        if token is not None and budget is not None:
            token.leased += (lent := budget.clamp(least, wish))
            token.guarded = True
            budget.lease.grant(lent)
        return Loan(Amount(user.lease.granted), None if budget is None else Amount(budget.lease.granted))

    def _share(self, scope: str, available: int, refusal: Callable[..., GatewayError]) -> _Share:
        return _Share(scope, available, self._lease(scope), 1 + self._rivals(scope), refusal)

    def _rivals(self, scope: str) -> int:
        return self._locked.others.get(scope, 0)

    def _account(self, user_id: int) -> AccountSum:
        return self._named(user_account(user_id))

    def _named(self, name: str) -> AccountSum:
        found = self._accounts.get(name)
        if found is None:
            found = self._accounts[name] = AccountSum(Account(Balance(ZERO, ZERO)))
        return found

    def _lease(self, scope: str) -> LeaseSum:
        found = self._leases.get(scope)
        if found is None:
            found = self._leases[scope] = LeaseSum(Lease())
        return found

    def _move(self, reservation: Reservation, *, held: int, guarded: bool = False) -> None:
        account = self._account(reservation.user_id)
        account.held += held
        account.guarded |= guarded
        token = self._tokens.get(reservation.token_id)
        if token is not None:  # One that was deleted has no budget left to keep: its user still pays.
            token.held += held
            token.guarded |= guarded
