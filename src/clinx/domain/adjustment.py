"""An adjustment of a balance that is larger than one person may make: it waits for a second one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clinx.domain.money import Amount


class AdjustmentState(StrEnum):
    """The life of a proposal: pending, then one of the others."""

    PENDING = "pending"
    APPROVED = "approved"
    """It was booked in the same transaction."""
    REJECTED = "rejected"
    EXPIRED = "expired"
    """Never stored: a pending one whose time is over."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What one person wants to give."""

    user_id: int
    amount: Amount
    reason: str
    proposer_id: int
    actor: str
    """How history names the proposer."""
    key: str
    """The proposer's own: one proposal for each."""
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A proposal, and what became of it."""

    id: int
    proposed: Proposed
    state: AdjustmentState
    decided_by: int | None = None
    decided_at: datetime | None = None

    def state_at(self, at: datetime) -> AdjustmentState:
        """Return its state at an instant: a pending one may have expired."""
        is_over = self.state is AdjustmentState.PENDING and self.proposed.expires_at <= at
        return AdjustmentState.EXPIRED if is_over else self.state
