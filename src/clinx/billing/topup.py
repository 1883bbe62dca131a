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
_EVENTS: Final = {EntryKind.GRANT: "grant", EntryKind.ADJUSTMENT: "adjust"}
"""What the events of a kind begin with; the key follows."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Who moved money and why, and the key that makes asking twice harmless."""

    actor: str
    reason: str
    key: str


class KeyReused(ValueError):
    """The key was used before, for something else: another amount or another user. Nothing changed."""


async def grant(database: Database, user: User, amount: Amount, cause: Cause, *, at: datetime) -> bool:
    """Give a user an amount out of ``promo``; False when this was done before under the key, and nothing changed.

    Raises:
        ValueError: the amount is not positive, or the key is empty or too long.
        KeyReused: the key was used for another amount, another user, or an adjustment.
        StorageUnavailable: the database cannot be written now.
    """
    if amount.nano <= 0:
        raise ValueError("a grant is positive")
    return await _once(
        database, _Transfer(_key(cause), PROMO, user.account, amount, EntryKind.GRANT, at, _detail(cause))
    )


async def adjust(database: Database, user: User, amount: Amount, cause: Cause, *, at: datetime) -> bool:
    """Correct a user's balance, up or down, against ``adjust``; False when this was done before under the key.

    Raises:
        ValueError: the amount is zero, or the key is empty or too long.
        KeyReused: the key was used for another amount, another user, or a grant.
        StorageUnavailable: the database cannot be written now.
    """
    if not amount:
        raise ValueError("an adjustment changes something")
    return await _once(
        database, _Transfer(_key(cause), ADJUST, user.account, amount, EntryKind.ADJUSTMENT, at, _detail(cause))
    )


@dataclass(frozen=True, slots=True)
class _Transfer:
    key: str
    source: str
    account: str
    amount: Amount
    kind: EntryKind
    at: datetime
    detail: str

    @property
    def event(self) -> str:
        return f"{_EVENTS[self.kind]}:{self.key}"

    @property
    def namesakes(self) -> list[str]:
        """The events that the key may have been used for."""
        return [f"{name}:{self.key}" for name in _EVENTS.values()]

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
    written = yield from ledger.written(transfer.namesakes)
    if (transfer.event, transfer.account, transfer.amount) in written:
        return False
    if written:
        raise KeyReused(f"the key {transfer.key!r} was used before for another amount or user; nothing changed")
    yield from ledger.append(
        [
            transfer.entry(transfer.account, transfer.amount),
            transfer.entry(transfer.source, -transfer.amount),
        ]
    )
    yield from ledger.move([Movement(transfer.account, transfer.amount)])
    yield from ledger.move([Movement(transfer.source, -transfer.amount)])
    return True
