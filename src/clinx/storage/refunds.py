"""Charges and what was given back of them, read from the entries. Written by `billing`."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from clinx.domain.ledger import REVENUE, EntryKind
from clinx.domain.money import Amount
from clinx.storage.codec import instant, micros
from clinx.storage.program import Program, fetch


class Charge(Struct, frozen=True):
    """What a user was charged by one event."""

    event: str
    account: str
    amount: Amount
    """Above zero."""
    at: datetime


def find_charge(event: str) -> Program[Charge | None]:
    """Return the charge that an event wrote; None when it wrote none."""
    rows = yield from fetch(
        "SELECT event, account, amount, at FROM entry WHERE event = $1 AND kind = $2 AND account <> $3 AND amount < 0",
        event,
        EntryKind.CHARGE.value,
        REVENUE,
    )
    return Charge(rows[0][0], rows[0][1], Amount(-rows[0][2]), instant(rows[0][3])) if rows else None


def of_charge(charge: Charge, prefix: str) -> Program[dict[str, Amount]]:
    """Return the refunds by their events, which begin with the prefix and are not earlier than the charge."""
    rows = yield from fetch(
        "SELECT event, amount FROM entry WHERE account = $1 AND at >= $2 AND kind = $3"
        " AND substr(event, 1, CAST($4 AS integer)) = $5",
        charge.account,
        micros(charge.at),
        EntryKind.REFUND.value,
        len(prefix),
        prefix,
    )
    return {event: Amount(amount) for event, amount in rows}
