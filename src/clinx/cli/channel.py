"""``clinx channel``: what an operator knows of a channel that the gateway cannot know, and what its vendor knows."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from clinx.cli.catalogue import require_channel
from clinx.cli.database import on_database, reporting
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database


def add_parser(commands: Any) -> None:
    """Mount ``clinx channel`` and its verbs."""
    verbs = commands.add_parser("channel").add_subparsers(title="verbs", metavar="VERB", required=True)
    reset = verbs.add_parser("reset", help="say that a channel is good again: its circuits close in every process")
    reset.add_argument("name", metavar="NAME")
    reset.set_defaults(run=on_database(_reset))
    balance = verbs.add_parser("balance", help="ask the vendor what is left on the accounts of a channel's credentials")
    balance.add_argument("name", metavar="NAME")
    balance.set_defaults(run=_balance)


async def _reset(database: Database, args: argparse.Namespace) -> int:
    require_channel(args.name)
    await database.atomically(announce(Topic.CHANNEL, args.name, datetime.now(UTC)))
    print(f"{args.name}: every process is told that its credentials are good again")
    return 0


def _balance(args: argparse.Namespace) -> int:
    from clinx.cli.channel_balance import show_balances  # noqa: PLC0415  (a reset needs nothing of the network)

    return reporting(lambda _: show_balances(args.name))
