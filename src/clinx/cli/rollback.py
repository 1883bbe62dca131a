"""``clinx rollback``: serve an earlier revision in the place of the tree on disk, until that changes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from clinx.cli.actor import actor
from clinx.cli.database import on_database, table
from clinx.config.choices import ChoiceError, before, to_go_back_to
from clinx.config.last_good import Kept, LastGood
from clinx.config.tree import default_tree, read_tree
from clinx.domain.revision import Rejection
from clinx.settings import Settings
from clinx.storage import revisions
from clinx.storage.database import Database


def add_parser(commands: Any) -> None:
    """Mount ``clinx rollback``."""
    parser = commands.add_parser("rollback")
    parser.add_argument("revision", nargs="?", metavar="REVISION", help="first digits do (default: the one before)")
    parser.add_argument("--reason", metavar="TEXT", help="why; required, kept and shown")
    parser.add_argument("--list", action="store_true", help="show the history of this machine instead")
    parser.add_argument("--off", action="store_true", help="serve the tree on disk again")
    parser.set_defaults(run=on_database(_run))


async def _run(database: Database, args: argparse.Namespace) -> int:
    history = LastGood(Settings().state_dir).history()
    if args.list:
        return _list(history)
    if args.off:
        return await _off(database)
    if not args.reason:
        raise ValueError("--reason must say why")
    rejections = await revisions.rejected(database)
    on_disk = read_tree(Settings().root, default_tree()).id
    served = rejections[on_disk].instead if on_disk in rejections else on_disk
    try:
        wish = args.revision
        target = to_go_back_to(history, wish) if wish else before(history, served, {on_disk, *rejections})
    except ChoiceError as error:
        raise ValueError(f"{error}; see `clinx rollback --list`") from None
    if target == on_disk:
        raise ValueError(f"{target} is the tree on disk; `clinx rollback --off` serves it again")
    rejection = Rejection(on_disk, target, args.reason, actor(), datetime.now(UTC))
    await database.atomically(revisions.reject(rejection))
    print(f"{target} is served in the place of {on_disk}, until the tree changes or `clinx rollback --off`")
    return 0


def _list(history: Sequence[Kept]) -> int:
    rows = [(each.revision, (each.commit or "-")[:12], f"{each.served_at:%Y-%m-%d %H:%M:%S}") for each in history]
    print(table(("REVISION", "COMMIT", "SERVED FROM (UTC)"), rows))
    return 0


async def _off(database: Database) -> int:
    lifted = await database.atomically(revisions.lift(None, actor(), datetime.now(UTC)))
    if not lifted:
        raise ValueError("no revision is rejected: the tree on disk is what is served")
    print(f"{', '.join(lifted)}: may be served again")
    return 0
