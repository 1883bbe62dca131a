"""``clinx promote``: serve a revision that is on trial to all now."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from clinx.cli.actor import actor
from clinx.cli.database import on_database
from clinx.config.choices import to_promote
from clinx.storage import revisions
from clinx.storage.database import Database


def add_parser(commands: Any) -> None:
    """Mount ``clinx promote``."""
    parser = commands.add_parser("promote")
    parser.add_argument("revision", nargs="?", metavar="REVISION", help="first digits do (default: the one on trial)")
    parser.set_defaults(run=on_database(_run))


async def _run(database: Database, args: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    alive = [each for each in await revisions.everywhere(database) if each.is_alive(now)]
    found = to_promote(
        {each.trial.revision for each in alive if each.trial is not None},
        await revisions.rejected(database),
        args.revision,
    )
    await database.atomically(revisions.promote(found, actor(), now))
    print(f"{found}: every process that has it serves it to all")
    return 0
