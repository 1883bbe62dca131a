"""Why something is not held or lent, in the caller's words."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from clinx.domain.identity import Status
from clinx.domain.money import ZERO, Amount
from clinx.errors import (
    BudgetSpent,
    GatewayError,
    InsufficientBalance,
    NotCovered,
    PermissionDenied,
    TokenDisabled,
    TokenExpired,
)
from clinx.storage.reservations import TokenBudget

E = TypeVar("E", bound=NotCovered)


def token_refusal(budget: TokenBudget | None, now: datetime) -> GatewayError | None:
    """Say why a token may not spend at all, if so; None for the token means it was deleted."""
    if budget is None or budget.status is not Status.ACTIVE:
        return TokenDisabled("This API key was revoked.", hint="Ask the operator for a new one.")
    if budget.expires_at is not None and budget.expires_at <= now:
        return TokenExpired("This API key has expired.", hint="Ask the operator for a new one.")
    if budget.user_status is not Status.ACTIVE:
        return PermissionDenied("This account is disabled.", hint="Ask the operator to enable it.")
    return None


def budget_spent(left: int, wanted: Amount, *, elsewhere: bool) -> BudgetSpent:
    """Say that a token's budget does not cover an amount, and what could be held instead."""
    error = BudgetSpent(
        f"The budget of this API key is spent: {max(Amount(left), ZERO)} left, this request may cost {wanted}.",
        hint="Lower max_tokens, or ask for a larger budget.",
    )
    return _with(error, left, elsewhere=elsewhere)


def insufficient(available: int, wanted: Amount, *, elsewhere: bool) -> InsufficientBalance:
    """Say that a balance does not cover an amount, and what could be held instead."""
    error = InsufficientBalance(
        f"The balance is insufficient: {max(Amount(available), ZERO)} available, this request may cost {wanted}.",
        hint="Top up the account, or lower max_tokens.",
    )
    return _with(error, available, elsewhere=elsewhere)


def _with(error: E, available: int, *, elsewhere: bool) -> E:
    error.available_nano = max(available, 0)
    error.leased_elsewhere = elsewhere
    return error
