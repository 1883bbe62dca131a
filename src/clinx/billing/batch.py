"""One transaction for many operations: lock, decide, write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from clinx.billing.books import Books
from clinx.billing.operations import Operation, Outcome, Record
from clinx.domain.identity import user_account
from clinx.storage import ledger, request_logs, reservations
from clinx.storage.program import Program


def execute(operations: Sequence[Operation], now: datetime) -> Program[list[Outcome]]:
    """Execute operations as if one after another (settlements and releases first, then holds as they came).

    The outcomes stand once the transaction has committed.
    """
    books = yield from _lock(operations, now)
    outcomes = books.decide(operations)
    yield from ledger.move(books.movements)
    yield from reservations.move_budgets(books.budget_movements)
    yield from reservations.insert(list(books.opened.values()), now)
    yield from reservations.resolve([(id_, *books.resolved[id_]) for id_ in sorted(books.resolved)])
    yield from ledger.append(books.entries)
    yield from request_logs.append(books.logs)
    if books.entries:  # Last: every process writes this row, so it is locked for the shortest time.
        yield from ledger.move([books.revenue])
    return outcomes


def _lock(operations: Sequence[Operation], now: datetime) -> Program[Books]:
    named = [operation.reservation for operation in operations if not isinstance(operation, Record)]
    stored = yield from reservations.lock({reservation.id for reservation in named})
    accounts = {user_account(reservation.user_id) for reservation in named}
    balances = yield from ledger.lock_accounts(accounts)
    for name in sorted(accounts - balances.keys()):  # Written by other hands than `accounts`.
        yield from ledger.open_account(name)
    budgets = yield from reservations.lock_budgets({reservation.token_id for reservation in named})
    return Books(now, stored, balances, budgets)
