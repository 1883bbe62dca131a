"""What the cashier is asked to do, as values, and what comes of it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from msgspec import Struct

from clinx.domain.ledger import Reservation
from clinx.domain.money import Amount
from clinx.domain.request_log import RequestLog
from clinx.errors import GatewayError


class Resolution(Enum):
    """What a settlement or a release did."""

    SETTLED = "settled"
    """Charged; the hold was open."""
    SETTLED_LATE = "settled_late"
    """Charged; the hold had expired, and its amount was free already."""
    RELEASED = "released"
    """The hold was open and is free again."""
    ALREADY = "already"
    """It was resolved before: nothing changed."""
    UNKNOWN = "unknown"
    """There is no such hold: nothing changed."""


class Hold(Struct, frozen=True):
    """Reserve an amount until an instant."""

    reservation: Reservation
    expires_at: datetime


class Settle(Struct, frozen=True):
    """Turn a hold into a charge and write the log."""

    reservation: Reservation
    charge: Amount
    attempt: int
    log: RequestLog


class Release(Struct, frozen=True):
    """Give a hold back and write the log, if there is one."""

    reservation: Reservation
    log: RequestLog | None


class Record(Struct, frozen=True):
    """Write the log of an exchange that held nothing."""

    log: RequestLog


Operation = Hold | Settle | Release | Record
Outcome = Reservation | Resolution | GatewayError | None
"""Of a hold: the reservation or why not; of a settlement or release: what it did; of a record: nothing."""
