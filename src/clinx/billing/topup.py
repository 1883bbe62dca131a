"""Money in, and corrections: grants and adjustments, each written once however often it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinx.domain.identity import User
from clinx.domain.ledger import ADJUST, PROMO, EntryKind
from clinx.domain.money import Amount
from clinx.storage import ledger
from clinx.storage.codec import clean, encode_json
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused
from clinx.storage.ledger import Movement, NewEntry
from clinx.storage.program import Program

_KEY: Final = 128
_REASON: Final = 1000
_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Cause:
    """Who moved money and why, and the key that makes asking twice harmless."""

    actor: str
    reason: str
    key: str


async def grant(database: Database, user: User, amount: Amount, cause: Cause, *, at: datetime) -> bool:
    """Give a user an amount out of ``promo``; False when the key was used before and nothing changed.

    Raises:
        ValueError: the amount is not positive, or the key is empty or too long.
        StorageUnavailable: the database cannot be written now.
    """
    if amount.nano <= 0:
        raise ValueError("a grant is positive")
    event = f"grant:{_key(cause)}"
    return await _once(database, _Transfer(event, PROMO, user.account, amount, EntryKind.GRANT, at, _detail(cause)))


async def adjust(database: Database, user: User, amount: Amount, cause: Cause, *, at: datetime) -> bool:
    """Correct a user's balance, up or down, against ``adjust``; False when the key was used before.

    Raises:
        ValueError: the amount is zero, or the key is empty or too long.
        StorageUnavailable: the database cannot be written now.
    """
    if not amount:
        raise ValueError("an adjustment changes something")
    event = f"adjust:{_key(cause)}"
    return await _once(
        database, _Transfer(event, ADJUST, user.account, amount, EntryKind.ADJUSTMENT, at, _detail(cause))
    )


@dataclass(frozen=True, slots=True)
class _Transfer:
    event: str
    source: str
    account: str
    amount: Amount
    kind: EntryKind
    at: datetime
    detail: str

    def entry(self, account: str, amount: Amount) -> NewEntry:
        return NewEntry(self.event, account, amount, self.kind, self.at, detail=self.detail)


def _key(cause: Cause) -> str:
    if not 1 <= len(cause.key) <= _KEY:
        raise ValueError(f"a key has 1 to {_KEY} characters")
    return cause.key


def _detail(cause: Cause) -> str:
    return encode_json({"actor": cause.actor, "reason": clean(cause.reason, _REASON)})


async def _once(database: Database, transfer: _Transfer) -> bool:
    for _ in range(_TRIES):
        try:
            return await database.atomically(_execute(transfer))
        except (StorageConflict, StorageRefused):
            # Somebody else was writing the same event or the same accounts; the next look sees what came of it.
            continue
    return await database.atomically(_execute(transfer))


def _execute(transfer: _Transfer) -> Program[bool]:
    yield from ledger.open_account(transfer.account)
    yield from ledger.lock_accounts({transfer.account})
    if (yield from ledger.has_event(transfer.event)):
        return False
    yield from ledger.append(
        [
            transfer.entry(transfer.account, transfer.amount),
            transfer.entry(transfer.source, -transfer.amount),
        ]
    )
    yield from ledger.move([Movement(transfer.account, transfer.amount)])
    yield from ledger.move([Movement(transfer.source, -transfer.amount)])
    return True
