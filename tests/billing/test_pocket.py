import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.billing.pocket import PERIOD_NS, Pocket, Pockets, Standing
from clinx.domain.identity import Principal, Role, Status, Token, User
from clinx.domain.ledger import Reservation
from clinx.domain.money import Amount
from support.database import START

USER = User(1, "ann", Role.USER, Status.ACTIVE, "default", START)
OPEN = Principal(USER, Token(7, 1, "t", "h", Status.ACTIVE), "default")
CAPPED = Principal(USER, Token(8, 1, "t", "h", Status.ACTIVE, budget=Amount(100)), "default")


def standing(pocket: Pocket) -> tuple[int, ...]:
    found = pocket.standing()
    return tuple(a.nano for a in (found.granted, found.returned, found.spent, found.outstanding, found.left))


def test_a_hold_that_cost_less_leaves_the_rest():
    pocket = Pocket("user:1", 0)
    pocket.receive(100)
    pocket.take(30, 1)
    assert standing(pocket) == (100, 0, 0, 30, 70)

    pocket.resolve(30, 10, 2)
    assert standing(pocket) == (100, 0, 20, 0, 80)
    assert pocket.standing() == Standing("user:1", Amount(100), Amount(0), Amount(20), Amount(0), Amount(80))


@pytest.mark.parametrize(("unused", "left"), [(-5, 70), (0, 70), (30, 100), (31, 100)])
def test_an_end_never_takes_more_than_the_hold_nor_gives_back_more(unused: int, left: int):
    pocket = Pocket("user:1", 0)
    pocket.receive(100)
    pocket.take(30, 1)

    pocket.resolve(30, unused, 2)

    assert standing(pocket) == (100, 0, 100 - left, 0, left)


def test_what_was_withdrawn_is_returned_for_good():
    pocket = Pocket("user:1", 0)
    pocket.receive(100)
    pocket.take(30, 1)

    assert (pocket.withdraw(), pocket.withdraw()) == (70, 0)
    assert standing(pocket) == (100, 70, 0, 30, 0)
    pocket.resolve(30, 30, 2)
    assert pocket.withdraw() == 30
    assert standing(pocket) == (100, 100, 0, 0, 0)


def test_a_loan_of_which_nobody_heard_shows_in_the_next_one_and_an_older_answer_changes_nothing():
    pocket = Pocket("user:1", 0)
    pocket.receive(100)
    pocket.receive(260)
    assert (standing(pocket), pocket.low) == ((260, 0, 0, 0, 260), 130)

    pocket.receive(180)
    assert standing(pocket) == (260, 0, 0, 0, 260)


def test_what_was_spent_lately_fades():
    pocket = Pocket("user:1", 0)
    pocket.receive(1000)
    pocket.take(100, 0)
    pocket.resolve(100, 0, 0)

    assert [pocket.recent(periods * PERIOD_NS) for periods in (0, 1, 2, 7, 10_000)] == [100, 50, 25, 0, 0]
    pocket.take(100, PERIOD_NS)
    pocket.resolve(100, 0, PERIOD_NS + 1)
    assert pocket.recent(PERIOD_NS + 1) == 150


def test_a_steady_flow_counts_between_one_and_two_periods_worth():
    pocket, now = Pocket("user:1", 0), 0
    pocket.receive(10**9)
    for _ in range(400):
        now += PERIOD_NS // 10
        pocket.take(5, now)
        pocket.resolve(5, 0, now)

    assert 40 <= pocket.recent(now) <= 100


def test_a_dropped_pocket_is_counted_on_where_it_was():
    pockets = Pockets(lambda: 0)
    for make, scope in ((lambda: pockets.user(OPEN), "user:1"), (lambda: pockets.token(CAPPED), "token:8")):
        pocket = make()
        pocket.receive(100)
        pocket.take(40, 0)
        pocket.resolve(40, 0, 0)
        pocket.withdraw()
        pockets.drop(pocket)
        assert pockets.find(scope) is None

        again = make()
        assert standing(again) == (100, 60, 40, 0, 0)
        again.receive(150)
        assert standing(again) == (150, 60, 40, 0, 50)


def test_pockets_are_found_by_scope_caller_and_hold():
    pockets = Pockets(lambda: 0)
    assert pockets.holding(Reservation("r", 1, 8, Amount(1), "v", leased=True)) == []
    user = pockets.user(CAPPED)
    assert pockets.holding(Reservation("r", 1, 8, Amount(1), "v", leased=True, capped=True)) == []
    token = pockets.token(CAPPED)

    assert (pockets.find("user:1"), pockets.find("token:8"), pockets.user(OPEN)) == (user, token, user)
    assert [pockets.find(scope) for scope in ("user:8", "token:1", "promo", "clearing:1", "user:", "user:x")] == [
        None
    ] * 6
    assert pockets.holding(Reservation("r", 1, 8, Amount(1), "v", leased=True)) == [user]
    assert pockets.holding(Reservation("r", 1, 8, Amount(1), "v", leased=True, capped=True)) == [user, token]
    assert (pockets.scarcest(OPEN), pockets.scarcest(CAPPED)) == (user, token)
    assert list(pockets) == [user, token]


steps = st.lists(
    st.tuples(st.sampled_from(["receive", "take", "resolve", "withdraw"]), st.integers(0, 200), st.integers(-50, 300)),
    max_size=60,
)


@given(steps)
def test_the_sums_always_add_up_and_none_is_negative(steps: list[tuple[str, int, int]]):
    pocket, open_holds, now = Pocket("user:1", 0), list[int](), 0
    for kind, nano, unused in steps:
        before = standing(pocket)
        now += nano * 10**7
        match kind:
            case "receive":
                pocket.receive(before[0] + nano - 50)
            case "take" if nano <= pocket.left:
                pocket.take(nano, now)
                open_holds.append(nano)
            case "resolve" if open_holds:
                pocket.resolve(open_holds.pop(nano % len(open_holds)), unused, now)
            case "withdraw":
                assert pocket.withdraw() == before[4]
            case _:
                pass
        granted, returned, spent, outstanding, left = standing(pocket)
        assert granted == returned + spent + outstanding + left
        assert min(granted, returned, spent, outstanding, left) >= 0
        assert all(new >= old for new, old in zip((granted, returned, spent), before, strict=False))
        assert outstanding == sum(open_holds)
        assert kind != "resolve" or left >= before[4]
        assert 0 <= pocket.recent(now) <= spent
