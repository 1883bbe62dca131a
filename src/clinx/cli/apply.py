"""``clinx apply``: every process looks at its tree now; wait until all serve this one, or say why not."""

from __future__ import annotations

import argparse
import asyncio
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Final

from clinx.cli.database import on_database
from clinx.config.quantities import read_duration
from clinx.config.tree import default_tree, read_tree
from clinx.domain.revision import Served
from clinx.settings import Settings
from clinx.storage import revisions
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database

_LOOK_SECONDS: Final = 0.2


def add_parser(commands: Any) -> None:
    """Mount ``clinx apply``."""
    parser = commands.add_parser("apply")
    parser.add_argument("--wait", action="store_true", help="until all serve the tree in CLINX_ROOT; exit 1 if not")
    parser.add_argument("--timeout", default="60s", type=_duration, metavar="TIME", help="longest wait (default: 60s)")
    parser.set_defaults(run=on_database(_run))


def _duration(text: str) -> float:
    try:
        return read_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


class Progress(Enum):
    """How far a process is."""

    DONE = auto()
    WAITING = auto()
    """It may still come: it has not looked, or its own tree is not this one yet."""
    FAILED = auto()


async def _run(database: Database, args: argparse.Namespace) -> int:
    wanted = read_tree(Settings().root, default_tree()).id
    asked = uuid.uuid4().hex
    await database.atomically(announce(Topic.RELOAD, asked, datetime.now(UTC)))
    if not args.wait:
        print(f"revision {wanted}: every process is asked to look; `clinx status` shows what came of it")
        return 0
    deadline = time.monotonic() + args.timeout
    while True:
        alive = [each for each in await revisions.everywhere(database) if each.is_alive(datetime.now(UTC))]
        states = {progress(each, wanted, asked) for each in alive}
        if Progress.WAITING not in states or time.monotonic() > deadline:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    print("\n".join(report(alive, wanted, asked)) or "no process serves")
    return 0 if states == {Progress.DONE} else 1


def progress(served: Served, wanted: str, asked: str) -> Progress:
    """Say how far a process is with serving a revision, since it was asked to look."""
    on_trial = served.trial is not None and served.trial.revision == wanted
    if on_trial or (served.ok and served.revision == wanted):
        return Progress.DONE
    if served.answered != asked or served.tree != wanted:
        return Progress.WAITING
    return Progress.FAILED


def report(alive: Sequence[Served], wanted: str, asked: str) -> list[str]:
    """Say of every process what it serves, or why not."""
    lines: list[str] = []
    for each in alive:
        who = f"{each.host} {each.node}"
        match progress(each, wanted, asked):
            case Progress.DONE if each.revision != wanted and each.trial is not None:
                lines.append(f"{who}: tries {wanted} on {each.trial.share} until {each.trial.until:%H:%M:%S} UTC")
            case Progress.DONE:
                lines.append(f"{who}: serves {wanted}")
            case Progress.WAITING if each.answered != asked:
                lines.append(f"{who}: serves {each.revision}, has not answered")
            case Progress.WAITING:
                lines.append(f"{who}: serves {each.revision}, its own tree is {each.tree}")
            case Progress.FAILED:
                lines.append(f"{who}: serves {each.revision}, refuses {wanted}:")
                lines += [f"  {reason}" for reason in (*each.diagnostics, each.error) if reason]
    return lines
