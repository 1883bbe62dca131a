"""``clinx invite``: a user's invitation code, what came of it, and its rewards."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from clinx.accounts import users
from clinx.billing import invitations
from clinx.cli.actor import cause
from clinx.cli.arguments import amount
from clinx.cli.catalogue import declared_rewards
from clinx.cli.database import on_database
from clinx.storage.database import Database


def add_parser(commands: Any) -> None:
    """Mount ``clinx invite`` and its verbs."""
    verbs = commands.add_parser("invite").add_subparsers(title="verbs", metavar="VERB", required=True)
    show = verbs.add_parser("show", help="show a user's code, how many accepted it, and the rewards")
    show.add_argument("user", metavar="USER|ID")
    show.set_defaults(run=on_database(_show))

    accept = verbs.add_parser("accept", help="accept an invitation for a user; the tree says what it is worth")
    accept.add_argument("user", metavar="USER|ID")
    accept.add_argument("code", metavar="CODE")
    accept.set_defaults(run=on_database(_accept))

    transfer = verbs.add_parser("transfer", help="move rewards that wait to the user's balance")
    transfer.add_argument("user", metavar="USER|ID")
    transfer.add_argument("amount", type=amount, metavar="AMOUNT")
    transfer.add_argument("--key", metavar="KEY", help="an id of your own: the same command with it counts once")
    transfer.set_defaults(run=on_database(_transfer))


async def _show(database: Database, args: argparse.Namespace) -> int:
    user = await users.find(database, args.user)
    standing = await invitations.show(database, user)
    print(f"{user.name}  code {standing.code}  invited {standing.invited}")
    print(f"earned {standing.earned}  waiting {standing.waiting}")
    if standing.inviter_id is not None:
        print(f"invited by user {standing.inviter_id}")
    return 0


async def _accept(database: Database, args: argparse.Namespace) -> int:
    user = await users.find(database, args.user)
    rewards = declared_rewards()
    inviter = await invitations.accept(database, user, args.code, rewards, at=datetime.now(UTC))
    print(f"{user.name}: invited by user {inviter}, rewards {rewards.invitee} and {rewards.inviter}")
    return 0


async def _transfer(database: Database, args: argparse.Namespace) -> int:
    user = await users.find(database, args.user)
    why = cause("clinx invite transfer", args.key)
    written = await invitations.withdraw(database, user, args.amount, why, at=datetime.now(UTC))
    standing = await invitations.show(database, user)
    note = "" if written else " (this key was used before: nothing changed)"
    print(f"{user.name}: waiting {standing.waiting}{note}")
    return 0
