"""``clinx node``: processes that went silent with money leased."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from clinx.billing import lost_nodes
from clinx.cli.database import on_database, table
from clinx.storage.database import Database


def add_parser(commands: Any) -> None:
    """Mount ``clinx node`` and its verbs."""
    verbs = commands.add_parser("node").add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list every node: when it was seen, what it has leased")
    listing.set_defaults(run=on_database(_list))
    retire = verbs.add_parser("retire", help="return what a lost node has leased: its journal is gone for good")
    retire.add_argument("node", metavar="NODE")
    retire.set_defaults(run=on_database(_retire))


async def _list(database: Database, _: argparse.Namespace) -> int:
    found = await lost_nodes.lost(database, _now(), silent=timedelta())
    rows = [(node.id, node.host, f"{node.seen_at:%Y-%m-%d %H:%M:%S}", str(node.unspent)) for node in found]
    print(table(("NODE", "HOST", "SEEN (UTC)", "LEASED"), rows))
    return 0


async def _retire(database: Database, args: argparse.Namespace) -> int:
    retired = await lost_nodes.retire(database, args.node, _now())
    print(f"retired {retired.node.id}: {retired.leases} leases returned, {retired.node.unspent} of users' money")
    return 0


def _now() -> datetime:
    return datetime.now(UTC)
