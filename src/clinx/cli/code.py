"""``clinx code``: print redemption codes, look at them, withdraw them, redeem one for a user."""

from __future__ import annotations

import argparse
import csv
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from clinx.accounts import users
from clinx.billing import codes
from clinx.billing.codes import Offer
from clinx.cli.actor import actor
from clinx.cli.arguments import amount, expiry
from clinx.cli.database import on_database, table
from clinx.storage.database import Database


def add_parser(commands: Any) -> None:
    """Mount ``clinx code`` and its verbs."""
    verbs = commands.add_parser("code").add_subparsers(title="verbs", metavar="VERB", required=True)
    create = verbs.add_parser("create", help="make a batch of codes; they are printed once and never again")
    create.add_argument("--name", required=True, metavar="TEXT", help="what people call the batch")
    create.add_argument("--amount", required=True, type=amount, metavar="AMOUNT", help="what each code is worth")
    create.add_argument("--count", type=int, default=1, metavar="NUMBER", help=f"1 to {codes.MOST} (default: 1)")
    create.add_argument("--expires", type=expiry, metavar="WHEN", help="30d, 12h, or a date such as 2030-01-31")
    create.add_argument("--csv", action="store_true", help="with amount, name, batch and expiry, under a header")
    create.set_defaults(run=on_database(_create))

    listing = verbs.add_parser("list", help="list the batches, or the codes of one")
    listing.add_argument("--batch", metavar="BATCH", help="the codes of this one")
    listing.set_defaults(run=on_database(_list))

    disable = verbs.add_parser("disable", help="withdraw a batch or a code, as far as it is not redeemed")
    disable.add_argument("reference", metavar="BATCH|ID|HINT|CODE")
    disable.set_defaults(run=on_database(_disable))

    redeem = verbs.add_parser("redeem", help="redeem a code for a user")
    redeem.add_argument("user", metavar="USER|ID")
    redeem.add_argument("code", metavar="CODE")
    redeem.set_defaults(run=on_database(_redeem))


async def _create(database: Database, args: argparse.Namespace) -> int:
    at = datetime.now(UTC)
    expires_at = at + args.expires if isinstance(args.expires, timedelta) else args.expires
    offer = Offer(args.name, args.amount, args.count, expires_at)
    printed = await codes.create(database, offer, actor=actor(), at=at)
    if args.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("code", "amount", "name", "batch", "expires_at"))
        expires = "" if expires_at is None else expires_at.isoformat(timespec="seconds")
        writer.writerows((code, offer.amount, offer.name, printed.batch, expires) for code in printed.codes)
    else:
        print("\n".join(printed.codes))
    print(f"clinx: made {len(printed.codes)} of {offer.amount} each, {printed.batch}", file=sys.stderr)
    return 0


async def _list(database: Database, args: argparse.Namespace) -> int:
    print(await (_batches(database) if args.batch is None else _codes(database, args.batch)))
    return 0


async def _batches(database: Database) -> str:
    rows = [
        (
            batch.id,
            batch.name,
            str(batch.amount),
            *map(str, (batch.open, batch.redeemed, batch.disabled, batch.expired)),
            _day(batch.expires_at),
            batch.created_by,
        )
        for batch in await codes.batches(database, at=datetime.now(UTC))
    ]
    return table(("BATCH", "NAME", "AMOUNT", "OPEN", "REDEEMED", "DISABLED", "EXPIRED", "EXPIRES", "BY"), rows)


async def _codes(database: Database, batch: str) -> str:
    now = datetime.now(UTC)
    rows = [
        (
            str(code.id),
            code.hint,
            code.state_at(now),
            "" if code.redeemed_by is None else str(code.redeemed_by),
            "" if code.redeemed_at is None else f"{code.redeemed_at:%Y-%m-%d %H:%M:%S}",
        )
        for code in await codes.of_batch(database, batch)
    ]
    return table(("ID", "HINT", "STATE", "USER", "REDEEMED"), rows)


async def _disable(database: Database, args: argparse.Namespace) -> int:
    count = await codes.disable(database, args.reference)
    print(f"withdrew {count}{'' if count else ': none was open'}")
    return 0


async def _redeem(database: Database, args: argparse.Namespace) -> int:
    user = await users.find(database, args.user)
    redeemed = await codes.redeem(database, user, args.code, at=datetime.now(UTC))
    print(f"{user.name}: {redeemed.amount} from code {redeemed.code_id}")
    return 0


def _day(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M}"
