"""``clinx migrate``: bring the database to this release's schema, and that of request logs if they have one."""

from __future__ import annotations

import argparse
from typing import Any

from clinx.cli.database import reporting
from clinx.settings import Settings
from clinx.storage.migrate import migrate, pending


def add_parser(commands: Any) -> None:
    """Mount ``clinx migrate``."""
    parser = commands.add_parser("migrate")
    parser.add_argument("--status", action="store_true", help="only say what is missing; exit 1 if anything is")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Migrate, or only look."""
    return reporting(_status if args.status else _migrate)


async def _migrate(url: str) -> int:
    applied = [name for each in _urls(url) for name in await migrate(each)]
    for name in applied:
        print(f"applied {name}")
    if not applied:
        print("nothing to do: the schema is up to date")
    return 0


async def _status(url: str) -> int:
    missing = [name for each in _urls(url) for name in await pending(each)]
    for name in missing:
        print(f"missing {name}")
    if not missing:
        print("the schema is up to date")
    return 1 if missing else 0


def _urls(url: str) -> list[str]:
    return [each for each in (url, Settings().log_database_url) if each]
