"""``clinx user``: the account verbs an operator needs before there is a console."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from clinx.accounts import password_changes, tokens, users
from clinx.accounts.passwords import Passwords
from clinx.billing import refunds, statement, topup
from clinx.cli.actor import cause
from clinx.cli.arguments import amount
from clinx.cli.catalogue import warn_about
from clinx.cli.database import on_database, table
from clinx.domain.identity import Role, Status, User
from clinx.domain.money import ZERO, Amount
from clinx.storage.database import Database
from clinx.storage.statements import SpendBy

_SHOWN = 10


def add_parser(commands: Any) -> None:
    """Mount ``clinx user`` and its verbs."""
    verbs = commands.add_parser("user").add_subparsers(title="verbs", metavar="VERB", required=True)
    create = verbs.add_parser("create", help="create a user")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--group", default="default", help="group of the tree: channels and prices (default: default)")
    create.add_argument("--role", type=Role, choices=list(Role), default=Role.USER)
    create.add_argument("--credit", type=amount, default=ZERO, metavar="AMOUNT", help="start with this much, e.g. 5.00")
    create.set_defaults(run=on_database(_create, create=True))

    listing = verbs.add_parser("list", help="list users and balances")
    listing.set_defaults(run=on_database(_list))

    show = verbs.add_parser(
        "show", help="show a user: balance, spend of this month, tokens, open holds, latest ledger entries"
    )
    show.add_argument("name", metavar="NAME|ID")
    show.set_defaults(run=on_database(_show))

    credit = verbs.add_parser("credit", help="add to a balance, or take from it with a negative amount")
    credit.add_argument("name", metavar="NAME|ID")
    credit.add_argument("amount", type=amount, metavar="AMOUNT")
    credit.add_argument("--reason", required=True, metavar="TEXT", help="why, for the ledger")
    credit.add_argument("--key", metavar="KEY", help="an id of your own: the same command with it counts once")
    credit.set_defaults(run=on_database(_credit))

    refund = verbs.add_parser("refund", help="give back a charge, in part or what is left of it")
    refund.add_argument("event", metavar="EVENT", help="as `clinx user show` lists it: settle:REQUEST")
    refund.add_argument("--amount", type=amount, metavar="AMOUNT", help="a part; default: what is left of the charge")
    refund.add_argument("--reason", required=True, metavar="TEXT", help="why, for the ledger")
    refund.add_argument("--key", metavar="KEY", help="an id of your own: the same command with it counts once")
    refund.set_defaults(run=on_database(_refund))

    password = verbs.add_parser("password", help="give a user a new password for the console; their sessions end")
    password.add_argument("name", metavar="NAME|ID")
    password.add_argument(
        "--stdin", action="store_true", help="read it from standard input; default: draw one and print it"
    )
    password.set_defaults(run=on_database(_password))

    change = verbs.add_parser("set", help="change a user's group, role or status")
    change.add_argument("name", metavar="NAME|ID")
    change.add_argument("--group")
    change.add_argument("--role", type=Role, choices=list(Role))
    change.add_argument("--status", type=Status, choices=list(Status))
    change.set_defaults(run=on_database(_set))


async def _create(database: Database, args: argparse.Namespace) -> int:
    if args.credit < ZERO:
        raise ValueError("a credit is not negative")
    user = await users.create(database, args.name, at=_now(), role=args.role, group=args.group)
    warn_about(group=args.group)
    if args.credit:
        await topup.grant(database, user, args.credit, cause("initial credit", f"user-create:{user.id}"), at=_now())
    print(f"created {user.name} (id {user.id}, group {user.group}, balance {args.credit})")
    return 0


async def _list(database: Database, _: argparse.Namespace) -> int:
    rows = [
        (str(user.id), user.name, user.role, user.status, user.group, str(await _total(database, user)))
        for user in await users.everyone(database)
    ]
    print(table(("ID", "NAME", "ROLE", "STATUS", "GROUP", "BALANCE"), rows))
    return 0


async def _show(database: Database, args: argparse.Namespace) -> int:
    user = await users.find(database, args.name)
    balance = await statement.balance(database, user)
    print(
        f"{user.name}  id {user.id}  {user.role}  {user.status}  group {user.group}  since {user.created_at:%Y-%m-%d}"
    )
    print(f"balance {balance.total}  held {balance.held}  leased {balance.leased}  available {balance.available}")
    await _show_month(database, user)
    for token in await tokens.of_user(database, user):
        budget = "no budget" if token.budget is None else f"budget {token.budget}"
        print(f"token {token.id}  {token.hint}  {token.name}  {token.status}  spent {token.spent}  {budget}")
    for held in await statement.holds(database, user, limit=_SHOWN):
        print(f"held {held.amount}  token {held.token_id}  {held.id}  until {held.expires_at:%Y-%m-%d %H:%M:%S}")
    for entry in await statement.entries(database, user, limit=_SHOWN):
        print(
            f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.amount}  {entry.kind}  {entry.event}  {entry.detail or ''}".rstrip()
        )
    return 0


async def _show_month(database: Database, user: User) -> None:
    today = _now().date()
    for row in await statement.spend(database, user, today.replace(day=1), today, by={SpendBy.MODEL}):
        model = "".join(sign if sign.isprintable() else "?" for sign in row.model or "-")  # Callers write it.
        counts = f"calls {row.calls}  input {row.input_tokens}  output {row.output_tokens}"
        print(f"spent {row.charge} in {today:%Y-%m}  {model}  {counts}")


async def _credit(database: Database, args: argparse.Namespace) -> int:
    user = await users.find(database, args.name)
    change = topup.grant if args.amount > ZERO else topup.adjust
    written = await change(database, user, args.amount, cause(args.reason, args.key), at=_now())
    note = "" if written else " (this key was used before: nothing changed)"
    print(f"{user.name}: balance {await _total(database, user)}{note}")
    return 0


async def _refund(database: Database, args: argparse.Namespace) -> int:
    done = await refunds.refund(database, args.event, args.amount, cause(args.reason, args.key), at=_now())
    note = "" if done.is_new else " (this key was used before: nothing changed)"
    print(f"{done.account}: {done.amount} refunded, {done.refunded} of {done.charge} in all{note}")
    return 0


async def _set(database: Database, args: argparse.Namespace) -> int:
    if args.group is None and args.role is None and args.status is None:
        raise ValueError("nothing to change: give --group, --role or --status")
    found = await users.find(database, args.name)
    user = await users.change(database, found, role=args.role, status=args.status, group=args.group, at=_now())
    warn_about(group=args.group)
    print(f"{user.name}: {user.role}, {user.status}, group {user.group}")
    return 0


async def _password(database: Database, args: argparse.Namespace) -> int:
    user = await users.find(database, args.name)
    given: str | None = sys.stdin.readline().rstrip("\r\n") if args.stdin else None
    new = password_changes.draw() if given is None else given
    await password_changes.set_password(database, Passwords(database), user, new, at=_now())
    if given is None:
        print(new)
    print(f"{user.name} has a new password; all sessions of before are over", file=sys.stderr)
    return 0


async def _total(database: Database, user: User) -> Amount:
    return (await statement.balance(database, user)).total


def _now() -> datetime:
    return datetime.now(UTC)
