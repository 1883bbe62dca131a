"""Double entry: accounts, entries, and the holds that come before charges (accounting.md)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from clinx.domain.money import ZERO, Amount


class EntryKind(StrEnum):
    """Why money moved."""

    CHARGE = "charge"
    TOPUP = "topup"
    """Paid in through a payment provider."""
    REDEMPTION = "redemption"
    """A code was redeemed."""
    GRANT = "grant"
    REWARD = "reward"
    """For an invitation."""
    TRANSFER = "transfer"
    """Between two accounts of one user."""
    ADJUSTMENT = "adjustment"
    REFUND = "refund"


class ReservationState(StrEnum):
    """The life of a hold: open, then exactly one of the others."""

    OPEN = "open"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


class Unresolved(StrEnum):
    """What a call costs whose process died before it was settled: a channel's choice."""

    METERED = "metered"
    """What was seen of the answer, and at least the prompt."""
    HOLD = "hold"
    """All that was held: for vendors that bill the whole answer whoever hears it."""
    VOID = "void"
    """Nothing."""


REVENUE = "revenue"
PROMO = "promo"
ADJUST = "adjust"
SUSPENSE = "suspense"
OVERDRAFT_LOSS = "overdraft_loss"


def clearing_account(provider: str) -> str:
    """Return the account that money paid in through a provider comes from: ``clearing:stripe``."""
    return f"clearing:{provider}"


def invite_account(user_id: int) -> str:
    """Return the account where a user's rewards for invitations wait to be transferred: ``invite:42``."""
    return f"invite:{user_id}"


def token_scope(token_id: int) -> str:
    """Return the name a token's budget is leased under: ``token:7``. A user's is the name of the account."""
    return f"token:{token_id}"


class Origin(Struct, frozen=True):
    """One life of a process: the node is the place of its journal, the epoch counts the lives."""

    node: str
    epoch: int


class LedgerEntry(Struct, frozen=True):
    """An immutable line of the ledger. The entries of one event sum to zero."""

    id: int
    event: str
    """What happened, and the key that makes a retry harmless: ``settle:<request>``, ``topup:…``."""
    account: str
    amount: Amount
    kind: EntryKind
    at: datetime
    revision: str | None
    detail: str | None


class Reservation(Struct, frozen=True):
    """An amount held before the upstream is called; price and multiplier are frozen with the snapshot it names."""

    id: str
    """The exchange's request id: an exchange holds once, whatever number of attempts it makes."""
    user_id: int
    token_id: int
    amount: Amount
    revision: str
    leased: bool = False
    """Whether the amount is part of what this process has leased; else the database holds it."""
    capped: bool = False
    """Whether the token's own budget was leased too; only of a leased one."""


class Balance(Struct, frozen=True):
    """What a user has: sums of the ledger's entries, of the holds in the database, and of unspent leases."""

    total: Amount
    held: Amount
    leased: Amount = ZERO

    @property
    def available(self) -> Amount:
        """What may still be held or leased."""
        return self.total - self.held - self.leased

    @property
    def spendable(self) -> Amount:
        """What calls may still spend: a lease is the user's own, wherever it is."""
        return self.total - self.held
