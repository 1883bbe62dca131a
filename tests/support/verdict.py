"""What is wrong with a ledger, told from a vendor's bill and from SQL alone, past the code that keeps the sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from clinx.billing.audit import Auditor
from clinx.billing.recovery import OUTCOME
from clinx.domain.money import ZERO
from clinx.storage.database import Database
from support.ledger_worker import REFUSED
from support.vendor import Call, Terms

ONE_BY_ONE = {
    "the entries do not sum to zero": "SELECT SUM(amount) FROM entry HAVING SUM(amount) <> 0",
    "a balance is not the sum of its entries": (
        "SELECT name, balance FROM account"
        " WHERE balance <> (SELECT COALESCE(SUM(amount), 0) FROM entry WHERE account = name)"
    ),
    "something is held or leased": "SELECT name, held, leased FROM account WHERE held <> 0 OR leased <> 0",
    "something of a budget is held or leased": "SELECT id, held, leased FROM token WHERE held <> 0 OR leased <> 0",
    "a hold is open": "SELECT id, node, epoch FROM reservation WHERE state = 'open'",
    "a lease is unspent": "SELECT * FROM lease WHERE granted - returned - spent <> 0",
    "somebody is overdrawn": "SELECT name, balance FROM account WHERE name LIKE 'user:%' AND balance < 0",
    "a budget is exceeded": "SELECT id, spent, budget FROM token WHERE spent > budget",
    "the spend of a token is not what its calls cost": (
        "SELECT id, spent FROM token WHERE spent <> (SELECT COALESCE(SUM(charge), 0) FROM request_log"
        " WHERE token_id = token.id)"
    ),
    "the spend of a user is not what was charged": (
        "SELECT name FROM account WHERE name LIKE 'user:%' AND"
        " (SELECT COALESCE(SUM(charge), 0) FROM spend WHERE 'user:' || user_id = name) <>"
        " (SELECT COALESCE(-SUM(amount), 0) FROM entry WHERE account = name AND kind = 'charge')"
    ),
    "the calls of a user were miscounted": (
        "SELECT name FROM account WHERE name LIKE 'user:%' AND"
        " (SELECT COALESCE(SUM(calls), 0) FROM spend WHERE 'user:' || user_id = name) <>"
        " (SELECT COUNT(*) FROM request_log WHERE 'user:' || user_id = name AND (outcome = 'ok' OR charge > 0))"
    ),
}
"""What is wrong if a query finds anything."""


async def judge(database: Database, bill: Mapping[str, Call]) -> list[str]:
    """Say everything that is wrong, after all that lived has ended and was recovered."""
    wrong = await contradictions(database)
    charged, logs = await read(database)
    return [*wrong, *_compare(bill, charged, logs)]


async def contradictions(database: Database) -> list[str]:
    """Say where a ledger that is at rest contradicts itself."""
    wrong = [f"{what}: {rows[:3]}" for what, query in ONE_BY_ONE.items() if (rows := list(await database.fetch(query)))]
    report = await Auditor(database, now=lambda: datetime.now(UTC), bound=ZERO).audit(full=True)
    return [*wrong, *(f"audit: {key} {breach}" for key, breach in report.breaches.items())]


async def read(database: Database) -> tuple[dict[str, int], dict[str, tuple[str, int]]]:
    """Return what each request was charged, and each log's outcome and charge."""
    charges = await database.fetch(
        "SELECT event, -amount FROM entry WHERE kind = 'charge' AND account LIKE 'user:%' ORDER BY event"
    )
    logs = await database.fetch("SELECT id, outcome, charge FROM request_log ORDER BY id")
    charged = {event.removeprefix("settle:"): amount for event, amount in charges}
    assert len(charged) == len(charges), "something was charged twice"
    return charged, {id_: (outcome, charge) for id_, outcome, charge in logs}


def _compare(
    bill: Mapping[str, Call], charged: Mapping[str, int], logs: Mapping[str, tuple[str, int]]
) -> Iterator[str]:
    for id_ in sorted(bill.keys() | charged.keys() | logs.keys()):
        outcome, logged = logs.get(id_, ("", 0))
        if charged.get(id_, 0) != logged:
            yield f"{id_} was charged {charged.get(id_, 0)} and logged as {logged}"
        if not _is_right(id_, bill.get(id_), outcome, logged):
            yield f"{id_} is {outcome or 'nowhere'} at {logged}, and the vendor says {bill.get(id_)}"


def _is_right(id_: str, call: Call | None, outcome: str, charge: int) -> bool:
    """Whether one call was charged what it may be."""
    if call is None:  # It was refused, or its process died before it was sent.
        return (outcome == REFUSED and not charge) or (outcome == OUTCOME and charge in Terms.of(id_).may_cost())
    if outcome == OUTCOME:  # Its process died before its end was written down.
        return not call.acknowledged and charge in Terms.of(id_).may_cost(call.parts, call.seen)
    return call.said and (outcome, charge) == (("failed", 0) if call.cost is None else ("ok", call.cost))
