"""``clinx plan``: what it would mean to serve the tree on disk. Effects, not text; with logged traffic if asked."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clinx.cli.arguments import span
from clinx.cli.database import opened_as_is, opened_logs, why_unread, with_cause
from clinx.cli.plan_bounds import Bound, bound
from clinx.cli.plan_report import as_json, as_markdown, as_text
from clinx.cli.trees import NoTreeError, Source, earlier, folder_of, own
from clinx.config.diagnostics import ConfigError, render
from clinx.config.effects import Served, compare
from clinx.errors import GatewayError
from clinx.relay.inquiries.plan_sections import Outcome, Side
from clinx.relay.inquiries.traffic import replayed, with_tokens
from clinx.relay.trials import verify
from clinx.settings import Settings
from clinx.storage.failures import StorageRefused


def add_parser(commands: Any) -> None:
    """Mount ``clinx plan``."""
    parser = commands.add_parser("plan")
    parser.add_argument("path", nargs="?", type=Path, help="folder of the tree, or its gateway.yaml (CLINX_ROOT)")
    parser.add_argument("--against", metavar="TREE", help="a folder, a revision served here, or a commit of git's")
    parser.add_argument("--format", choices=["text", "json", "markdown"], default="text", help="how to print the plan")
    parser.add_argument("--deny", metavar="BOUND", action="append", default=[], help="such as 'price_change > 20%%'")
    parser.add_argument("--replay", metavar="SPAN", help="run the logged traffic of 7d, 12h, … through the tree")
    parser.add_argument("--database", metavar="URL", help="whose tokens and traffic (CLINX_DATABASE_URL)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the plan; 0: nothing would change, 2: something would, 1: it cannot be, or is denied."""
    after: Source | None = None
    try:
        bounds, length = _wishes(args)
        after = _candidate(args.path)
        before = earlier(folder_of(args.path), args.against)
        outcome = asyncio.run(_planned(args, before, after, length))
    except ConfigError as error:
        print(render(error.diagnostics, "text"))
        which = "the tree on disk" if after is None else "the tree that it is compared with"
        return _complain(f"{which} cannot be served")
    except GatewayError as error:
        return _complain(with_cause(error))
    except (NoTreeError, argparse.ArgumentTypeError, StorageRefused, ValueError, OverflowError) as error:
        return _complain(str(error))
    broken = tuple(said for each in bounds if (said := each.broken(outcome)) is not None)
    outcome = replace(outcome, denied=broken)
    print(_written(outcome, args.format))
    return 1 if broken else 0 if outcome.is_empty else 2


def _candidate(path: Path | None) -> Source:
    """Return the tree on disk, if it could be served.

    Raises:
        ConfigError: it does not compile, or its tests fail.
    """
    source = own(path)
    if failed := verify(source.snapshot, source.tree):
        raise ConfigError(failed)
    return source


def _wishes(args: argparse.Namespace) -> tuple[list[Bound], timedelta | None]:
    bounds = [bound(text) for text in args.deny]
    length = span(args.replay) if args.replay is not None else None
    for each in bounds:
        if each.measure.needs_replay and length is None:
            raise NoTreeError(f"{each.name} is known of traffic: add --replay 7d")
    return bounds, length


def _written(outcome: Outcome, style: str) -> str:
    match style:
        case "json":
            return json.dumps(as_json(outcome), indent=2, ensure_ascii=False)
        case "markdown":
            return as_markdown(outcome)
        case _:
            return as_text(outcome)


async def _planned(args: argparse.Namespace, before: Source, after: Source, length: timedelta | None) -> Outcome:
    effects = compare(Served(before.tree, before.snapshot), Served(after.tree, after.snapshot))
    outcome = Outcome(_side(before), _side(after), effects, span=args.replay or "")
    url = args.database or Settings().database
    try:
        database = await opened_as_is(url)
    except (GatewayError, ValueError) as error:
        if length is not None or args.database is not None:
            raise
        return replace(outcome, unread=why_unread(error))
    try:
        sides = Served(before.tree, before.snapshot), Served(after.tree, after.snapshot)
        outcome = await with_tokens(outcome, database, *sides)
        if length is None:
            return outcome
        until = datetime.now(UTC)
        async with opened_logs(database, args.database) as logs:
            replay, _, _ = await replayed(database, logs, sides[1], since=until - length, until=until)
        return replace(outcome, replayed=replay.report())
    finally:
        await database.close()


def _side(source: Source) -> Side:
    return Side(source.name, source.snapshot.revision.id)


def _complain(message: str) -> int:
    print(f"clinx plan: {message}", file=sys.stderr)
    return 1
