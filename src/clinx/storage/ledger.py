"""Accounts and entries: the programs that move money. Imported by `billing` only.

``account.balance`` is the cached sum of the account's entries, ``account.held`` the sum of its open holds and
``account.leased`` what is unspent of its leases; each is written in the transaction that writes its cause. Lock order,
everywhere: the node, reservations by id, users' accounts by name, tokens by id, leases by scope, the house's accounts
by name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from clinx.domain.ledger import Balance, EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage.codec import clean, micros
from clinx.storage.failures import StorageConflict
from clinx.storage.program import Program, execute, fetch, json_rows

_LONGEST_DETAIL: Final = 4096


class Account(Struct, frozen=True):
    """An account as its row says."""

    balance: Balance
    frozen: bool = False
    """Whether the audit found something wrong with it: nothing of it is leased until a human has looked."""


class Movement(Struct, frozen=True):
    """How one account's cached sums change."""

    account: str
    total: Amount = ZERO
    held: Amount = ZERO
    leased: Amount = ZERO
    guarded: bool = False
    """Whether the change must leave nothing overdrawn: true when it holds or lends, false for settlements."""


class NewEntry(Struct, frozen=True):
    """A line to append. The lines of one event sum to zero."""

    event: str
    account: str
    amount: Amount
    kind: EntryKind
    at: datetime
    revision: str | None = None
    detail: str | None = None


def lock_accounts(names: Collection[str]) -> Program[dict[str, Account]]:
    """Read accounts and keep them until the commit; names without an account are absent from the answer."""
    if not names:
        return {}
    rows = yield from fetch(
        "SELECT name, balance, held, leased, frozen_at FROM account"
        " WHERE name IN (SELECT value ->> 0 FROM json_array_elements($1)) ORDER BY name FOR UPDATE",
        json_rows((name,) for name in names),
    )
    return {
        name: Account(Balance(Amount(total), Amount(held), Amount(leased)), frozen_at is not None)
        for name, total, held, leased, frozen_at in rows
    }


def open_account(name: str) -> Program[None]:
    """Make sure that an account exists, with nothing in it."""
    yield from execute(
        "INSERT INTO account (name, balance, held) VALUES ($1, 0, 0) ON CONFLICT (name) DO NOTHING", name
    )


def move(movements: Sequence[Movement]) -> Program[None]:
    """Change the cached sums, all or none; the condition is in the statement itself.

    Raises:
        StorageConflict: an account is missing, or a guarded one would be overdrawn.
        OverflowError: a sum outgrows its column.
    """
    if not movements:
        return
    rows = yield from fetch(
        "UPDATE account SET balance = balance + d_balance, held = held + d_held, leased = leased + d_leased"
        " FROM (SELECT value ->> 0 AS d_name, CAST(value ->> 1 AS bigint) AS d_balance,"
        " CAST(value ->> 2 AS bigint) AS d_held, CAST(value ->> 3 AS bigint) AS d_leased,"
        " CAST(value ->> 4 AS bigint) AS guarded FROM json_array_elements($1)) AS d"
        " WHERE name = d_name"
        " AND (guarded = 0 OR balance + d_balance - held - d_held - leased - d_leased >= 0)"
        " RETURNING balance, held, leased",
        json_rows((m.account, m.total.nano, m.held.nano, m.leased.nano, int(m.guarded)) for m in movements),
    )
    if len(rows) != len(movements):
        raise StorageConflict("an account changed under the transaction")
    for balance, held, leased in rows:  # SQLite turns an integer that outgrows its column into an inexact number.
        _ = Balance(Amount(balance), Amount(held), Amount(leased))


def append(entries: Sequence[NewEntry]) -> Program[None]:
    """Write entries.

    Raises:
        StorageRefused: an event already has an entry for the account.
    """
    if not entries:
        return
    yield from execute(
        "INSERT INTO entry (event, account, amount, kind, at, revision, detail)"
        " SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS bigint), value ->> 3, CAST(value ->> 4 AS bigint),"
        " value ->> 5, value ->> 6 FROM json_array_elements($1)",
        json_rows(
            (e.event, e.account, e.amount.nano, e.kind.value, micros(e.at), e.revision, _detail(e.detail))
            for e in entries
        ),
    )


def _detail(text: str | None) -> str | None:
    return None if text is None else clean(text, _LONGEST_DETAIL)


def written(events: Collection[str]) -> Program[list[tuple[str, str, Amount]]]:
    """Return the lines of events: (event, account, amount); none of those that were never written."""
    if not events:
        return []
    rows = yield from fetch(
        "SELECT event, account, amount FROM entry"
        " WHERE event IN (SELECT value ->> 0 FROM json_array_elements($1)) ORDER BY event, account",
        json_rows((event,) for event in events),
    )
    return [(event, account, Amount(amount)) for event, account, amount in rows]


def known(events: Collection[str]) -> Program[set[str]]:
    """Return those events that were written."""
    if not events:
        return set()
    # One look into the index for each: as a join, PostgreSQL reads all of a table that has just grown.
    rows = yield from fetch(
        "SELECT (SELECT MIN(event) FROM entry WHERE event = value ->> 0) FROM json_array_elements($1)",
        json_rows((event,) for event in events),
    )
    return {row[0] for row in rows if row[0] is not None}
