"""Nodes that no longer say that they live, and giving one up: a person's decision (docs/adr/0016)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clinx.storage import leases, nodes
from clinx.storage.database import Database
from clinx.storage.nodes import Node
from clinx.storage.program import Program

LOST: Final = timedelta(minutes=15)
"""How long a node is silent before it counts as lost."""


class NodeNotLost(ValueError):
    """The node is not known, or it said a moment ago that it lives: nothing changed."""


@dataclass(frozen=True, slots=True)
class Retired:
    """A node that was given up."""

    node: Node
    leases: int
    """How many of its leases were returned to their accounts."""


async def lost(database: Database, now: datetime, *, silent: timedelta = LOST) -> list[Node]:
    """Return the nodes that were silent for so long, those unseen for longest first.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    return await database.atomically(nodes.stale(now - silent))


async def retire(database: Database, node_id: str, now: datetime) -> Retired:
    """Return what a lost node has leased to its accounts: what it spent and never wrote to the ledger is given up.

    If its journal turns up after all, what is in it is still charged, out of the balance alone.

    Raises:
        NodeNotLost: there is no such node, or it was seen within `LOST`.
        StorageUnavailable: the database cannot be written now.
    """
    return await database.atomically(_retire(node_id, now))


def _retire(node_id: str, now: datetime) -> Program[Retired]:
    found = {node.id: node for node in (yield from nodes.stale(now - LOST))}
    if node_id not in found:
        raise NodeNotLost(f"{node_id!r} is no node that was silent for {LOST.total_seconds() / 60:g} minutes")
    node = found[node_id]
    closed = yield from leases.close_epochs(node.id, node.epoch + 1)
    return Retired(node, closed)
