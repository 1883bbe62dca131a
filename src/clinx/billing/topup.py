"""Grants and adjustments: corrections by the operator, each written once however often it is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from clinx.billing import transfer
from clinx.billing.failures import KeyReused
from clinx.billing.transfer import Cause, Transfer
from clinx.domain.identity import User
from clinx.domain.ledger import ADJUST, PROMO, EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage import ledger
from clinx.storage.database import Database
from clinx.storage.program import Program

_EVENTS: Final = {EntryKind.GRANT: "grant", EntryKind.ADJUSTMENT: "adjust"}
"""What the events of a kind begin with; the key follows."""


async def grant(database: Database, user: User, amount: Amount, cause: Cause, *, at: datetime) -> bool:
    """Give a user an amount out of ``promo``; False when this was done before under the key, and nothing changed.

    Raises:
        ValueError: the amount is not positive.
        KeyReused: the key was used for another amount, another user, or an adjustment.
        StorageUnavailable: the database cannot be written now.
    """
    if amount.nano <= 0:
        raise ValueError("a grant is positive")
    return await _once(database, _transfer(PROMO, user, amount, EntryKind.GRANT, cause, at), cause.key)


async def adjust(database: Database, user: User, amount: Amount, cause: Cause, *, at: datetime) -> bool:
    """Correct a user's balance, up or down, against ``adjust``; False when this was done before under the key.

    Raises:
        ValueError: the amount is zero.
        KeyReused: the key was used for another amount, another user, or a grant.
        StorageUnavailable: the database cannot be written now.
    """
    if not amount:
        raise ValueError("an adjustment changes something")
    return await _once(database, _transfer(ADJUST, user, amount, EntryKind.ADJUSTMENT, cause, at), cause.key)


def correct(user: User, by: Amount, cause: Cause, at: datetime) -> Program[bool]:
    """Give an amount or, a negative one, take it, as a part of a transaction: see `grant` and `adjust`."""
    return (yield from _correct(_correction(user, by, cause, at), cause.key))


def is_used(key: str) -> Program[bool]:
    """Say whether anything was corrected under a key."""
    return bool((yield from ledger.written([f"{name}:{key}" for name in _EVENTS.values()])))


def grants_of(keys: str) -> str:
    """Return what the events of grants begin with whose keys begin so."""
    return f"{_EVENTS[EntryKind.GRANT]}:{keys}"


def _correction(user: User, by: Amount, cause: Cause, at: datetime) -> Transfer:
    if not by:
        raise ValueError("an adjustment changes something")
    if by > ZERO:
        return _transfer(PROMO, user, by, EntryKind.GRANT, cause, at)
    return _transfer(ADJUST, user, by, EntryKind.ADJUSTMENT, cause, at)


def _transfer(source: str, user: User, amount: Amount, kind: EntryKind, cause: Cause, at: datetime) -> Transfer:
    event = f"{_EVENTS[kind]}:{cause.key}"
    return Transfer(event, source, user.account, amount, kind, at, cause.detail())


async def _once(database: Database, correction: Transfer, key: str) -> bool:
    return await transfer.persist(database, lambda: _correct(correction, key))


def _correct(correction: Transfer, key: str) -> Program[bool]:
    yield from transfer.lock([correction.target])
    # One key is one for all users and both kinds: this row, after those of people, is what all corrections wait for.
    yield from ledger.lock_accounts({ADJUST})
    written = yield from ledger.written([f"{name}:{key}" for name in _EVENTS.values()])
    if (correction.event, correction.target, correction.amount) in written:
        return False
    if written:
        raise KeyReused("the key was used before for another amount or user; nothing changed")
    yield from transfer.execute(correction)
    return True
