"""Decides a batch of operations against locked balances: pure, exact, in order of arrival.

Settlements and releases go first: they may not be refused, and what they free may be held again at once. Then each
hold is let in if its token may spend and both its token's budget and its user's balance cover it after everything
before it. The books know the balances as they were locked and keep the running sums; the differences are what
`storage` writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from clinx.billing.operations import Hold, Operation, Outcome, Record, Release, Resolution, Settle
from clinx.domain.identity import Status, user_account
from clinx.domain.ledger import REVENUE, Balance, EntryKind, Reservation, ReservationState
from clinx.domain.money import ZERO, Amount
from clinx.domain.request_log import RequestLog
from clinx.errors import (
    BudgetSpent,
    GatewayError,
    InsufficientBalance,
    InternalError,
    PermissionDenied,
    TokenDisabled,
    TokenExpired,
)
from clinx.storage.ledger import Movement, NewEntry
from clinx.storage.reservations import BudgetMovement, StoredReservation, TokenBudget


class _Account:
    """A balance as it runs through a batch. Whole nano-units: sums of a hundred operations make no values between."""

    __slots__ = ("guarded", "held", "held_before", "total", "total_before")

    def __init__(self, balance: Balance) -> None:
        self.total = self.total_before = balance.total.nano
        self.held = self.held_before = balance.held.nano
        self.guarded = False

    def movement(self, name: str) -> Movement:
        total, held = Amount(self.total - self.total_before), Amount(self.held - self.held_before)
        return Movement(name, total, held, self.guarded)


class _Token:
    """A token's budget as it runs through a batch."""

    __slots__ = ("budget", "guarded", "held", "spent")

    def __init__(self, budget: TokenBudget) -> None:
        self.budget = budget
        self.spent = budget.spent.nano
        self.held = budget.held.nano
        self.guarded = False

    @property
    def left(self) -> Amount | None:
        limit = self.budget.budget
        return None if limit is None else Amount(limit.nano - self.spent - self.held)

    def movement(self, token_id: int) -> BudgetMovement:
        spent, held = Amount(self.spent - self.budget.spent.nano), Amount(self.held - self.budget.held.nano)
        return BudgetMovement(token_id, spent, held, self.guarded)


