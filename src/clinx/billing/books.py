"""Decides a batch of operations against locked balances: pure, exact, in order of arrival.

Settlements and releases go first: they may not be refused, and what they free may be held again at once. Then each
hold is let in if its token may spend and both its token's budget and its user's balance cover it after everything
before it. The books know the balances as they were locked and keep the running sums; the differences are what
`storage` writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

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


@dataclass(frozen=True, slots=True)
class Books:
    """Locked state, and what a batch makes of it."""

    now: datetime
    reservations: Mapping[str, StoredReservation]
    balances: dict[str, Balance]
    budgets: dict[int, TokenBudget]
    accounts: dict[str, Movement] = field(default_factory=dict[str, Movement])
    tokens: dict[int, BudgetMovement] = field(default_factory=dict[int, BudgetMovement])
    opened: dict[str, tuple[Reservation, datetime]] = field(default_factory=dict[str, tuple[Reservation, datetime]])
    resolved: dict[str, tuple[ReservationState, Amount | None]] = field(
        default_factory=dict[str, tuple[ReservationState, Amount | None]]
    )
    entries: list[NewEntry] = field(default_factory=list[NewEntry])
    logs: list[RequestLog] = field(default_factory=list[RequestLog])

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
            self._move(stored.reservation, total=ZERO, held=-stored.reservation.amount)

    @property
    def movements(self) -> list[Movement]:
        """The accounts that changed, in the order of their locks."""
        return [moved for _, moved in sorted(self.accounts.items()) if moved.total or moved.held]

    @property
    def budget_movements(self) -> list[BudgetMovement]:
        """The tokens that changed, in the order of their locks."""
        return [moved for _, moved in sorted(self.tokens.items()) if moved.spent or moved.held]

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
        self._move(held, total=-operation.charge, held=-held.amount if state is ReservationState.OPEN else ZERO)
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
        self._move(held, total=ZERO, held=-held.amount)
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
        self._move(reservation, total=ZERO, held=reservation.amount, guarded=bool(reservation.amount))
        return reservation

    def _refusal(self, reservation: Reservation) -> GatewayError | None:
        if reservation.id in self.reservations or reservation.id in self.opened:
            return InternalError("this request id was used before", hint="send the request again under another id")
        budget = self.budgets.get(reservation.token_id)
        if (refusal := token_refusal(budget, self.now)) is not None:
            return refusal
        if not reservation.amount:
            return None
        if budget is not None and budget.budget is not None:
            left = budget.budget - budget.spent - budget.held
            if left < reservation.amount:
                return _budget_spent(left, reservation.amount)
        balance = self.balances.get(user_account(reservation.user_id), Balance(ZERO, ZERO))
        return None if balance.available >= reservation.amount else _insufficient(balance, reservation.amount)

    def _move(self, reservation: Reservation, *, total: Amount, held: Amount, guarded: bool = False) -> None:
        account = user_account(reservation.user_id)
        balance = self.balances.get(account, Balance(ZERO, ZERO))
        self.balances[account] = Balance(balance.total + total, balance.held + held)
        moved = self.accounts.get(account, Movement(account))
        self.accounts[account] = Movement(account, moved.total + total, moved.held + held, moved.guarded or guarded)
        self._move_budget(reservation.token_id, spent=-total, held=held, guarded=guarded)

    def _move_budget(self, token_id: int, *, spent: Amount, held: Amount, guarded: bool) -> None:
        if (budget := self.budgets.get(token_id)) is None:
            return  # Deleted: its user still pays.
        self.budgets[token_id] = replace(budget, spent=budget.spent + spent, held=budget.held + held)
        moved = self.tokens.get(token_id, BudgetMovement(token_id))
        self.tokens[token_id] = BudgetMovement(
            token_id, moved.spent + spent, moved.held + held, moved.guarded or guarded
        )


def token_refusal(budget: TokenBudget | None, now: datetime) -> GatewayError | None:
    """Say why a token may not spend at all, if so; None for the token means it was deleted."""
    if budget is None or budget.status is not Status.ACTIVE:
        return TokenDisabled("this API key was revoked", hint="ask the operator for a new one")
    if budget.expires_at is not None and budget.expires_at <= now:
        return TokenExpired("this API key has expired", hint="ask the operator for a new one")
    if budget.user_status is not Status.ACTIVE:
        return PermissionDenied("this account is disabled", hint="ask the operator to enable it")
    return None


def _budget_spent(left: Amount, wanted: Amount) -> BudgetSpent:
    return BudgetSpent(
        f"the budget of this API key is spent: {max(left, ZERO)} left, this request may cost {wanted}",
        hint="lower max_tokens, or ask for a larger budget",
    )


def _insufficient(balance: Balance, wanted: Amount) -> InsufficientBalance:
    return InsufficientBalance(
        f"the balance is insufficient: {max(balance.available, ZERO)} available, this request may cost {wanted}",
        hint="top up the account, or lower max_tokens",
    )
