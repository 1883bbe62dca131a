"""A ledger with one of everything in it, and ways to break each rule of its books that only raw SQL has."""

# ruff: noqa: S608, ISC004  (our own names)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

from clinx.accounts.tokens import Limits
from clinx.billing import codes, orders
from clinx.billing.audit import Report
from clinx.billing.codes import Offer
from clinx.billing.vault import Vault
from clinx.domain.money import Amount
from clinx.domain.order import Order, OrderState, Payment, PaymentProvider
from clinx.storage import orders as order_rows
from clinx.storage.database import Database
from clinx.storage.program import Program, fetch
from support.database import START, make_caller, make_user, request_log

TABLES = ("account", "entry", "reservation", "lease", "request_log", "spend", "code", "topup_order", "token", "node")
ORDER = "ord" + "0" * 26
CHARGE = "1250000000"
HOUR = timedelta(hours=1)


def usd(text: str) -> Amount:
    return Amount.parse(text)


async def write_history(database: Database, vault: Vault) -> None:
    """User 1 has a charge, an open hold, a lease, a redeemed code and a paid order; user 2 was granted 1."""
    ann = await make_caller(database, "ann", balance="10", limits=Limits(budget=usd("8")))
    await make_user(database, "bob", balance="1")
    charged, _, released = [
        await vault.reserve(ann, usd("2"), request_id=f"req-{n}", revision="r1", lifetime=HOUR) for n in (1, 2, 3)
    ]
    await vault.settle(charged, usd("1.25"), log=request_log("req-1", ann, charge=usd("1.25")))
    await vault.release(released, log=request_log("req-3", ann))
    await vault.lend(ann, usd("0.01"), usd("0.5"))
    printed = await codes.create(database, Offer("spring", usd("4")), actor="test", at=START)
    await codes.redeem(database, ann.user, printed.codes[0], at=START)
    order = Order(
        ORDER,
        ann.user.id,
        PaymentProvider.EPAY,
        "alipay",
        usd("5"),
        3650,
        "CNY",
        OrderState.PENDING,
        None,
        START,
        START + HOUR,
    )
    await database.atomically(order_rows.insert(order))
    await orders.pay(database, Payment(PaymentProvider.EPAY, ORDER, Fraction(73, 2), None, "t1", "e1"), at=START)


@dataclass(frozen=True)
class Damage:
    """Statements, what an audit says of them as (rule, subject, expected, actual), and whose accounts are concerned."""

    statements: Sequence[str]
    found: Sequence[tuple[str, str, str, str]]
    accounts: Sequence[str] = ("user:1",)
    is_noticed_soon: bool = True
    """Whether an audit of what is new finds all of it; else a full one does."""


def entry(event: str, account: str, amount: int | str, kind: str = "grant", id_: int | None = None) -> str:
    name, value = ("", "") if id_ is None else ("id, ", f"{id_}, ")
    return (
        f"INSERT INTO entry ({name}event, account, amount, kind, at)"
        f" VALUES ({value}'{event}', '{account}', {amount}, '{kind}', 1893456000000000)"
    )


def moved(account: str, amount: int | str) -> str:
    return f"UPDATE account SET balance = balance + {amount} WHERE name = '{account}'"