class Books:
    """Locked state, and what a batch makes of it."""

    def __init__(
        self,
        now: datetime,
        reservations: Mapping[str, StoredReservation],
        balances: Mapping[str, Balance],
        budgets: Mapping[int, TokenBudget],
    ) -> None:
        """Take what was locked; an account that is missing has nothing, a token that is missing was deleted."""
        self.now = now
        self.reservations = reservations
        self.opened: dict[str, tuple[Reservation, datetime]] = {}
        self.resolved: dict[str, tuple[ReservationState, Amount | None]] = {}
        self.entries: list[NewEntry] = []
        self.logs: list[RequestLog] = []
        self._accounts = {name: _Account(balance) for name, balance in balances.items()}
        self._tokens = {token_id: _Token(budget) for token_id, budget in budgets.items()}

    def decide(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Decide every operation; outcomes are in the order of the operations."""
        outcomes: list[Outcome] = [None] * len(operations)
        for index, operation in enumerate(operations):
            match operation:
                case Settle():
                    outcomes[index] = self._settle(operation)
                case Release():
                    outcomes[index] = self._release(operation)
                case Record():
                    self.logs.append(operation.log)
                case Hold():
                    pass
        for index, operation in enumerate(operations):
            if isinstance(operation, Hold):
                outcomes[index] = self._hold(operation)
        return outcomes

    def expire(self) -> None:
        """End every open reservation of the books and free what it held."""
        for stored in self.reservations.values():
            self.resolved[stored.reservation.id] = (ReservationState.EXPIRED, None)
            self._move(stored.reservation, held=-stored.reservation.amount.nano)

    @property
    def movements(self) -> list[Movement]:
        """The accounts that changed, in the order of their locks."""
        moved = (account.movement(name) for name, account in sorted(self._accounts.items()))
        return [movement for movement in moved if movement.total or movement.held]

    @property
    def budget_movements(self) -> list[BudgetMovement]:
        """The tokens that changed, in the order of their locks."""
        moved = (token.movement(token_id) for token_id, token in sorted(self._tokens.items()))
        return [movement for movement in moved if movement.spent or movement.held]

    @property
    def revenue(self) -> Movement:
        """What the batch earned."""
        earned = sum(entry.amount.nano for entry in self.entries if entry.account == REVENUE)
        return Movement(REVENUE, Amount(earned))

    def _settle(self, operation: Settle) -> Resolution:
        self.logs.append(operation.log)
        state = self._state(operation.reservation.id)
        if state not in {ReservationState.OPEN, ReservationState.EXPIRED}:
            return Resolution.UNKNOWN if state is None else Resolution.ALREADY
        held = self.reservations[operation.reservation.id].reservation
        self.resolved[held.id] = (ReservationState.SETTLED, operation.charge)
        freed = held.amount.nano if state is ReservationState.OPEN else 0
        self._move(held, charged=operation.charge.nano, held=-freed)
        if operation.charge:
            self._charge(held, operation)
        return Resolution.SETTLED if state is ReservationState.OPEN else Resolution.SETTLED_LATE

    def _charge(self, held: Reservation, operation: Settle) -> None:
        event = f"settle:{held.id}:{operation.attempt}"
        for account, amount in ((user_account(held.user_id), -operation.charge), (REVENUE, operation.charge)):
            self.entries.append(
                NewEntry(event, account, amount, EntryKind.CHARGE, self.now, held.revision, operation.log.model)
            )

    def _release(self, operation: Release) -> Resolution:
        if operation.log is not None:
            self.logs.append(operation.log)
        state = self._state(operation.reservation.id)
        if state is not ReservationState.OPEN:
            return Resolution.UNKNOWN if state is None else Resolution.ALREADY
        held = self.reservations[operation.reservation.id].reservation
        self.resolved[held.id] = (ReservationState.RELEASED, None)
        self._move(held, held=-held.amount.nano)
        return Resolution.RELEASED

    def _state(self, reservation_id: str) -> ReservationState | None:
        if (resolved := self.resolved.get(reservation_id)) is not None:
            return resolved[0]
        stored = self.reservations.get(reservation_id)
        return None if stored is None else stored.state

    def _hold(self, operation: Hold) -> Reservation | GatewayError:
        reservation = operation.reservation
        refusal = self._refusal(reservation)
        if refusal is not None:
            return refusal
        self.opened[reservation.id] = (reservation, operation.expires_at)
        self._move(reservation, held=reservation.amount.nano, guarded=bool(reservation.amount))
        return reservation

    def _refusal(self, reservation: Reservation) -> GatewayError | None:
        if reservation.id in self.reservations or reservation.id in self.opened:
            return InternalError("This request id was used before.", hint="Send the request again under another id.")
        token = self._tokens.get(reservation.token_id)
        if (refusal := token_refusal(token.budget if token else None, self.now)) is not None:
            return refusal
        if not reservation.amount:
            return None
        if token is not None and (left := token.left) is not None and left < reservation.amount:
            return _budget_spent(left, reservation.amount)
        available = self._account(reservation).total - self._account(reservation).held
        return None if available >= reservation.amount.nano else _insufficient(Amount(available), reservation.amount)

    def _account(self, reservation: Reservation) -> _Account:
        name = user_account(reservation.user_id)
        found = self._accounts.get(name)
        if found is None:
            found = self._accounts[name] = _Account(Balance(ZERO, ZERO))
        return found

    def _move(self, reservation: Reservation, *, held: int, charged: int = 0, guarded: bool = False) -> None:
        account = self._account(reservation)
        account.total -= charged
        account.held += held
        account.guarded |= guarded
        token = self._tokens.get(reservation.token_id)
        if token is not None:  # One that was deleted has no budget left to keep: its user still pays.
            token.spent += charged
            token.held += held
            token.guarded |= guarded


def token_refusal(budget: TokenBudget | None, now: datetime) -> GatewayError | None:
    """Say why a token may not spend at all, if so; None for the token means it was deleted."""
    if budget is None or budget.status is not Status.ACTIVE:
        return TokenDisabled("This API key was revoked.", hint="Ask the operator for a new one.")
    if budget.expires_at is not None and budget.expires_at <= now:
        return TokenExpired("This API key has expired.", hint="Ask the operator for a new one.")
    if budget.user_status is not Status.ACTIVE:
        return PermissionDenied("This account is disabled.", hint="Ask the operator to enable it.")
    return None


def _budget_spent(left: Amount, wanted: Amount) -> BudgetSpent:
    return BudgetSpent(
        f"The budget of this API key is spent: {max(left, ZERO)} left, this request may cost {wanted}.",
        hint="Lower max_tokens, or ask for a larger budget.",
    )


def _insufficient(available: Amount, wanted: Amount) -> InsufficientBalance:
    return InsufficientBalance(
        f"The balance is insufficient: {max(available, ZERO)} available, this request may cost {wanted}.",
        hint="Top up the account, or lower max_tokens.",
    )
