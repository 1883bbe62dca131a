"""Accounts, tokens and leases as they run through a batch.

Whole nano-units: sums of a hundred operations make no values between. What a batch changed is the difference to what
was locked.
"""

from __future__ import annotations

from clinx.domain.money import Amount
from clinx.storage.leases import Lease
from clinx.storage.ledger import Account, Movement
from clinx.storage.reservations import BudgetMovement, TokenBudget


class AccountSum:
    """A balance."""

    __slots__ = ("_before", "frozen", "guarded", "held", "leased", "total")

    def __init__(self, account: Account) -> None:
        """Begin with what was locked."""
        balance = account.balance
        self._before = balance
        self.total, self.held, self.leased = balance.total.nano, balance.held.nano, balance.leased.nano
        self.frozen = account.frozen
        self.guarded = False

    @property
    def available(self) -> int:
        """What may still be held or leased; negative when it is overdrawn."""
        return self.total - self.held - self.leased

    def movement(self, name: str) -> Movement | None:
        """Return what changed, if anything did."""
        before = self._before
        total, held = self.total - before.total.nano, self.held - before.held.nano
        leased = self.leased - before.leased.nano
        if not (total or held or leased):
            return None
        return Movement(name, Amount(total), Amount(held), Amount(leased), self.guarded)


class TokenSum:
    """A token's budget."""

    __slots__ = ("budget", "guarded", "held", "leased", "spent")

    def __init__(self, budget: TokenBudget) -> None:
        """Begin with what was locked."""
        self.budget = budget
        self.spent, self.held, self.leased = budget.spent.nano, budget.held.nano, budget.leased.nano
        self.guarded = False

    @property
    def available(self) -> int | None:
        """What is left of the budget; None when there is none."""
        limit = self.budget.budget
        return None if limit is None else limit.nano - self.spent - self.held - self.leased

    def movement(self, token_id: int) -> BudgetMovement | None:
        """Return what changed, if anything did."""
        before = self.budget
        spent, held = self.spent - before.spent.nano, self.held - before.held.nano
        leased = self.leased - before.leased.nano
        if not (spent or held or leased):
            return None
        return BudgetMovement(token_id, Amount(spent), Amount(held), Amount(leased), self.guarded)


class LeaseSum:
    """A lease's totals."""

    __slots__ = ("_before", "granted", "returned", "spent")

    def __init__(self, lease: Lease) -> None:
        """Begin with what was locked."""
        self._before = lease
        self.granted, self.returned, self.spent = lease.granted.nano, lease.returned.nano, lease.spent.nano

    @property
    def unspent(self) -> int:
        """What its process may still spend."""
        return self.granted - self.returned - self.spent

    def grant(self, amount: int) -> None:
        """Lend more."""
        self.granted += amount

    def spend(self, amount: int) -> int:
        """Spend an amount, or what is unspent if that is less; say how much that was."""
        covered = max(0, min(amount, self.unspent))
        self.spent += covered
        return covered

    def give_back(self, returned: int) -> int:
        """Raise what was returned to a total, never beyond what is unspent; say by how much."""
        more = max(0, min(returned - self.returned, self.unspent))
        self.returned += more
        return more

    @property
    def totals(self) -> Lease | None:
        """What to write, if anything changed."""
        totals = Lease(Amount(self.granted), Amount(self.returned), Amount(self.spent))
        return None if totals == self._before else totals
