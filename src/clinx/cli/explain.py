"""``clinx explain``: why a call went there and cost that, what would become of another, where a value comes from."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import structs
from multidict import CIMultiDict

from clinx.accounts import users as accounts
from clinx.accounts.failures import AccountError
from clinx.cli import explain_origin
from clinx.cli.database import opened_as_is, opened_logs, why_unread, with_cause
from clinx.cli.trees import NoTreeError, Source, own
from clinx.config.diagnostics import ConfigError, did_you_mean, render
from clinx.config.provenance import credentials, is_path, origin
from clinx.config.snapshot import Snapshot
from clinx.dialects.body import JsonBody
from clinx.domain.identity import Token, User
from clinx.domain.operation import Operation
from clinx.domain.override import Override
from clinx.domain.request_log import RequestLog
from clinx.domain.usage import Unit, Usage
from clinx.errors import GatewayError
from clinx.relay.inquiries import again, case_story, log_story
from clinx.relay.rehearsal import NO_TOKEN, NOBODY, Case, rehearse
from clinx.routing.overrides import laid_over
from clinx.settings import Settings
from clinx.storage import overrides, request_logs, tokens, users
from clinx.storage.failures import StorageRefused

Explained = tuple[str, Any]
"""The same for people and for programs."""


def add_parser(commands: Any) -> None:
    """Mount ``clinx explain``."""
    parser = commands.add_parser("explain")
    parser.add_argument("what", nargs="?", help="a request's id, or a path such as channels.main.weight")
    parser.add_argument("--model", help="a call that nobody has sent: the model it asks for")
    parser.add_argument("--user", metavar="NAME|ID", help="who sends it")
    parser.add_argument("--group", help="the group it is served in; the user's, or default")
    parser.add_argument("--operation", default="chat", help="what it asks for: chat, embed, …")
    parser.add_argument("--dialect", help="the wire format it is in")
    parser.add_argument("--stream", action="store_true", help="it asks for a stream")
    parser.add_argument("--body", type=Path, metavar="FILE", help="its body, as JSON")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="one of its headers")
    parser.add_argument("--address", help="where it comes from")
    parser.add_argument("--at", type=instant, metavar="INSTANT", help="when; now if absent")
    parser.add_argument("--usage", type=usage, default=Usage(call=1), help="what it uses: input=1000,output=200")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="the tree (CLINX_ROOT)")
    parser.add_argument("--database", metavar="URL", help="where calls are logged (CLINX_DATABASE_URL)")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print it")
    parser.set_defaults(run=run)


def instant(text: str) -> datetime:
    """Read ``2026-01-31T09:30+01:00``; in UTC when it names no zone."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not an instant such as 2026-01-31T09:30: {text!r}") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def usage(text: str) -> Usage:
    """Read ``input=1000,output=200``; one call of it."""
    counts: dict[str, int] = {Unit.CALL: 1}
    for part in text.split(","):
        name, _, count = part.strip().partition("=")
        if name not in set(Unit) or not count.isdecimal():
            hint = did_you_mean(name, Unit) or f"known are {', '.join(Unit)}"
            raise argparse.ArgumentTypeError(f"not a count such as input=1000: {part!r}; {hint}")
        counts[name] = int(count)
    return structs.replace(Usage(), **counts)


def run(args: argparse.Namespace) -> int:
    """Print one explanation."""
    if (args.what is None) is (args.model is None):
        return _complain("name a request, a path such as channels.main.weight, or a --model", 2)
    try:
        text, plain = asyncio.run(_explained(args))
    except ConfigError as error:
        print(render(error.diagnostics, "text"))
        return _complain("the tree does not compile")
    except GatewayError as error:
        return _complain(with_cause(error))
    except (AccountError, StorageRefused, OSError, ValueError, OverflowError) as error:
        return _complain(str(error))
    print(text if args.format == "text" else json.dumps(plain, indent=2, ensure_ascii=False))
    return 0


async def _explained(args: argparse.Namespace) -> Explained:
    if args.model is not None:
        return await _case(args)
    return await (_origin(args) if is_path(args.what) else _log(args))


async def _log(args: argparse.Namespace) -> Explained:
    database = await opened_as_is(_url(args))
    try:
        log = await request_logs.find(database, args.what)
        if log is None:  # It is somewhere else before it leaves here.
            async with opened_logs(database, args.database) as logs:
                log = await request_logs.find(logs, args.what)
        if log is None:
            raise ValueError(f"no log of {args.what}: one is written when a call is over, and kept for a while")
        user = await users.get(database, log.user_id) if log.user_id is not None else None
        owned = await tokens.get(database, log.token_id) if log.token_id is not None else None
        active = await overrides.active(database, datetime.now(UTC))
    finally:
        await database.close()
    text, plain = _again(args.root, log, user, owned.token if owned is not None else None, active)
    return f"{log_story.as_text(log, user)}\n{text}".rstrip("\n"), {**log_story.as_json(log, user), "now": plain}