DAMAGE: dict[str, Damage] = {
    "an event that creates money": Damage(
        [entry("grant:x", "user:1", 5), moved("user:1", 5)], [("I1", "grant:x", "0", "0.000000005")]
    ),
    "an event of the house that destroys money": Damage(
        [entry("x", "promo", -5), moved("promo", -5)], [("I1", "x", "0", "-0.000000005")], []
    ),
    "an entry that was changed": Damage(
        ["UPDATE entry SET amount = amount + 1 WHERE event = 'redeem:1' AND account = 'promo'"],
        [("I1", "redeem:1", "0", "0.000000001"), ("I2", "promo", "-14.999999999", "-15")],
        is_noticed_soon=False,
    ),
    "a balance": Damage([moved("user:1", 1)], [("I2", "user:1", "17.75", "17.750000001")]),
    "a balance of the house": Damage([moved("revenue", -1)], [("I2", "revenue", "1.25", "1.249999999")], []),
    "an account that is gone": Damage(
        ["DELETE FROM account WHERE name = 'clearing:epay'"], [("I2", "clearing:epay", "-5", "0")], []
    ),
    "a held amount": Damage(
        ["UPDATE account SET held = held + 1 WHERE name = 'user:1'"], [("I3", "user:1 held", "2", "2.000000001")]
    ),
    "a leased amount": Damage(
        ["UPDATE account SET leased = 0 WHERE name = 'user:1'"], [("I3", "user:1 leased", "0.5", "0")]
    ),
    "a token's sums": Damage(
        ["UPDATE token SET held = held - 1, leased = leased + 1 WHERE id = 1"],
        [("I3", "token:1 held", "2", "1.999999999"), ("I3", "token:1 leased", "0.5", "0.500000001")],
    ),
    "a hold that is gone": Damage(
        ["DELETE FROM reservation WHERE id = 'req-2'"],
        [("I3", "token:1 held", "0", "2"), ("I3", "user:1 held", "0", "2")],
    ),
    "a lease that was overspent": Damage(
        [
            "UPDATE lease SET spent = granted - returned + 1 WHERE scope = 'user:1'",
            "UPDATE account SET leased = -1 WHERE name = 'user:1'",
        ],
        [("I3", "lease of user:1 by node_test/1", "0", "-0.000000001")],
    ),
    "a lease of nobody": Damage(
        ["INSERT INTO lease (scope, node, epoch, granted, returned, spent, at) VALUES ('user:9', 'n', 1, 5, 1, 1, 0)"],
        [("I3", "user:9 has no account", "0", "0.000000003")],
        [],
    ),
    "a second settlement": Damage(
        [
            entry("settle:req-1:2", "user:1", f"-{CHARGE}", "charge"),
            entry("settle:req-1:2", "revenue", CHARGE, "charge"),
            moved("user:1", f"-{CHARGE}"),
            moved("revenue", CHARGE),
        ],
        [("I4", "settle:req-1:2 settled", "1", "2")],
    ),
    "a hold that says another charge": Damage(
        ["UPDATE reservation SET charge = 1 WHERE id = 'req-1'"],
        [("I4", "settle:req-1", "0.000000001", "1.25")],
        is_noticed_soon=False,
    ),
    "a settled hold that says it was released": Damage(
        ["UPDATE reservation SET state = 'released', charge = NULL WHERE id = 'req-1'"],
        [("I4", "settle:req-1", "0", "1.25")],
        is_noticed_soon=False,
    ),
    "a released hold that says it was settled": Damage(
        ["UPDATE reservation SET state = 'settled', charge = 7 WHERE id = 'req-3'"],
        [("I4", "settle:req-3", "0.000000007", "0")],
        is_noticed_soon=False,
    ),
    "a lease of an earlier life": Damage(
        [
            "INSERT INTO node (id, epoch, host, started_at, seen_at)"
            " VALUES ('node_test', 2, 'h', 1893450000000000, 1893450000000000)"
        ],
        [("I5", "lease of token:1 by node_test/1", "0", "0.5"), ("I5", "lease of user:1 by node_test/1", "0", "0.5")],
    ),
    "a node that is lost": Damage(
        [
            "INSERT INTO node (id, epoch, host, started_at, seen_at) VALUES ('node_test', 1, 'h', 0, 1893455100000000)",
            "INSERT INTO node (id, epoch, host, started_at, seen_at)"
            " VALUES ('other', 1, 'h', 1893455700000000, 1893456000000000)",
        ],
        [("I5", "leases of node_test", "0", "0.5")],
        [],
    ),
    "a code that says it is open": Damage(
        ["UPDATE code SET state = 'open', redeemed_by = NULL, redeemed_at = NULL"],
        [("I6", "redeem:1 to user:1", "0", "4")],
        is_noticed_soon=False,
    ),
    "a code that says somebody else redeemed it": Damage(
        ["UPDATE code SET redeemed_by = 2"],
        [("I6", "redeem:1 to user:1", "0", "4"), ("I6", "redeem:1 to user:2", "4", "0")],
        ["user:1", "user:2"],
        is_noticed_soon=False,
    ),
    "a redeemed code without a credit": Damage(
        [
            "INSERT INTO code (digest, hint, batch, name, amount, state, created_by, created_at)"
            " VALUES ('d', 'h', 'b', 'n', 9, 'redeemed', 'c', 0)",
            "UPDATE code SET redeemed_at = 1893456000000000, redeemed_by = 2 WHERE digest = 'd'",
        ],
        [("I6", "redeem:2 to user:2", "0.000000009", "0")],
        ["user:2"],
    ),
    "an order that says it is not paid": Damage(
        ["UPDATE topup_order SET state = 'expired'"],
        [("I6", f"topup:epay:{ORDER} to user:1", "0", "5")],
        is_noticed_soon=False,
    ),
    "an order that says another amount": Damage(
        ["UPDATE topup_order SET amount = 1"],
        [("I6", f"topup:epay:{ORDER} to user:1", "0.000000001", "5")],
        is_noticed_soon=False,
    ),
    "an order that was credited twice": Damage(
        [
            entry(f"topup:epay:{ORDER}", "user:2", "5000000000", "topup"),
            entry(f"topup:epay:{ORDER}", "suspense", "-5000000000", "topup"),
            "INSERT INTO account (name, balance, held) VALUES ('suspense', -5000000000, 0)",
            moved("user:2", "5000000000"),
        ],
        [("I6", f"topup:epay:{ORDER} credited", "1", "2"), ("I6", f"topup:epay:{ORDER} to user:2", "0", "5")],
        ["user:1", "user:2"],
    ),
    "a log that says another charge": Damage(
        ["UPDATE request_log SET charge = 1 WHERE id = 'req-1'"],
        [("I7", "log of settle:req-1", "1.25", "0.000000001")],
        is_noticed_soon=False,
    ),
    "a log of a charge that was never made": Damage(
        ["UPDATE request_log SET charge = 1 WHERE id = 'req-3'"], [("I7", "log of settle:req-3", "0", "0.000000001")]
    ),
    "a sum of spend": Damage(
        ["UPDATE spend SET charge = charge + 1"],
        [("I7", "spend of user:1", "1.25", "1.250000001")],
        is_noticed_soon=False,
    ),
    "an overdrawn account": Damage(
        [
            entry("x", "user:2", "-2000000001", "refund"),
            entry("x", "promo", "2000000001", "refund"),
            moved("user:2", "-2000000001"),
            moved("promo", "2000000001"),
        ],
        [("I8", "user:2", "-1", "-1.000000001")],
        ["user:2"],
    ),
}


