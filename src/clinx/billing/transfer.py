"""Money from one account to another: an event with two entries that sum to zero, and the sums that follow from them.

Grants, redemptions, rewards and refunds are all made of this. A key or an id in the event's name makes asking twice
harmless: see that the event was not written before, then execute.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from clinx.domain.ledger import Balance, EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage import ledger
from clinx.storage.announcements import Topic, announce
from clinx.storage.codec import clean, encode_json
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict, StorageRefused
from clinx.storage.ledger import Movement, NewEntry
from clinx.storage.program import Program

T = TypeVar("T")

LONGEST_EVENT: Final = 255
LONGEST_KEY: Final = 128
_LONGEST_TEXT: Final = 1000
_TRIES: Final = 4
_SPENDABLE: Final = "user:"
_PEOPLE: Final = (_SPENDABLE, "invite:")
"""What the names of accounts begin with that are somebody's; all others are the house's, and may be in debt."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Who moved money and why, and the key that makes asking twice harmless."""

    actor: str
    reason: str
    key: str

    def __post_init__(self) -> None:
        """Refuse what no event can be named by.

        Raises:
            ValueError: the key is empty or too long.
        """
        if not 1 <= len(self.key) <= LONGEST_KEY:
            raise ValueError(f"a key has 1 to {LONGEST_KEY} characters")

    def detail(self, **more: str) -> str:
        """Return what is written with the entries: actor, reason and what else is to be known, as JSON."""
        return describe(actor=self.actor, reason=self.reason, **more)


def describe(**facts: str) -> str:
    """Write facts as the JSON text of an entry's detail, each made storable."""
    return encode_json({name: clean(text, _LONGEST_TEXT) for name, text in facts.items()})


@dataclass(frozen=True, slots=True)
class Transfer:
    """An amount that leaves the source and arrives at the target; a negative one goes the other way."""

    event: str
    source: str
    target: str
    amount: Amount
    kind: EntryKind
    at: datetime
    detail: str | None = None

    def entry(self, account: str, amount: Amount) -> NewEntry:
        """Return the line for one of the two accounts."""
        return NewEntry(self.event, account, amount, self.kind, self.at, detail=self.detail)

    @property
    def entries(self) -> list[NewEntry]:
        """Both lines."""
        return [self.entry(self.target, self.amount), self.entry(self.source, -self.amount)]


def lock(accounts: Collection[str]) -> Program[dict[str, Balance]]:
    """Open the accounts that are not there yet, keep all until the commit, and return what is in them."""
    for name in sorted(accounts):
        yield from ledger.open_account(name)
    locked = yield from ledger.lock_accounts(set(accounts))
    return {name: account.balance for name, account in locked.items()}


def execute(*transfers: Transfer) -> Program[None]:
    """Write the entries and both sums of each transfer, and announce what users gained; the event is new.

    The accounts of people are opened and locked here unless `lock` has done so; those of the house come last, for
    every process writes them. A house account must exist.

    Raises:
        StorageRefused: one of the events was written before.
        OverflowError: a sum outgrows its column.
    """
    people = {name for each in transfers for name in (each.source, each.target) if _is_somebodys(name)}
    yield from lock(people)
    yield from ledger.append([entry for each in transfers for entry in each.entries])
    sums = _sums(transfers)
    for name in sorted(people):
        yield from ledger.move([Movement(name, sums[name])])
        if name.startswith(_SPENDABLE) and sums[name] > ZERO:
            yield from announce(Topic.FUNDS, name, transfers[0].at)
    for name in sorted(sums.keys() - people):
        yield from ledger.move([Movement(name, sums[name])])


def _is_somebodys(account: str) -> bool:
    return account.startswith(_PEOPLE)


def _sums(transfers: Collection[Transfer]) -> dict[str, Amount]:
    sums: dict[str, Amount] = {}
    for entry in (entry for each in transfers for entry in each.entries):
        sums[entry.account] = sums.get(entry.account, ZERO) + entry.amount
    return sums


async def persist(database: Database, program: Callable[[], Program[T]]) -> T:
    """Run a program as one transaction, again after each lost race, a few times.

    The program must look whether its event was written: a second run may meet what another has just done.

    Raises:
        StorageUnavailable: the database cannot be written now.
        StorageRefused: it refuses the values.
    """
    for _ in range(_TRIES):
        try:
            return await database.atomically(program())
        except (StorageConflict, StorageRefused):
            # Somebody else was writing the same event or the same accounts; the next look sees what came of it.
            continue
    return await database.atomically(program())