def _tree_of(log: RequestLog, root: Path | None) -> Source:
    """Return the tree on disk; the shipped example only if that is what the call was served by."""
    source = own(root)
    if source.tree.is_builtin and log.revision != source.tree.id:
        raise NoTreeError(f"no tree in {root or Settings().root}")
    return source


def _again(
    root: Path | None, log: RequestLog, user: User | None, token: Token | None, active: Sequence[Override]
) -> Explained:
    """Tell what would become of the call now; where there is no tree to ask, why that is not told."""
    try:
        source = _tree_of(log, root)
    except (NoTreeError, ConfigError) as error:
        why = "the tree does not compile" if isinstance(error, ConfigError) else str(error)
        return f"\nWhat would become of it now is not known: {why}", None
    found, revision = again.again(_overridden(source.snapshot, active), log, user, token), source.tree.id
    if found is None:
        return "", None
    over = case_story.Over(active)
    return again.as_text(found, log, revision, over), again.as_json(found, log, revision, over)


async def _origin(args: argparse.Namespace) -> Explained:
    source = own(args.root)
    active, unread = await _overrides(args) if args.what.startswith("channels.") else ((), None)
    found = origin(source.tree, source.snapshot, args.what, active)
    keys = _keys(source.snapshot, args.what)
    return explain_origin.as_text(found, keys, unread), explain_origin.as_json(found, keys, unread)


async def _overrides(args: argparse.Namespace) -> tuple[Sequence[Override], str | None]:
    """Return what is overridden now; where no database was named and none is there, why that is not known."""
    try:
        database = await opened_as_is(_url(args))
    except (GatewayError, ValueError) as error:
        if args.database is not None:
            raise
        return (), why_unread(error)
    try:
        return await overrides.active(database, datetime.now(UTC)), None
    finally:
        await database.close()


def _overridden(snapshot: Snapshot, active: Sequence[Override]) -> Snapshot:
    """Lay what is overridden over the routes, as a process that serves does."""
    return replace(snapshot, routes=laid_over(active, snapshot.routes, snapshot.channels))


def _keys(snapshot: Snapshot, path: str) -> list[tuple[str, str]]:
    name = path.removeprefix("channels.").removesuffix(".credentials")
    return list(credentials(snapshot, name)) if path == f"channels.{name}.credentials" else []


async def _case(args: argparse.Namespace) -> Explained:
    snapshot = own(args.root).snapshot
    operation = _operation(snapshot, args.operation)
    user = await _user(args)
    case = Case(
        model=args.model,
        user=user,
        token=replace(NO_TOKEN, group=args.group),
        operation=operation,
        dialect=_dialect(snapshot, operation, args.dialect),
        stream=args.stream,
        body=_body(args),
        headers=CIMultiDict(_header(each) for each in args.header),
        address=args.address,
        at=args.at or datetime.now(UTC),
    )
    over = case_story.Over(*await _overrides(args))
    found = rehearse(_overridden(snapshot, over.active), case)
    return case_story.as_text(found, args.usage, over), case_story.as_json(found, args.usage, over)


def _operation(snapshot: Snapshot, name: str) -> Operation:
    known = {endpoint.operation.value for endpoint in snapshot.endpoints}
    if name not in known:
        raise ValueError(f"nobody can ask for {name!r}; {did_you_mean(name, known) or ', '.join(sorted(known))}")
    return Operation(name)


def _dialect(snapshot: Snapshot, operation: Operation, name: str | None) -> str:
    known = list(dict.fromkeys(each.dialect for each in snapshot.endpoints if each.operation is operation))
    if name is not None and name not in known:
        raise ValueError(f"no {operation} in {name!r}; {did_you_mean(name, known) or ', '.join(known)}")
    return name or known[0]


async def _user(args: argparse.Namespace) -> User:
    if args.user is None:
        return NOBODY
    database = await opened_as_is(_url(args))
    try:
        return await accounts.find(database, args.user)
    finally:
        await database.close()


def _body(args: argparse.Namespace) -> JsonBody:
    path: Path | None = args.body
    try:
        sent = path.read_bytes() if path is not None else b"{}"
    except OSError as error:
        raise ValueError(f"--body {path}: {error.strerror}") from error
    members = JsonBody.parse(sent)
    wished = {"model": json.dumps(args.model).encode(), **({"stream": b"true"} if args.stream else {})}
    return JsonBody.parse(members.patched({name: value for name, value in wished.items() if members.raw(name) is None}))


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"not a header such as 'X-Session-Id: 7': {text!r}")
    return name.strip(), value.strip()


def _url(args: argparse.Namespace) -> str:
    return args.database or Settings().database


def _complain(message: str, code: int = 1) -> int:
    print(f"clinx explain: {message}", file=sys.stderr)
    return code
