from datetime import timedelta

from clinx.billing.books import Books, token_refusal
from clinx.billing.operations import Hold, Operation, Record, Release, Resolution, Settle
from clinx.domain.identity import Status
from clinx.domain.ledger import Balance, Reservation, ReservationState
from clinx.domain.money import ZERO, Amount
from clinx.errors import BudgetSpent, InsufficientBalance, PermissionDenied, TokenDisabled, TokenExpired
from clinx.storage.ledger import Movement
from clinx.storage.reservations import BudgetMovement, StoredReservation, TokenBudget
from support.database import START, request_log


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


def books(balance: int, *, budget: int | None = None, stored: tuple[StoredReservation, ...] = ()) -> Books:
    held = sum(s.reservation.amount.nano for s in stored if s.state is ReservationState.OPEN)
    return Books(
        START,
        {s.reservation.id: s for s in stored},
        {"user:1": Balance(Amount(balance), Amount(held))},
        {7: token(budget, held=Amount(held))},
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
    assert open_books.movements == [Movement("user:1", ZERO, Amount(100), guarded=True)]
    assert open_books.budget_movements == [BudgetMovement(7, ZERO, Amount(100), guarded=True)]
    assert list(open_books.opened) == ["a", "c"]


def test_the_budget_binds_before_the_balance():
    outcomes = books(1000, budget=50).decide([hold("a", 40), hold("b", 20), hold("c", 10)])

    assert [type(outcome) for outcome in outcomes] == [Reservation, BudgetSpent, Reservation]


def test_settlements_go_before_holds_wherever_they_stand():
    open_books = books(100, stored=(opened("old", 100),))
    settle = Settle(reservation("old", 100), Amount(10), 1, request_log("old"))

    outcomes = open_books.decide([hold("new", 90), settle])

    assert outcomes == [reservation("new", 90), Resolution.SETTLED]
    assert open_books.movements == [Movement("user:1", Amount(-10), Amount(-10), guarded=True)]
    assert open_books.revenue == Movement("revenue", Amount(10))
    assert sum(entry.amount.nano for entry in open_books.entries) == 0


def test_a_zero_hold_needs_no_money_but_an_active_token():
    assert isinstance(books(-5, budget=0).decide([hold("a", 0)])[0], Reservation)

    disabled = Books(START, {}, {"user:1": Balance(Amount(100), ZERO)}, {7: token(status=Status.DISABLED)})
    assert isinstance(disabled.decide([hold("a", 0)])[0], TokenDisabled)


def test_one_batch_resolves_a_hold_once():
    release = Release(reservation("old", 5), None)
    settle = Settle(reservation("old", 5), Amount(1), 1, request_log("old"))
    operations: list[Operation] = [release, settle, release, Record(request_log("x"))]

    outcomes = books(10, stored=(opened("old", 5),)).decide(operations)

    assert outcomes == [Resolution.RELEASED, Resolution.ALREADY, Resolution.ALREADY, None]


def test_expiring_frees_what_was_held():
    open_books = books(10, stored=(opened("a", 3), opened("b", 4)))

    open_books.expire()

    assert open_books.movements == [Movement("user:1", ZERO, Amount(-7))]
    assert open_books.resolved == {"a": (ReservationState.EXPIRED, None), "b": (ReservationState.EXPIRED, None)}


def test_why_a_token_may_not_spend():
    assert token_refusal(token(), START) is None
    assert token_refusal(token(expires_at=START + timedelta(microseconds=1)), START) is None
    assert isinstance(token_refusal(None, START), TokenDisabled)
    assert isinstance(token_refusal(token(status=Status.DISABLED), START), TokenDisabled)
    assert isinstance(token_refusal(token(expires_at=START), START), TokenExpired)
    assert isinstance(token_refusal(token(user_status=Status.DISABLED), START), PermissionDenied)
