"""What must hold of the ledger at every commit, each invariant as a question that is answered with its breaches.

All programs here only read, except `freeze` and `thaw`. Those of one audit are run by `Database.look`, so that they see
the same moment. Imported by `billing` only.

A window says which part of the history is asked about. Entries are append-only, so one that was compared once need not
be compared again; sums that change (accounts, holds, leases) are compared in full each time.
"""
# ruff: noqa: S608  (statements are put together of constants only)

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from msgspec import Struct

from clinx.domain.ledger import EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage.codec import micros
from clinx.storage.program import Program, Row, Value, fetch, json_rows

MOST: Final = 1000
"""Breaches that one question answers with at most."""

Figure = Amount | int
"""An amount of money, or a number of things."""


class Breach(Struct, frozen=True):
    """Something that is not as it must be."""

    subject: str
    """The account, event, hold, lease, code or order it is about."""
    expected: Figure
    actual: Figure
    accounts: tuple[str, ...] = ()
    """The users' accounts it concerns."""


class Compared(Struct, frozen=True):
    """The answer to one question: how many things were compared, and which are not as they must be."""

    count: int
    breaches: list[Breach]


class Window(Struct, frozen=True):
    """Which entries, and which logs, orders and codes are asked about."""

    after: int = 0
    """Entries with a higher id; 0 for all."""
    since: datetime | None = None
    """Logs, and credits of orders and codes, from then on; None for all."""

    @property
    def is_whole(self) -> bool:
        """Whether all of the history is asked about."""
        return self.after == 0 and self.since is None

    def entries(self, join: str = "") -> str:
        """Return what to read its entries FROM, as ``e``; ``$1`` is `after`. More conditions may follow."""
        return f"entry e {join} WHERE e.id > $1" if self.after else f"entry e {join} WHERE $1 = 0"

    @property
    def events(self) -> str:
        """What to read all entries FROM of the events that have one in it, likewise."""
        return f"entry e WHERE {'e.event IN (SELECT event FROM entry WHERE id > $1)' if self.after else '$1 = 0'}"

    @property
    def since_micros(self) -> int:
        """The instant as columns have it; 0 for all."""
        return 0 if self.since is None else micros(self.since)


class Sums(Struct, frozen=True):
    """The entries of each account, summed on both sides of an id."""

    newest: int
    """The highest id there is."""
    count: int
    settled: dict[str, int]
    """Nano-units, up to and with the id."""
    fresh: dict[str, int]
    """Nano-units, above the id."""


def count_of(sql: str, *values: Value) -> Program[int]:
    """Return the one number that a statement answers with."""
    return (yield from fetch(sql, *values))[0][0]


