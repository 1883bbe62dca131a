"""Refunds: a charge given back, in parts or as a whole, never more than it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinx.billing import transfer
from clinx.billing.failures import ChargeUnknown, KeyReused, RefundTooLarge
from clinx.billing.transfer import LONGEST_EVENT, Cause, Transfer
from clinx.domain.ledger import REVENUE, EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage import refunds
from clinx.storage.database import Database
from clinx.storage.program import Program
from clinx.storage.refunds import Charge

_CHARGES: Final = "settle:"


@dataclass(frozen=True, slots=True)
class Refund:
    """What was given back of a charge."""

    account: str
    """Whose it was: ``user:42``."""
    amount: Amount
    """What this refund gave."""
    refunded: Amount
    """What all refunds of the charge gave, this one included."""
    charge: Amount
    is_new: bool
    """False when it was made before under the key, and nothing changed."""


async def refund(database: Database, event: str, amount: Amount | None, cause: Cause, *, at: datetime) -> Refund:
    """Give back a part of the charge ``settle:<request>``, out of ``revenue``; None is what is left of it.

    What the token has spent of its budget and the sums of spend by day stay as they are: they count charges.

    Raises:
        ValueError: the amount is not positive, or the key is too long beside this request's id.
        ChargeUnknown: there is no such charge.
        RefundTooLarge: more than what is left of it, or nothing is left.
        KeyReused: the key was used for another amount of this charge.
        StorageUnavailable: the database cannot be written now.
    """
    if amount is not None and amount <= ZERO:
        raise ValueError("a refund is positive")
    if not event.startswith(_CHARGES):
        raise ChargeUnknown(f"a charge is named {_CHARGES}REQUEST, not {event!r}")
    if len(_name(event, cause)) > LONGEST_EVENT:
        raise ValueError("the key is too long beside the id of this request")
    return await transfer.persist(database, lambda: _refund(event, amount, cause, at))


def _refund(event: str, amount: Amount | None, cause: Cause, at: datetime) -> Program[Refund]:
    charge = yield from refunds.find_charge(event)
    if charge is None:
        raise ChargeUnknown(f"there is no charge {event!r}")
    yield from transfer.lock([charge.account])  # From here on nobody else refunds it.
    before = yield from refunds.of_charge(charge, _prefix(event))
    refunded = sum(each.nano for each in before.values())
    if (given := before.get(_name(event, cause))) is not None:
        if amount not in {None, given}:
            raise KeyReused("the key was used before for another amount; nothing changed")
        return Refund(charge.account, given, Amount(refunded), charge.amount, is_new=False)
    left = Amount(charge.amount.nano - refunded)
    wanted = left if amount is None else amount
    if not wanted or wanted > left:
        raise RefundTooLarge(f"{left} is left of the charge of {charge.amount}")
    yield from transfer.execute(_transfer(charge, wanted, cause, at))
    return Refund(charge.account, wanted, Amount(refunded) + wanted, charge.amount, is_new=True)


def _prefix(event: str) -> str:
    return f"refund:{event.removeprefix(_CHARGES)}:"


def _name(event: str, cause: Cause) -> str:
    return _prefix(event) + cause.key


def _transfer(charge: Charge, amount: Amount, cause: Cause, at: datetime) -> Transfer:
    # Never earlier than its charge, whatever the clocks say: from there on its refunds are looked for.
    return Transfer(
        _name(charge.event, cause),
        REVENUE,
        charge.account,
        amount,
        EntryKind.REFUND,
        max(at, charge.at),
        cause.detail(charge=charge.event),
    )
