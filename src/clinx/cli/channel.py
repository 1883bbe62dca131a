"""``clinx channel``: what an operator knows of a channel that the gateway cannot know."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from clinx.cli.catalogue import require_channel
from clinx.cli.database import on_database
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database


def add_parser(commands: Any) -> None:
    """Mount ``clinx channel`` and its verbs."""
    verbs = commands.add_parser("channel").add_subparsers(title="verbs", metavar="VERB", required=True)
    reset = verbs.add_parser("reset", help="say that a channel is good again: its circuits close in every process")
    reset.add_argument("name", metavar="NAME")
    reset.set_defaults(run=on_database(_reset))


async def _reset(database: Database, args: argparse.Namespace) -> int:
    require_channel(args.name)
    await database.atomically(announce(Topic.CHANNEL, args.name, datetime.now(UTC)))
    print(f"{args.name}: every process is told that its credentials are good again")
    return 0
