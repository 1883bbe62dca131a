from datetime import timedelta
from typing import Any, Final

import pytest
from msgspec.structs import replace

from clinx.billing.books import Books, Locked
from clinx.billing.operations import (
    Direct,
    Hold,
    Lend,
    Loan,
    Operation,
    Outcome,
    Record,
    Release,
    Repay,
    Resolution,
    Settle,
)
from clinx.domain.identity import Status
from clinx.domain.ledger import Balance, Reservation, ReservationState
from clinx.domain.money import ZERO, Amount
from clinx.domain.request_log import RequestLog
from clinx.errors import BudgetSpent, InsufficientBalance, TokenDisabled
from clinx.storage.leases import Lease
from clinx.storage.ledger import Account, Movement
from clinx.storage.reservations import BudgetMovement, StoredReservation, TokenBudget
from clinx.storage.spend import Spend, SpendKey
from support.database import START, request_log

DIRECT: Final = Direct.DIRECT


def token(budget: int | None = None, **changes: object) -> TokenBudget:
    values: dict[str, object] = {
        "status": Status.ACTIVE,
        "user_status": Status.ACTIVE,
        "expires_at": None,
        "budget": None if budget is None else Amount(budget),
        "spent": ZERO,
        "held": ZERO,
    }
    return TokenBudget(**{**values, **changes})  # pyright: ignore[reportArgumentType]  (a row of defaults)


def books(
    balance: int, *, budget: int | None = None, stored: tuple[StoredReservation, ...] = (), **locked: Any
) -> Books:
    held = sum(s.reservation.amount.nano for s in stored if s.state is ReservationState.OPEN)
    values: dict[str, Any] = {
        "reservations": {s.reservation.id: s for s in stored},
        "accounts": {"user:1": Account(Balance(Amount(balance), Amount(held)))},
        "budgets": {7: token(budget, held=Amount(held))},
    }
    return Books(START, Locked(**{**values, **locked}))


def leasing(  # noqa: PLR0913  (what a state of leases consists of)
    balance: int,
    lease: Lease,
    *,
    budget: int | None = None,
    token_lease: Lease | None = None,
    others: int = 0,
    frozen: bool = False,
    settled: frozenset[str] = frozenset(),
) -> Books:
    """Books of one user and one token that are leased by this process and perhaps by others; theirs are of 10 each."""
    leased = lease.unspent + Amount(10 * others)
    token_leased = ZERO if token_lease is None else token_lease.unspent
    return Books(
        START,
        Locked(
            accounts={"user:1": Account(Balance(Amount(balance), ZERO, leased), frozen)},
            budgets={7: token(budget, leased=token_leased)},
            leases={"user:1": lease, **({} if token_lease is None else {"token:7": token_lease})},
            others={"user:1": others} if others else {},
            settled=settled,
        ),
    )


def reservation(id_: str, amount: int) -> Reservation:
    return Reservation(id_, 1, 7, Amount(amount), "r1")


def hold(id_: str, amount: int) -> Hold:
    return Hold(reservation(id_, amount), START + timedelta(hours=1))


def opened(id_: str, amount: int) -> StoredReservation:
    return StoredReservation(reservation(id_, amount), ReservationState.OPEN)


def test_holds_are_let_in_in_order_while_the_balance_lasts():
    open_books = books(100)

    outcomes = open_books.decide([hold("a", 60), hold("b", 60), hold("c", 40)])

    assert [type(outcome) for outcome in outcomes] == [Reservation, InsufficientBalance, Reservation]
    assert open_books.movements == [Movement("user:1", held=Amount(100), guarded=True)]
    assert open_books.budget_movements == [BudgetMovement(7, held=Amount(100), guarded=True)]
    assert list(open_books.opened) == ["a", "c"]


def test_the_budget_binds_before_the_balance():
    outcomes = books(1000, budget=50).decide([hold("a", 40), hold("b", 20), hold("c", 10)])

    assert [type(outcome) for outcome in outcomes] == [Reservation, BudgetSpent, Reservation]


def test_settlements_go_before_holds_wherever_they_stand():
    open_books = books(100, stored=(opened("old", 100),))
    settle = Settle(reservation("old", 100), Amount(10), request_log("old"))

    outcomes = open_books.decide([hold("new", 90), settle])

    assert outcomes == [reservation("new", 90), Resolution.SETTLED]
    assert open_books.movements == [Movement("user:1", Amount(-10), Amount(-10), guarded=True)]
    assert open_books.revenue == Movement("revenue", Amount(10))
    assert sum(entry.amount.nano for entry in open_books.entries) == 0


def test_a_zero_hold_needs_no_money_but_an_active_token():
    assert isinstance(books(-5, budget=0).decide([hold("a", 0)])[0], Reservation)

    disabled = books(100, budgets={7: token(status=Status.DISABLED)})
    assert isinstance(disabled.decide([hold("a", 0)])[0], TokenDisabled)


