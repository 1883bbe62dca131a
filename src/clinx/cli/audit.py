"""``clinx audit``: compare the books with themselves, and let a frozen account be leased again."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from clinx.accounts import users
from clinx.billing import alarm
from clinx.billing.audit import NOUNS, TITLES, Auditor, Breach, Check, Report
from clinx.cli.database import on_database, table
from clinx.domain.money import Amount
from clinx.settings import Settings
from clinx.storage.database import Database


def add_parser(commands: Any) -> None:
    """Mount ``clinx audit``."""
    parser = commands.add_parser("audit")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--thaw", metavar="NAME|ID", help="let a user's frozen account be leased again")
    parser.add_argument("--reason", metavar="TEXT", help="what was found out; --thaw needs it")
    parser.set_defaults(run=on_database(_run))


async def _run(database: Database, args: argparse.Namespace) -> int:
    return await (_audit(database, args) if args.thaw is None else _thaw(database, args))


async def _audit(database: Database, args: argparse.Namespace) -> int:
    bound = Amount.parse(str(Settings().overdraft_bound))
    report = await Auditor(database, now=_now, bound=bound).audit(full=True)
    print(json.dumps(_as_json(report), indent=2) if args.json else _as_text(report))
    return 1 if report.breaches else 0


async def _thaw(database: Database, args: argparse.Namespace) -> int:
    if not args.reason:
        raise ValueError("--thaw needs --reason: what was wrong, and why it is right now")
    user = await users.find(database, args.thaw)
    if not await alarm.thaw(database, user.account, at=_now()):
        raise ValueError(f"{user.name} is not frozen")
    print(f"{user.name}: may be leased again ({args.reason})")
    return 0


def _as_text(report: Report) -> str:
    rows = [
        (check.code, "BREACH" if check.breaches else "ok", f"{check.count} {NOUNS[check.code]}", TITLES[check.code])
        for check in report.checks
    ]
    lines = [table(("RULE", "", "COMPARED", "THAT"), rows)]
    lines += [_line(check, breach) for check in report.checks for breach in check.breaches]
    return "\n".join(lines)


def _line(check: Check, breach: Breach) -> str:
    return f"{check.code} {breach.subject}: expected {breach.expected}, found {breach.actual}"


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "at": report.at.isoformat(),
        "ok": not report.breaches,
        "checks": [
            {
                "rule": check.code,
                "title": TITLES[check.code],
                "compared": check.count,
                "breaches": [
                    {
                        "subject": breach.subject,
                        "expected": _figure(breach.expected),
                        "actual": _figure(breach.actual),
                        "accounts": list(breach.accounts),
                    }
                    for breach in check.breaches
                ],
            }
            for check in report.checks
        ],
    }


def _figure(figure: Amount | int) -> str | int:
    return str(figure) if isinstance(figure, Amount) else figure


def _now() -> datetime:
    return datetime.now(UTC)
