"""What the ledger is asked to do, as values, and what comes of it."""

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
    """Charged; the amount was held, or leased."""
    SETTLED_LATE = "settled_late"
    """Charged; the hold had expired, and its amount was free already."""
    RELEASED = "released"
    """Nothing is held any more."""
    ALREADY = "already"
    """It was resolved before: nothing changed."""
    UNKNOWN = "unknown"
    """There is no such hold: nothing changed."""


class Hold(Struct, frozen=True):
    """Reserve an amount until an instant, in the database itself."""

    reservation: Reservation
    expires_at: datetime
    terms: str | None = None
    """Of a task's hold: its kind and its price, as JSON; such a hold belongs to no process."""


class Settle(Struct, frozen=True):
    """Turn a hold into a charge and write the log."""

    reservation: Reservation
    charge: Amount
    log: RequestLog


class Release(Struct, frozen=True):
    """Give a hold back and write the log, if there is one."""

    reservation: Reservation
    log: RequestLog | None


class Record(Struct, frozen=True):
    """Write the log of an exchange that held nothing."""

    log: RequestLog


class Lend(Struct, frozen=True):
    """Lend of a user's account and, if the token has a budget, of that: both or none."""

    user_id: int
    token_id: int
    least: Amount
    """What is needed now; positive."""
    wish: Amount
    """What is lent at most, if that is more."""


class Repay(Struct, frozen=True):
    """Return what is not needed of a lease. Saying it twice changes nothing more."""

    scope: str
    """``user:42`` or ``token:7``."""
    returned: Amount
    """All that was ever returned of this lease, this time included."""

    @property
    def token_id(self) -> int | None:
        """The token whose budget it was leased of; None when it was a user's account."""
        kind, _, number = self.scope.partition(":")
        return int(number) if kind == "token" else None


class Loan(Struct, frozen=True):
    """What is leased now: all that was ever granted to this life of the process, so that nothing is lost in doubt."""

    granted: Amount
    token_granted: Amount | None
    """Of the token's budget; None when it has none."""


class Direct(Enum):
    """Nothing is lent, but the database itself may hold what is needed: the account is poor, or frozen."""

    DIRECT = "direct"


Operation = Hold | Settle | Release | Record | Lend | Repay
Outcome = Reservation | Resolution | Loan | Direct | GatewayError | None
"""Of a hold: the reservation or why not; of a loan: its totals, or why not; of a settlement or release: what it did; of
a repayment or a record: nothing."""
