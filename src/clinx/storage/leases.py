"""Leases: what lives of processes borrowed of scopes. Imported by `billing` only.

A lease is three totals that only grow, so whatever is said twice changes nothing twice. What is unspent of all leases
of a scope is the ``leased`` of its account or token, written in the same transaction. A lease is changed only under
the lock of its account or token; the order of locks is in `storage.ledger`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from clinx.domain.ledger import Origin
from clinx.domain.money import ZERO, Amount
from clinx.storage.codec import micros
from clinx.storage.program import Program, execute, fetch, json_rows

_OF_DEAD = "node = $1 AND epoch < $2 AND granted - returned - spent > 0"


class Lease(Struct, frozen=True):
    """The totals of one lease."""

    granted: Amount = ZERO
    returned: Amount = ZERO
    spent: Amount = ZERO

    @property
    def unspent(self) -> Amount:
        """What its process may still spend."""
        return self.granted - self.returned - self.spent


def lock(origin: Origin, scopes: Collection[str]) -> Program[dict[str, Lease]]:
    """Read one life's leases and keep them until the commit; scopes it never borrowed of are absent."""
    if not scopes:
        return {}
    rows = yield from fetch(
        "SELECT scope, granted, returned, spent FROM lease WHERE node = $1 AND epoch = $2"
        " AND scope IN (SELECT value ->> 0 FROM json_array_elements($3)) ORDER BY scope FOR UPDATE",
        origin.node,
        origin.epoch,
        json_rows((scope,) for scope in scopes),
    )
    return {scope: Lease(Amount(granted), Amount(returned), Amount(spent)) for scope, granted, returned, spent in rows}


def others(origin: Origin, scopes: Collection[str]) -> Program[dict[str, int]]:
    """Count the other leases of scopes that have something unspent; scopes with none are absent."""
    if not scopes:
        return {}
    rows = yield from fetch(
        "SELECT scope, COUNT(*) FROM lease WHERE scope IN (SELECT value ->> 0 FROM json_array_elements($3))"
        " AND granted - returned - spent > 0 AND NOT (node = $1 AND epoch = $2) GROUP BY scope",
        origin.node,
        origin.epoch,
        json_rows((scope,) for scope in scopes),
    )
    return {row[0]: row[1] for row in rows}


def write(origin: Origin, leases: Sequence[tuple[str, Lease]], now: datetime) -> Program[None]:
    """Write the totals of one life's leases: (scope, totals). They must have been locked."""
    if not leases:
        return
    yield from execute(
        "INSERT INTO lease (scope, node, epoch, granted, returned, spent, at)"
        " SELECT value ->> 0, $1, $2, CAST(value ->> 1 AS bigint), CAST(value ->> 2 AS bigint),"
        " CAST(value ->> 3 AS bigint), $3 FROM json_array_elements($4) WHERE true"
        " ON CONFLICT (scope, node, epoch) DO UPDATE"
        " SET granted = excluded.granted, returned = excluded.returned, spent = excluded.spent, at = excluded.at",
        origin.node,
        origin.epoch,
        micros(now),
        json_rows((scope, t.granted.nano, t.returned.nano, t.spent.nano) for scope, t in leases),
    )


def close_epochs(node: str, before: int) -> Program[int]:
    """Return all that is unspent of a node's lives before an epoch; say how many leases that were.

    Only when those processes are dead and their journals are in the ledger: what they spent is then known.
    """
    dead = f"SELECT scope FROM lease WHERE {_OF_DEAD}"  # noqa: S608  (a constant condition)
    yield from fetch(f"SELECT name FROM account WHERE name IN ({dead}) ORDER BY name FOR UPDATE", node, before)  # noqa: S608  (a constant condition)
    yield from fetch(f"SELECT id FROM token WHERE 'token:' || id IN ({dead}) ORDER BY id FOR UPDATE", node, before)  # noqa: S608  (a constant condition)
    # Read once, under lock: a loan that commits just now is found by the next who closes, whole.
    rows = yield from fetch(
        f"SELECT id, scope, granted - returned - spent FROM lease WHERE {_OF_DEAD} ORDER BY scope, id FOR UPDATE",  # noqa: S608  (a constant condition)
        node,
        before,
    )
    if not rows:
        return 0
    unspent = json_rows(tuple(row) for row in rows)
    freed = (
        "(SELECT value ->> 1 AS scope, CAST(SUM(CAST(value ->> 2 AS bigint)) AS bigint) AS unspent"
        " FROM json_array_elements($1) GROUP BY 1) AS d"
    )
    yield from execute(f"UPDATE account SET leased = leased - unspent FROM {freed} WHERE name = scope", unspent)  # noqa: S608  (constant SQL)
    yield from execute(f"UPDATE token SET leased = leased - unspent FROM {freed} WHERE 'token:' || id = scope", unspent)  # noqa: S608  (constant SQL)
    return (
        yield from execute(
            "UPDATE lease SET returned = granted - spent"
            " WHERE id IN (SELECT CAST(value ->> 0 AS bigint) FROM json_array_elements($1))",
            unspent,
        )
    )


def prune(before: datetime) -> Program[int]:
    """Forget closed leases of lives that ended, last written before an instant; say how many."""
    return (
        yield from execute(
            "DELETE FROM lease WHERE at < $1 AND granted - returned - spent = 0"
            " AND epoch < (SELECT n.epoch FROM node n WHERE n.id = lease.node)",
            micros(before),
        )
    )