def test_one_batch_resolves_a_hold_once():
    release = Release(reservation("old", 5), None)
    settle = Settle(reservation("old", 5), Amount(1), request_log("old"))
    operations: list[Operation] = [release, settle, release, Record(request_log("x"))]

    outcomes = books(10, stored=(opened("old", 5),)).decide(operations)

    assert outcomes == [Resolution.RELEASED, Resolution.ALREADY, Resolution.ALREADY, None]


def test_expiring_frees_what_was_held():
    open_books = books(10, stored=(opened("a", 3), opened("b", 4)))

    open_books.expire()

    assert open_books.movements == [Movement("user:1", ZERO, Amount(-7))]
    assert open_books.resolved == {"a": (ReservationState.EXPIRED, None), "b": (ReservationState.EXPIRED, None)}


def leased(id_: str, amount: int, *, capped: bool = False) -> Reservation:
    return Reservation(id_, 1, 7, Amount(amount), "r1", leased=True, capped=capped)


def settle(held: Reservation, charge: int, log: RequestLog | None = None) -> Settle:
    return Settle(held, Amount(charge), log or request_log(held.id))


def lease(granted: int, returned: int = 0, spent: int = 0) -> Lease:
    return Lease(Amount(granted), Amount(returned), Amount(spent))


def test_a_leased_charge_comes_out_of_the_lease():
    open_books = leasing(100, lease(50, 5, 10), budget=60, token_lease=lease(30))

    outcomes = open_books.decide([settle(leased("a", 20, capped=True), 15)])

    assert outcomes == [Resolution.SETTLED]
    assert open_books.movements == [Movement("user:1", Amount(-15), ZERO, Amount(-15))]
    assert open_books.budget_movements == [BudgetMovement(7, Amount(15), ZERO, Amount(-15))]
    assert open_books.leases == [("token:7", lease(30, 0, 15)), ("user:1", lease(50, 5, 25))]
    assert [(entry.event, entry.account, entry.amount.nano) for entry in open_books.entries] == [
        ("settle:a", "user:1", -15),
        ("settle:a", "revenue", 15),
    ]
    assert open_books.resolved == {}


@pytest.mark.parametrize(
    ("held", "granted", "covered"), [(20, 100, 20), (100, 20, 20), (0, 100, 0), (100, 100, 30), (100, 0, 0)]
)
def test_an_excess_lowers_the_balance_alone(held: int, granted: int, covered: int):
    open_books = leasing(100, lease(granted))

    open_books.decide([settle(leased("a", held), 30)])

    assert open_books.movements == [Movement("user:1", Amount(-30), ZERO, Amount(-covered))]
    assert open_books.leases == ([("user:1", lease(granted, 0, covered))] if covered else [])
    assert open_books.budget_movements == [BudgetMovement(7, Amount(30))]


def test_a_leased_charge_counts_once():
    open_books = leasing(100, lease(50), settled=frozenset({"old"}))
    operations: list[Operation] = [settle(leased("old", 20), 5), *[settle(leased("new", 20), 5)] * 2]

    outcomes = open_books.decide(operations)

    assert outcomes == [Resolution.ALREADY, Resolution.SETTLED, Resolution.ALREADY]
    assert open_books.movements == [Movement("user:1", Amount(-5), ZERO, Amount(-5))]
    assert len(open_books.entries) == 2
    assert [row.calls for row in open_books.spend] == [1]


def test_a_direct_charge_counts_once_even_where_its_row_is_lost():
    open_books = books(100, settled=frozenset({"old"}))

    assert open_books.decide([settle(reservation("old", 20), 5)]) == [Resolution.ALREADY]
    assert open_books.movements == []
    assert open_books.entries == []


def test_a_leased_release_writes_its_log_and_moves_nothing():
    open_books = leasing(100, lease(50))

    assert open_books.decide([Release(leased("a", 20), request_log("a"))]) == [Resolution.RELEASED]

    assert (open_books.movements, open_books.leases, open_books.spend) == ([], [], [])
    assert open_books.logs == [request_log("a")]


def test_settlements_are_summed_by_day_token_model_and_group():
    late = replace(request_log("c"), at=START + timedelta(days=1, microseconds=-1))
    others = [
        replace(request_log("d"), at=START + timedelta(days=1)),
        replace(request_log("e"), model=None),
        replace(request_log("f"), group="vip"),
    ]
    logs = [request_log("a"), late, *others]
    open_books = leasing(100, lease(100))

    open_books.decide([settle(leased(log.id, 9), charge, log) for charge, log in enumerate(logs)])

    day = SpendKey(1, 21_915, 7, "gpt-4o", "")
    assert open_books.spend == [
        Spend(day, 2, Amount(1), 20, 40),
        Spend(replace(day, day=21_916), 1, Amount(2), 10, 20),
        Spend(replace(day, model=""), 1, Amount(3), 10, 20),
        Spend(replace(day, group="vip"), 1, Amount(4), 10, 20),
    ]


