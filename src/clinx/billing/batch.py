"""One transaction for many operations: lock, decide, write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from clinx.billing.books import Books, Locked, settle_event
from clinx.billing.operations import Hold, Lend, Operation, Outcome, Record, Release, Repay, Settle
from clinx.domain.identity import user_account
from clinx.domain.ledger import Origin, Reservation, token_scope
from clinx.domain.request_log import RequestLog
from clinx.storage import leases, ledger, nodes, request_logs, reservations, rollups, spend
from clinx.storage.ledger import Account
from clinx.storage.nodes import Position
from clinx.storage.program import Program
from clinx.storage.reservations import NewReservation, TokenBudget


class Overtaken(Exception):
    """The journal is not in the ledger up to where a batch begins, or beyond it already: nothing was written."""


def execute(operations: Sequence[Operation], now: datetime, origin: Origin) -> Program[list[Outcome]]:
    """Execute operations of one life of a process as if one after another.

    Settlements, releases and repayments go first, then holds and loans as they came. The outcomes stand once the
    transaction has committed. Leases are those of ``origin``.
    """
    books = yield from _open(operations, now, origin)
    outcomes = books.decide(operations)
    yield from _write(books, origin)
    return outcomes


class Passage(Struct, frozen=True):
    """A part of a journal that is shipped: between two positions, by the node's living process."""

    start: Position
    end: Position
    epoch: int
    """Of the life that ships: of the same node as the one that wrote, and later when that one is dead."""


def ship(operations: Sequence[Operation], now: datetime, origin: Origin, passage: Passage) -> Program[list[Outcome]]:
    """Execute a part of a journal, once: the position moves in the same transaction.

    Raises:
        Overtaken: the ledger is not at the start, or another life ships; whoever ships looks at the node again.
    """
    if not (yield from nodes.advance(Origin(origin.node, passage.epoch), passage.start, passage.end)):
        raise Overtaken(f"{origin.node} is not at {passage.start[0]}:{passage.start[1]} in life {passage.epoch}")
    return (yield from execute(operations, now, origin))


class _Names:
    """What a batch concerns."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.holds: set[str] = set()
        self.accounts: set[str] = set()
        self.tokens: set[int] = set()
        self.leases: set[str] = set()
        self.wanting: set[str] = set()
        """Scopes that something is asked of, which may be leased elsewhere."""
        self.charged: set[str] = set()
        self.free: set[str] = set()
        """Exchanges that cost nothing: no entry tells whether they were counted before."""
        for operation in operations:
            match operation:
                case Settle():
                    self._settle(operation)
                case Hold():
                    self._reservation(operation.reservation)
                    self._want(operation.reservation.user_id, operation.reservation.token_id)
                case Release():
                    self._reservation(operation.reservation)
                    self._log(operation.log)
                case Lend():
                    self._want(operation.user_id, operation.token_id)
                    self.leases |= {user_account(operation.user_id), token_scope(operation.token_id)}
                case Repay():
                    self._repay(operation)
                case Record():
                    self._log(operation.log)

    def _settle(self, operation: Settle) -> None:
        held = operation.reservation
        if operation.charge or not held.leased:
            self.charged.add(held.id)
        if not operation.charge:  # Of one with a charge its entries tell.
            self.free.add(held.id)
        if not held.leased:
            self._reservation(held)
            return
        self.accounts.add(user_account(held.user_id))
        self.tokens.add(held.token_id)
        self.leases.add(user_account(held.user_id))
        if held.capped:
            self.leases.add(token_scope(held.token_id))

    def _reservation(self, held: Reservation) -> None:
        if not held.leased:
            self.holds.add(held.id)
            self.accounts.add(user_account(held.user_id))
            self.tokens.add(held.token_id)

    def _log(self, log: RequestLog | None) -> None:
        if log is not None:
            self.free.add(log.id)

    def _want(self, user_id: int, token_id: int) -> None:
        self.accounts.add(user_account(user_id))
        self.tokens.add(token_id)
        self.wanting |= {user_account(user_id), token_scope(token_id)}

    def _repay(self, operation: Repay) -> None:
        self.leases.add(operation.scope)
        if operation.token_id is None:
            self.accounts.add(operation.scope)
        else:
            self.tokens.add(operation.token_id)


def _open(operations: Sequence[Operation], now: datetime, origin: Origin) -> Program[Books]:
    names = _Names(operations)
    stored = yield from reservations.lock(names.holds)
    accounts = yield from ledger.lock_accounts(names.accounts)
    for name in sorted(names.accounts - accounts.keys()):  # Written by other hands than `accounts`.
        yield from ledger.open_account(name)
    budgets = yield from reservations.lock_budgets(names.tokens)
    lent = yield from leases.lock(origin, names.leases)
    others = yield from leases.others(origin, names.wanting & _leased(accounts, budgets))
    # After the accounts are locked, so that nobody charges them just now.
    charged = yield from _charged(names)
    counted = yield from rollups.count(names.free, now)
    return Books(now, Locked(stored, accounts, budgets, lent, others, charged, counted))


def _leased(accounts: dict[str, Account], budgets: dict[int, TokenBudget]) -> set[str]:
    return {name for name, account in accounts.items() if account.balance.leased} | {
        token_scope(token_id) for token_id, budget in budgets.items() if budget.leased
    }


def _charged(names: _Names) -> Program[frozenset[str]]:
    """Find requests that were charged before."""
    events = {settle_event(id_): id_ for id_ in names.charged}
    return frozenset(events[event] for event in (yield from ledger.known(events)))


def _write(books: Books, origin: Origin) -> Program[None]:
    opened = [
        NewReservation(hold.reservation, hold.expires_at, None if hold.terms else origin, hold.terms)
        for hold in books.opened.values()
    ]
    yield from ledger.move(books.movements)
    yield from reservations.move_budgets(books.budget_movements)
    yield from leases.write(origin, books.leases, books.now)
    yield from reservations.insert(opened, books.now)
    yield from reservations.resolve([(id_, *books.resolved[id_]) for id_ in sorted(books.resolved)])
    yield from ledger.append(books.entries)
    yield from spend.add(books.spend)
    yield from request_logs.append(books.logs)
    yield from rollups.append(books.finished)
    if books.entries:  # Last: every process writes this row, so it is locked for the shortest time.
        yield from ledger.move([books.revenue])