async def inflict(database: Database, damage: Damage) -> None:
    """Break the books, and whatever protects them."""
    is_sqlite = database.location.path is not None
    await run(
        database,
        "DROP TRIGGER entry_no_update" if is_sqlite else "ALTER TABLE entry DISABLE TRIGGER entry_no_update",
        *damage.statements,
    )


async def run(database: Database, *statements: str) -> None:
    """Run statements in one transaction."""

    def program() -> Program[None]:
        for statement in statements:
            yield from fetch(statement)

    await database.atomically(program())


async def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that the ledger consists of, but for who is frozen."""
    columns = {"account": "name, balance, held, leased", "token": "id, spent, held, leased, status, budget"}
    return {
        table: sorted(map(tuple, await database.fetch(f"SELECT {columns.get(table, '*')} FROM {table}")), key=repr)
        for table in TABLES
    }


async def frozen(database: Database) -> list[str]:
    """Return the accounts that are frozen."""
    rows = await database.fetch("SELECT name FROM account WHERE frozen_at IS NOT NULL ORDER BY name")
    return [row[0] for row in rows]


def said(report: Report) -> list[tuple[str, str, str, str]]:
    """Return a report's breaches as `Damage.found` has them."""
    return [
        (check.code, breach.subject, str(breach.expected), str(breach.actual))
        for check in report.checks
        for breach in sorted(check.breaches, key=lambda breach: (breach.subject, str(breach.expected)))
    ]