def owners_of(events: Collection[str]) -> Program[dict[str, tuple[str, ...]]]:
    """Return the users' accounts that events have entries of."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(events, ())
    if events:
        rows = yield from fetch(
            "SELECT DISTINCT event, account FROM entry WHERE account LIKE 'user:%'"
            " AND event IN (SELECT value ->> 0 FROM json_array_elements($1)) ORDER BY event, account",
            json_rows((event,) for event in events),
        )
        for event, account in rows:
            found[event] += (account,)
    return found


def sums(after: int, until: int) -> Program[Sums]:
    """Sum the entries above ``after`` by account, apart for those up to ``until`` and those above it."""
    newest = yield from fetch("SELECT COALESCE(MAX(id), 0) FROM entry")
    rows = yield from fetch(
        "SELECT account, CAST(SUM(CASE WHEN id <= $1 THEN amount ELSE 0 END) AS bigint),"
        " CAST(SUM(CASE WHEN id > $1 THEN amount ELSE 0 END) AS bigint), COUNT(*) FROM entry"
        # Few rows by their ids, many in the order of the index, which needs no memory for sorting.
        + (" WHERE id > $2 GROUP BY account || '', account" if after else " WHERE $2 = 0 GROUP BY account"),
        until,
        after,
    )
    return Sums(
        newest[0][0],
        sum(row[3] for row in rows),
        {row[0]: row[1] for row in rows},
        {row[0]: row[2] for row in rows},
    )


def balances() -> Program[dict[str, int]]:
    """Return what every account has by its own row, in nano-units."""
    rows = yield from fetch("SELECT name, balance FROM account")
    return {name: nano for name, nano in rows}  # noqa: C416  (rows are no tuples)


def unbalanced(window: Window) -> Program[list[Breach]]:
    """Find events whose entries do not sum to zero."""
    rows = yield from fetch(
        f"SELECT e.event, CAST(SUM(e.amount) AS bigint) FROM {window.events}"
        f" GROUP BY e.event HAVING SUM(e.amount) <> 0 ORDER BY e.event LIMIT {MOST}",
        window.after,
    )
    owners = yield from owners_of([row[0] for row in rows])
    return [Breach(event, ZERO, Amount(total), owners[event]) for event, total in rows]


_HELD: Final = (
    "SELECT user_id, token_id, amount FROM reservation WHERE state = 'open'"  # A literal: see `reservations`.
)
_UNSPENT: Final = "SELECT scope, SUM(granted - returned - spent) AS unspent FROM lease GROUP BY scope"


def holds() -> Program[Compared]:
    """Compare held with the open reservations, and leased with what is unspent of leases: of accounts and tokens.

    A token's ``spent`` is no sum of entries, which name no token: it cannot be compared.
    """
    count = yield from count_of(
        f"SELECT (SELECT COUNT(*) FROM ({_HELD}) AS h)"
        " + (SELECT COUNT(*) FROM lease WHERE granted - returned - spent <> 0)"
    )
    accounts = yield from fetch(
        f"WITH held AS (SELECT 'user:' || user_id AS name, SUM(amount) AS amount FROM ({_HELD}) AS h GROUP BY user_id),"
        f" unspent AS ({_UNSPENT}) SELECT a.name, a.held, CAST(COALESCE(h.amount, 0) AS bigint), a.leased,"
        " CAST(COALESCE(l.unspent, 0) AS bigint), a.name FROM account a LEFT JOIN held h ON h.name = a.name"
        " LEFT JOIN unspent l ON l.scope = a.name"
        f" WHERE a.held <> COALESCE(h.amount, 0) OR a.leased <> COALESCE(l.unspent, 0) ORDER BY a.name LIMIT {MOST}"
    )
    tokens = yield from fetch(
        f"WITH held AS (SELECT token_id, SUM(amount) AS amount FROM ({_HELD}) AS h GROUP BY token_id),"
        f" unspent AS ({_UNSPENT}) SELECT 'token:' || t.id, t.held, CAST(COALESCE(h.amount, 0) AS bigint), t.leased,"
        " CAST(COALESCE(l.unspent, 0) AS bigint), 'user:' || t.user_id FROM token t"
        " LEFT JOIN held h ON h.token_id = t.id LEFT JOIN unspent l ON l.scope = 'token:' || t.id"
        f" WHERE t.held <> COALESCE(h.amount, 0) OR t.leased <> COALESCE(l.unspent, 0) ORDER BY t.id LIMIT {MOST}"
    )
    astray = yield from _astray()
    return Compared(count, [breach for row in [*accounts, *tokens] for breach in _held_and_leased(row)] + astray)


def _held_and_leased(row: Row) -> list[Breach]:
    name, held, holding, leased, unspent, account = row
    pairs = (("held", holding, held), ("leased", unspent, leased))
    return [
        Breach(f"{name} {what}", Amount(cause), Amount(cached), (account,))
        for what, cause, cached in pairs
        if cause != cached
    ]


def _astray() -> Program[list[Breach]]:
    """Find leases of which more was spent and returned than granted, and money held or leased of no account."""
    overspent = yield from fetch(
        "SELECT l.scope, l.node, l.epoch, l.granted - l.returned - l.spent, COALESCE('user:' || t.user_id, l.scope)"
        " FROM lease l LEFT JOIN token t ON 'token:' || t.id = l.scope"
        f" WHERE l.granted - l.returned - l.spent < 0 ORDER BY l.id LIMIT {MOST}"
    )
    ownerless = yield from fetch(
        "SELECT name, CAST(SUM(amount) AS bigint) FROM"
        f" (SELECT 'user:' || user_id AS name, amount FROM ({_HELD}) AS h"
        " UNION ALL SELECT scope, granted - returned - spent FROM lease WHERE scope LIKE 'user:%') AS s"
        f" WHERE name NOT IN (SELECT name FROM account)"
        f" GROUP BY name HAVING SUM(amount) <> 0 ORDER BY name LIMIT {MOST}"
    )
    return [
        Breach(f"lease of {scope} by {node}/{epoch}", ZERO, Amount(unspent), (owner,))
        for scope, node, epoch, unspent, owner in overspent
    ] + [Breach(f"{name} has no account", ZERO, Amount(total)) for name, total in ownerless]


_LIVES: Final = "EXISTS (SELECT 1 FROM node n WHERE n.started_at <= $1 AND n.seen_at >= $1)"
"""Whether a process lives since before an instant."""


def overdue(due: datetime, since: datetime) -> Program[Compared]:
    """Find holds and leases that nobody can still want and nobody ends.

    That is an open hold that expired before ``due``, and something unspent of a node's earlier life when the present
    one began before ``due``: if a sweep had the time to end them, which is so when the asker waits since before
    ``due``, or a node lives since then.
    """
    values = (micros(due), micros(since))
    count = yield from count_of("SELECT COUNT(*) FROM reservation WHERE state = 'open'")
    holds = yield from fetch(
        "SELECT id, amount, 'user:' || user_id FROM reservation WHERE state = 'open'"
        f" AND expires_at <= $1 AND ($2 <= $1 OR {_LIVES}) ORDER BY expires_at, id LIMIT {MOST}",
        *values,
    )
    unspent = yield from fetch(
        "SELECT l.scope, l.node, l.epoch, l.granted - l.returned - l.spent, COALESCE('user:' || t.user_id, l.scope)"
        " FROM lease l JOIN node o ON o.id = l.node LEFT JOIN token t ON 'token:' || t.id = l.scope"
        " WHERE l.granted - l.returned - l.spent > 0 AND l.epoch < o.epoch AND o.started_at <= $1"
        f" ORDER BY l.id LIMIT {MOST}",
        values[0],
    )
    return Compared(
        count,
        [Breach(f"hold {id_}", ZERO, Amount(amount), (account,)) for id_, amount, account in holds]
        + [
            Breach(f"lease of {scope} by {node}/{epoch}", ZERO, Amount(left), (owner,))
            for scope, node, epoch, left, owner in unspent
        ],
    )


def lost(due: datetime, silent_since: datetime) -> Program[list[Breach]]:
    """Find nodes that are silent since an instant, keep something leased, and are survived by others since ``due``.

    The accounts it was leased of are right, and not named: the money waits for whoever finds the node's disk.
    """
    rows = yield from fetch(
        "SELECT o.id, CAST(SUM(l.granted - l.returned - l.spent) AS bigint) FROM lease l JOIN node o ON o.id = l.node"
        f" WHERE l.scope LIKE 'user:%' AND o.seen_at <= $2 AND {_LIVES}"
        f" GROUP BY o.id HAVING SUM(l.granted - l.returned - l.spent) > 0 ORDER BY o.id LIMIT {MOST}",
        micros(due),
        micros(silent_since),
    )
    return [Breach(f"leases of {node}", ZERO, Amount(unspent)) for node, unspent in rows]


def overdrafts(bound: Amount) -> Program[Compared]:
    """Find users' accounts that have less than nothing available, by more than the bound.

    What corrections took away is not counted: they may leave any balance.
    """
    count = yield from count_of("SELECT COUNT(*) FROM account WHERE name LIKE 'user:%'")
    rows = yield from fetch(
        "SELECT name, CAST(available + corrected AS bigint) FROM"
        " (SELECT a.name, a.balance - a.held - a.leased AS available,"
        " (SELECT COALESCE(-SUM(e.amount), 0) FROM entry e WHERE e.account = a.name"
        f" AND e.kind = '{EntryKind.ADJUSTMENT}' AND e.amount < 0) AS corrected FROM account a"
        " WHERE a.name LIKE 'user:%' AND a.balance - a.held - a.leased < $1) AS s"
        f" WHERE available + corrected < $1 ORDER BY name LIMIT {MOST}",
        -bound.nano,
    )
    return Compared(count, [Breach(name, -bound, Amount(available), (name,)) for name, available in rows])


def freeze(accounts: Collection[str], now: datetime) -> Program[list[str]]:
    """Let nothing more of accounts be leased; return those that were not frozen before. No amount changes."""
    if not accounts:
        return []
    rows = yield from fetch(
        "UPDATE account SET frozen_at = $2 WHERE frozen_at IS NULL"
        " AND name IN (SELECT value ->> 0 FROM json_array_elements($1)) RETURNING name",
        json_rows((name,) for name in sorted(accounts)),
        micros(now),
    )
    return sorted(row[0] for row in rows)


def thaw(account: str) -> Program[bool]:
    """Let an account be leased again; False when it was not frozen."""
    rows = yield from fetch(
        "UPDATE account SET frozen_at = NULL WHERE name = $1 AND frozen_at IS NOT NULL RETURNING name", account
    )
    return bool(rows)
