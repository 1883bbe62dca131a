"""``clinx status``: what every process serves, how its last look at the tree ended, what is overridden."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import msgspec

from clinx.cli.database import on_database, table
from clinx.domain.figures import printable
from clinx.domain.override import Override
from clinx.domain.revision import Rejection, Served
from clinx.storage import overrides, revisions
from clinx.storage.database import Database

_SECONDS: Final = 10.0
"""Longest that a gateway may take to answer."""


def add_parser(commands: Any) -> None:
    """Mount ``clinx status``."""
    parser = commands.add_parser("status")
    parser.add_argument("--url", metavar="URL", help="a gateway to ask for its channels; CLINX_OPS_TOKEN from afar")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print it")
    parser.set_defaults(run=on_database(_run))


@dataclass(frozen=True, slots=True)
class Status:
    """What is known at one moment."""

    now: datetime
    processes: Sequence[Served]
    rejections: Mapping[str, Rejection]
    overrides: Sequence[Override]
    channels: Sequence[Mapping[str, Any]] | None
    """None when no gateway was asked."""
    answered: str = ""
    """The process that told of its channels: others that share its port may know otherwise."""


async def _run(database: Database, args: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    answered, channels = ("", None) if args.url is None else await _channels(args.url)
    status = Status(
        now,
        await revisions.everywhere(database),
        await revisions.rejected(database),
        await overrides.active(database, now),
        channels,
        answered,
    )
    print(json.dumps(_as_json(status), indent=2) if args.format == "json" else as_text(status))
    return 0


async def _channels(url: str) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Ask a gateway; return the process that answered, and what it said.

    Raises:
        ValueError: it does not answer, or not to us.
    """
    token = os.environ.get("CLINX_OPS_TOKEN", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    where = f"{url.rstrip('/')}/-/channels"
    try:
        timeout = aiohttp.ClientTimeout(_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(where, headers=headers) as response:
            text = await response.text()
            if response.status != 200:  # noqa: PLR2004  (OK)
                raise ValueError(f"{where} answered {response.status}: {text.strip()[:200]}")
            said = json.loads(text)
            return said.get("node", ""), said["channels"]
    except (aiohttp.ClientError, TimeoutError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{where} cannot be asked: {type(error).__name__} {error}".rstrip()) from error


def as_text(status: Status) -> str:
    """Lay it out for people."""
    alive = [each for each in status.processes if each.is_alive(status.now)]
    parts = [_processes(alive, status.now)]
    silent = [each for each in status.processes if not each.is_alive(status.now)]
    parts += [f"{each.host} {each.node}: silent since {_at(each.seen_at)}" for each in silent]
    parts += [part for each in alive for part in _reasons(each)]
    parts += [
        f"rejected: {each.revision} ({each.reason}), by {each.actor} at {_at(each.at)}; {each.instead} in its place"
        for each in status.rejections.values()
    ]
    parts += [
        f"override {each.id}: {each.shown} until {_at(each.until)}, by {each.actor}: {each.reason}"
        for each in status.overrides
    ]
    lines = [parts[0], *map(printable, parts[1:])]
    if status.channels is not None:
        lines += [f"channels as {printable(status.answered)} sees them:"] if status.answered else []
        lines.append(_ways(status.channels))
    return "\n".join(lines)


def _processes(alive: Sequence[Served], now: datetime) -> str:
    if not alive:
        return "no process serves"
    rows = [
        (
            each.host,
            each.node,
            each.url,
            each.revision,
            (each.commit or "-")[:12],
            _at(each.since),
            "ok" if each.ok else "FAILED",
            f"{(now - each.seen_at).total_seconds():.0f}s ago",
        )
        for each in alive
    ]
    return table(("HOST", "NODE", "URL", "REVISION", "COMMIT", "SINCE (UTC)", "LAST LOOK", "SEEN"), rows)


def _reasons(served: Served) -> list[str]:
    lines: list[str] = []
    if (trial := served.trial) is not None:
        figures = f"{trial.failures} of {trial.calls} calls failed, before it {trial.old_failures} of {trial.old_calls}"
        lines.append(f"{served.node}: tries {trial.revision} on {trial.share} until {_at(trial.until)}: {figures}")
    if not served.ok:
        lines += [f"{served.node}: {served.tree}: {each}" for each in (*served.diagnostics, served.error) if each]
    return lines


def _ways(channels: Sequence[Mapping[str, Any]]) -> str:
    rows: list[tuple[str, ...]] = []
    for channel in channels:
        said = ", ".join(each["set"].rpartition(".")[2] for each in channel["overrides"]) or "-"
        ways: list[dict[str, Any]] = channel["ways"] or [{}]
        rows += [_way(channel["name"], said, way) for way in ways]
    return table(("CHANNEL", "OVERRIDES", "CREDENTIAL", "MODEL", "STATE", "CAUSE", "IN FLIGHT"), rows)


def _way(channel: str, said: str, way: Mapping[str, Any]) -> tuple[str, ...]:
    """Lay out one way upstream; a channel that was not used has none yet."""
    facts = [str(way.get(key) or "-") for key in ("credential", "model")]
    state = way.get("state", "unused") + ("" if way.get("is_current", True) else " (of another tree)")
    if seconds := way.get("next_look_seconds"):
        state += f", next look in {seconds:.0f}s"
    return (channel, said, *facts, state, way.get("cause") or "-", str(way.get("in_flight", 0)))


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"


def _as_json(status: Status) -> dict[str, Any]:
    return {
        "at": status.now.isoformat(),
        "processes": [{**msgspec.to_builtins(each), "alive": each.is_alive(status.now)} for each in status.processes],
        "rejections": [msgspec.to_builtins(each) for each in status.rejections.values()],
        "overrides": [{**msgspec.to_builtins(each), "set": each.shown} for each in status.overrides],
        "channels": status.channels,
        "answered": status.answered or None,
    }
