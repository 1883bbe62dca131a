"""``clinx override``: say of a channel for a while what the tree does not say."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clinx.cli.actor import actor
from clinx.cli.arguments import expiry
from clinx.cli.catalogue import require_channel
from clinx.cli.database import on_database, table
from clinx.domain.override import BOUNDS, LONGEST, Aspect, Override, may_end
from clinx.storage import overrides
from clinx.storage.database import Database

_SHOWN: Final = 50
_PATH: Final = re.compile(r"channels\.(.+)\.(disabled|weight|priority)")
_BOOLEANS: Final = {"true": 1, "false": 0}


def add_parser(commands: Any) -> None:
    """Mount ``clinx override`` and its verbs."""
    verbs = commands.add_parser("override").add_subparsers(title="verbs", metavar="VERB", required=True)
    put = verbs.add_parser("set", help="override one thing of a channel, in every process, until it ends")
    put.add_argument("path", type=path, metavar="channels.NAME.{disabled,weight,priority}")
    put.add_argument("value", metavar="VALUE", help="true, false, or a whole number")
    put.add_argument("--reason", required=True, metavar="TEXT", help="why; kept, logged and shown")
    put.add_argument("--for", required=True, type=end, dest="end", metavar="WHEN", help="2h, 1d, a date; at most 7d")
    put.add_argument("--actor", metavar="NAME", help="who does it (default: the user of the operating system)")
    put.set_defaults(run=on_database(_set))

    listing = verbs.add_parser("list", help="list the overrides in force")
    listing.add_argument("--all", action="store_true", help="the latest, also those that are over")
    listing.set_defaults(run=on_database(_list))

    drop = verbs.add_parser("drop", help="end an override now")
    drop.add_argument("id", type=int, metavar="ID")
    drop.add_argument("--actor", metavar="NAME", help="who does it (default: the user of the operating system)")
    drop.set_defaults(run=on_database(_drop))


def path(text: str) -> tuple[str, Aspect]:
    """Read ``channels.NAME.weight``."""
    found = _PATH.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected channels.NAME.disabled, .weight or .priority, not {text!r}")
    return found[1], Aspect(found[2])


def end(text: str) -> datetime | timedelta:
    """Read when an override ends: none lasts a month."""
    return expiry(text, such_as="30m or 2h")


async def _set(database: Database, args: argparse.Namespace) -> int:
    channel, aspect = args.path
    require_channel(channel)
    now = datetime.now(UTC)
    until = now + args.end if isinstance(args.end, timedelta) else args.end
    if not args.reason.strip():
        raise ValueError("--reason must say why")
    if not may_end(until, now):
        raise ValueError(f"an override lasts at most {LONGEST.days} days: what shall last longer belongs in the tree")
    wish = Override(channel, aspect, _value(aspect, args.value), args.reason, args.actor or actor(), now, until)
    override = await database.atomically(overrides.put(wish))
    print(f"override {override.id}: {override.shown} until {override.until:%Y-%m-%d %H:%M:%S} UTC")
    return 0


def _value(aspect: Aspect, text: str) -> int:
    if aspect is Aspect.DISABLED:
        if text not in _BOOLEANS:
            raise ValueError(f"expected true or false, not {text!r}")
        return _BOOLEANS[text]
    low, high = BOUNDS[aspect]
    if not re.fullmatch(r"[+-]?[0-9]{1,7}", text) or not low <= int(text) <= high:
        raise ValueError(f"expected a whole number from {low} to {high}, not {text!r}")
    return int(text)


async def _list(database: Database, args: argparse.Namespace) -> int:
    if args.all:
        rows = [
            (*_row(each), "" if dropped is None else f"{dropped:%Y-%m-%d %H:%M:%S} by {by}")
            for each, dropped, by in await overrides.latest(database, limit=_SHOWN)
        ]
        print(table(("ID", "OVERRIDE", "UNTIL (UTC)", "ACTOR", "REASON", "DROPPED"), rows))
        return 0
    active = await overrides.active(database, datetime.now(UTC))
    print(table(("ID", "OVERRIDE", "UNTIL (UTC)", "ACTOR", "REASON"), [_row(each) for each in active]))
    return 0


def _row(override: Override) -> tuple[str, ...]:
    until = f"{override.until:%Y-%m-%d %H:%M:%S}"
    return (str(override.id), override.shown, until, override.actor, override.reason)


async def _drop(database: Database, args: argparse.Namespace) -> int:
    override = await database.atomically(overrides.drop(args.id, args.actor or actor(), datetime.now(UTC)))
    if override is None:
        raise ValueError(f"no override {args.id} is in force; `clinx override list` shows those that are")
    print(f"dropped override {override.id}: {override.shown}")
    return 0