def lend(least: int, wish: int) -> Lend:
    return Lend(1, 7, Amount(least), Amount(wish))


def test_a_loan_is_a_quarter_at_most_and_tells_totals():
    open_books = leasing(1000, lease(100, 40, 60), budget=400, token_lease=Lease())

    outcomes = open_books.decide([lend(10, 500), lend(10, 20)])

    assert outcomes == [Loan(Amount(350), Amount(100)), Loan(Amount(370), Amount(120))]
    assert open_books.movements == [Movement("user:1", leased=Amount(270), guarded=True)]
    assert open_books.budget_movements == [BudgetMovement(7, leased=Amount(120), guarded=True)]
    assert open_books.leases == [("token:7", lease(120)), ("user:1", lease(370, 40, 60))]


def test_those_who_borrow_of_one_account_share_it():
    assert leasing(1010, lease(0), others=1).decide([lend(10, 500)]) == [Loan(Amount(125), None)]
    assert leasing(1030, lease(0), others=3).decide([lend(10, 500)]) == [Loan(Amount(62), None)]


@pytest.mark.parametrize(("balance", "least", "outcome"), [(200, 100, Loan(Amount(100), None)), (199, 100, DIRECT)])
def test_what_is_too_poor_to_part_is_held_directly(balance: int, least: int, outcome: Outcome):
    assert leasing(balance, Lease()).decide([lend(least, 500)]) == [outcome]


def test_a_poor_budget_lends_nothing_of_a_rich_account_either():
    open_books = leasing(10_000, Lease(), budget=199, token_lease=Lease())

    assert open_books.decide([lend(100, 500)]) == [DIRECT]
    assert (open_books.movements, open_books.budget_movements, open_books.leases) == ([], [], [])


def test_of_a_frozen_account_nothing_is_lent():
    open_books = leasing(10_000, Lease(), frozen=True)

    assert open_books.decide([lend(1, 500)]) == [DIRECT]
    assert (open_books.movements, open_books.leases) == ([], [])


def test_a_refused_loan_says_what_there_is_and_whether_others_have_some():
    (poor,) = leasing(60, Lease(), others=2).decide([lend(41, 500)])
    (spent,) = leasing(1000, Lease(), budget=40, token_lease=Lease()).decide([lend(41, 500)])
    (overdrawn,) = leasing(-5, Lease()).decide([lend(1, 500)])

    assert isinstance(poor, InsufficientBalance)
    assert (poor.available_nano, poor.leased_elsewhere) == (40, True)
    assert isinstance(spent, BudgetSpent)
    assert (spent.available_nano, spent.leased_elsewhere) == (40, False)
    assert isinstance(overdrawn, InsufficientBalance)
    assert (overdrawn.available_nano, str(overdrawn)) == (
        0,
        "The balance is insufficient: 0 available, this request may cost 0.000000001.",
    )


def test_what_a_process_could_return_itself_is_no_reason_to_refuse():
    assert leasing(60, lease(30)).decide([lend(60, 500)]) == [DIRECT]
    assert isinstance(leasing(60, lease(30)).decide([lend(61, 500)])[0], InsufficientBalance)


def test_a_token_that_may_not_spend_borrows_nothing():
    disabled = books(1000, budgets={7: token(status=Status.DISABLED)})

    assert isinstance(disabled.decide([lend(1, 1)])[0], TokenDisabled)
    assert isinstance(books(1000, budgets={}).decide([lend(1, 1)])[0], TokenDisabled)
    assert disabled.movements == []


def test_a_hold_is_refused_for_what_is_leased_and_says_so():
    (refused,) = leasing(60, lease(30), others=1).decide([hold("a", 21)])

    assert isinstance(refused, InsufficientBalance)
    assert (refused.available_nano, refused.leased_elsewhere) == (20, True)
    assert isinstance(leasing(60, lease(30), others=1).decide([hold("a", 20)])[0], Reservation)


def test_a_repayment_is_a_total_and_frees_no_more_than_is_unspent():
    open_books = leasing(100, lease(50, 10, 5), budget=60, token_lease=lease(20))
    operations: list[Operation] = [
        Repay("user:1", Amount(30)),
        Repay("user:1", Amount(30)),
        Repay("user:1", Amount(5)),
        Repay("token:7", Amount(99)),
    ]

    assert open_books.decide(operations) == [None] * 4

    assert open_books.movements == [Movement("user:1", leased=Amount(-20))]
    assert open_books.budget_movements == [BudgetMovement(7, leased=Amount(-20))]
    assert open_books.leases == [("token:7", lease(20, 20)), ("user:1", lease(50, 30, 5))]


def test_what_is_repaid_may_be_held_in_the_same_batch():
    outcomes = leasing(50, lease(50)).decide([hold("a", 50), Repay("user:1", Amount(50))])

    assert outcomes == [reservation("a", 50), None]
