"""``clinx token``: issue API keys, look at them, revoke them."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from clinx.accounts import tokens, users
from clinx.accounts.tokens import Limits
from clinx.cli.arguments import amount, expiry, names, network
from clinx.cli.catalogue import warn_about
from clinx.cli.database import on_database, table
from clinx.domain.identity import Token
from clinx.storage.database import Database


def add_parser(commands: Any) -> None:
    """Mount ``clinx token`` and its verbs."""
    verbs = commands.add_parser("token").add_subparsers(title="verbs", metavar="VERB", required=True)
    create = verbs.add_parser("create", help="issue a key; its secret is printed once and never again")
    create.add_argument("user", metavar="USER|ID")
    create.add_argument("--name", default="default", help="what people call it (default: default)")
    create.add_argument("--models", type=names, default=frozenset[str](), metavar="A,B", help="only these models")
    create.add_argument("--group", help="channels and prices of this group instead of the user's")
    create.add_argument("--expires", type=expiry, metavar="WHEN", help="30d, 12h, or a date such as 2030-01-31")
    create.add_argument("--budget", type=amount, metavar="AMOUNT", help="the most it may ever spend")
    create.add_argument(
        "--network", type=network, action="append", default=[], metavar="CIDR", help="only from there; repeatable"
    )
    create.set_defaults(run=on_database(_create))

    listing = verbs.add_parser("list", help="list a user's keys")
    listing.add_argument("user", metavar="USER|ID")
    listing.set_defaults(run=on_database(_list))

    show = verbs.add_parser("show", help="show one key and its limits")
    show.add_argument("token", metavar="ID|HINT")
    show.set_defaults(run=on_database(_show))

    revoke = verbs.add_parser("revoke", help="revoke a key at once")
    revoke.add_argument("token", metavar="ID|HINT")
    revoke.set_defaults(run=on_database(_revoke))


async def _create(database: Database, args: argparse.Namespace) -> int:
    user = await users.find(database, args.user)
    at = datetime.now(UTC)
    limits = Limits(
        expires_at=at + args.expires if isinstance(args.expires, timedelta) else args.expires,
        models=args.models,
        group=args.group,
        networks=tuple(args.network),
        budget=args.budget,
    )
    issued = await tokens.issue(database, user, args.name, at=at, limits=limits)
    warn_about(group=args.group, models=args.models)
    print(issued.secret)
    return 0


async def _list(database: Database, args: argparse.Namespace) -> int:
    user = await users.find(database, args.user)
    rows = [
        (str(token.id), token.hint, token.name, token.status, _expiry(token), str(token.spent), _budget(token))
        for token in await tokens.of_user(database, user)
    ]
    print(table(("ID", "HINT", "NAME", "STATUS", "EXPIRES", "SPENT", "BUDGET"), rows))
    return 0


async def _show(database: Database, args: argparse.Namespace) -> int:
    found = await tokens.find(database, args.token)
    token = found.token
    for label, value in (
        ("id", str(token.id)),
        ("hint", token.hint),
        ("name", token.name),
        ("user", found.user.name),
        ("status", token.status),
        ("expires", _expiry(token)),
        ("models", ", ".join(sorted(token.models)) or "all"),
        ("group", token.group or f"{found.user.group} (the user's)"),
        ("networks", ", ".join(map(str, token.networks)) or "any"),
        ("spent", str(token.spent)),
        ("budget", _budget(token)),
    ):
        print(f"{label:<9} {value}")
    return 0


async def _revoke(database: Database, args: argparse.Namespace) -> int:
    found = await tokens.find(database, args.token)
    await tokens.disable(database, found.token, at=datetime.now(UTC))
    print(f"revoked {found.token.hint} (id {found.token.id}) of {found.user.name}")
    return 0


def _expiry(token: Token) -> str:
    return "never" if token.expires_at is None else f"{token.expires_at:%Y-%m-%d %H:%M}"


def _budget(token: Token) -> str:
    return "none" if token.budget is None else str(token.budget)
