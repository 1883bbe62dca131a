"""``clinx promote``: serve a revision that is on trial to all now."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from clinx.cli.actor import actor
from clinx.cli.database import on_database
from clinx.storage import revisions
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database
from clinx.storage.program import Program


def add_parser(commands: Any) -> None:
    """Mount ``clinx promote``."""
    parser = commands.add_parser("promote")
    parser.add_argument("revision", nargs="?", metavar="REVISION", help="first digits do (default: the one on trial)")
    parser.set_defaults(run=on_database(_run))


async def _run(database: Database, args: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    alive = [each for each in await revisions.everywhere(database) if each.is_alive(now)]
    found = _one(
        {each.trial.revision for each in alive if each.trial is not None},
        await revisions.rejected(database),
        args.revision,
    )
    await database.atomically(_promote(found, now))
    print(f"{found}: every process that has it serves it to all")
    return 0


def _one(tried: Collection[str], rejected: Collection[str], wish: str | None) -> str:
    """Return the revision that is meant: the one on trial, or of those that were rejected, too, the one that is named.

    Raises:
        ValueError: it is none, or not clear which.
    """
    known = sorted({*tried, *rejected}) if wish else sorted(tried)
    found = [each for each in known if each.startswith(wish or "")]
    if len(found) > 1:
        raise ValueError(f"say which: {', '.join(found)}")
    if not found and wish:
        raise ValueError(f"no revision {wish} is on trial or rejected")
    if not found:
        named = f"; name one that was rejected to serve it after all: {', '.join(rejected)}" if rejected else ""
        raise ValueError(f"no revision is on trial{named}")
    return found[0]


def _promote(revision: str, now: datetime) -> Program[None]:
    yield from announce(Topic.PROMOTE, revision, now)
    yield from revisions.lift(revision, actor(), now)
