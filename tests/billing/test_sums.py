from clinx.billing.sums import AccountSum, LeaseSum, TokenSum
from clinx.domain.identity import Status
from clinx.domain.ledger import Balance
from clinx.domain.money import Amount
from clinx.storage.leases import Lease
from clinx.storage.ledger import Account, Movement
from clinx.storage.reservations import BudgetMovement, TokenBudget


def test_what_changed_of_an_account_is_the_difference():
    account = AccountSum(Account(Balance(Amount(10), Amount(3), Amount(2))))
    assert (account.available, account.movement("user:1")) == (5, None)

    account.total -= 4
    account.held += 1
    account.leased -= 2

    assert account.available == 2
    assert account.movement("user:1") == Movement("user:1", Amount(-4), Amount(1), Amount(-2))


def test_what_changed_of_a_budget_is_the_difference():
    budget = TokenBudget(Status.ACTIVE, Status.ACTIVE, None, Amount(20), Amount(1), Amount(3), Amount(2))
    token = TokenSum(budget)
    assert (token.available, token.movement(7)) == (14, None)

    token.spent += 4
    token.leased += 1
    token.guarded = True

    assert token.available == 9
    assert token.movement(7) == BudgetMovement(7, Amount(4), leased=Amount(1), guarded=True)


def test_a_lease_is_never_overspent_and_never_overpaid():
    lease = LeaseSum(Lease(Amount(10), Amount(2), Amount(3)))
    assert (lease.unspent, lease.totals) == (5, None)

    assert [lease.spend(4), lease.spend(4), lease.spend(4)] == [4, 1, 0]
    lease.grant(6)
    assert [lease.give_back(4), lease.give_back(4), lease.give_back(99), lease.give_back(1)] == [2, 0, 4, 0]

    assert lease.totals == Lease(Amount(16), Amount(8), Amount(8))
    assert lease.unspent == 0
