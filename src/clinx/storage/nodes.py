"""Nodes: where processes keep their journals, which life each is in, and how far the journal is in the ledger.

Imported by `billing` only. A position is a segment's number and an offset in it, in bytes.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from clinx.domain.ledger import Origin
from clinx.domain.money import Amount
from clinx.storage.codec import clean, instant, micros
from clinx.storage.program import Program, execute, fetch

_HOST = 255

Position = tuple[int, int]


class Node(Struct, frozen=True):
    """A node that was not seen for long."""

    id: str
    epoch: int
    host: str
    seen_at: datetime
    unspent: Amount
    """What its leases still keep of users' accounts."""


def begin(node: str, host: str, now: datetime, at_least: int) -> Program[tuple[Origin, Position]]:
    """Begin a node's next life: its epoch is above every one it had and above ``at_least``.

    Returns what to write under, and how far its journal is in the ledger.
    """
    rows = yield from fetch(
        "INSERT INTO node (id, epoch, host, started_at, seen_at, segment, position) VALUES ($1, $2, $3, $4, $4, 0, 0)"
        " ON CONFLICT (id) DO UPDATE SET host = excluded.host, started_at = excluded.started_at,"
        " seen_at = excluded.seen_at,"
        " epoch = CASE WHEN node.epoch >= excluded.epoch THEN node.epoch + 1 ELSE excluded.epoch END"
        " RETURNING epoch, segment, position",
        node,
        at_least + 1,
        clean(host, _HOST),
        micros(now),
    )
    epoch, segment, offset = rows[0]
    return Origin(node, epoch), (segment, offset)


def advance(life: Origin, start: Position, end: Position) -> Program[bool]:
    """Move a node's position from ``start`` to ``end``.

    False, and nothing changed, when it is not at ``start``, or when ``life`` is not the node's latest: somebody has
    taken over.
    """
    moved = yield from execute(
        "UPDATE node SET segment = $5, position = $6 WHERE id = $1 AND epoch = $2 AND segment = $3 AND position = $4",
        life.node,
        life.epoch,
        *start,
        *end,
    )
    return moved == 1


def position(node: str) -> Program[Position]:
    """Return how far a node's journal is in the ledger; (0, 0) for one that never began."""
    rows = yield from fetch("SELECT segment, position FROM node WHERE id = $1", node)
    return (rows[0][0], rows[0][1]) if rows else (0, 0)


def epoch(node: str) -> Program[int]:
    """Return which life a node is in; 0 when the database does not know it."""
    rows = yield from fetch("SELECT epoch FROM node WHERE id = $1", node)
    return rows[0][0] if rows else 0


def exists(node: str) -> Program[bool]:
    """Say whether a node ever began."""
    return bool((yield from fetch("SELECT 1 FROM node WHERE id = $1", node)))


def seen(node: str, now: datetime) -> Program[None]:
    """Take note that a node lives."""
    yield from execute("UPDATE node SET seen_at = $2 WHERE id = $1", node, micros(now))


def stale(before: datetime) -> Program[list[Node]]:
    """Return the nodes that were last seen before an instant, those unseen for longest first."""
    rows = yield from fetch(
        "SELECT id, epoch, host, seen_at, CAST(COALESCE((SELECT SUM(granted - returned - spent) FROM lease"
        " WHERE lease.node = node.id AND scope LIKE 'user:%'), 0) AS bigint) FROM node WHERE seen_at < $1"
        " ORDER BY seen_at, id",
        micros(before),
    )
    return [Node(id_, epoch, host, instant(at), Amount(unspent)) for id_, epoch, host, at, unspent in rows]
