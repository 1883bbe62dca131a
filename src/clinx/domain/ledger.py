"""Double entry: accounts, entries, and the holds that come before charges (accounting.md)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from clinx.domain.money import Amount


class EntryKind(StrEnum):
    """Why money moved."""

    CHARGE = "charge"
    TOPUP = "topup"
    GRANT = "grant"
    ADJUSTMENT = "adjustment"
    REFUND = "refund"


class ReservationState(StrEnum):
    """The life of a hold: open, then exactly one of the others."""

    OPEN = "open"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


REVENUE = "revenue"
PROMO = "promo"
ADJUST = "adjust"


class LedgerEntry(Struct, frozen=True):
    """An immutable line of the ledger. The entries of one event sum to zero."""

    id: int
    event: str
    """What happened, and the key that makes a retry harmless: ``settle:<request>:<attempt>``, ``topup:…``."""
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


class Balance(Struct, frozen=True):
    """What a user has: ``total`` = sum of the ledger's entries; ``held`` = sum of the open holds."""

    total: Amount
    held: Amount

    @property
    def available(self) -> Amount:
        """What may still be spent."""
        return self.total - self.held
