from __future__ import annotations

from clinx.routing.retries import ALWAYS, WINDOW, RetryBudget


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_little_traffic_may_always_retry() -> None:
    denied = list[int]()
    budget = RetryBudget(Clock(), lambda: denied.append(1))

    allowed = [budget.spend(0.2, 1) for _ in range(ALWAYS + 1)]

    assert allowed == [True] * ALWAYS + [False]
    assert denied == [1]


def test_much_traffic_may_retry_a_share_of_it() -> None:
    budget = RetryBudget(Clock(), lambda: None)
    for _ in range(1000):
        budget.exchange()

    allowed = [budget.spend(0.2, 1) for _ in range(300)]

    assert allowed.count(True) == 200


def test_what_was_spent_is_forgotten_after_the_window() -> None:
    clock = Clock()
    budget = RetryBudget(clock, lambda: None)
    for _ in range(ALWAYS):
        budget.spend(0.2, 1)

    clock.now += WINDOW + 1

    assert budget.spend(0.2, 1)


def test_what_one_user_used_up_leaves_others_half_as_much_again() -> None:
    budget = RetryBudget(Clock(), lambda: None)
    for _ in range(ALWAYS):
        budget.spend(0.2, 1)

    of_the_first = budget.spend(0.2, 1)
    of_others = [budget.spend(0.2, user) for user in range(2, 2 + ALWAYS)]

    assert not of_the_first
    assert of_others.count(True) == ALWAYS // 2


def test_what_goes_beyond_the_budget_is_for_who_retried_little() -> None:
    budget = RetryBudget(Clock(), lambda: None)
    for _ in range(ALWAYS):
        budget.spend(0.2, 1)

    of_a_second = [budget.spend(0.2, 2) for _ in range(ALWAYS)]

    assert of_a_second.count(True) == ALWAYS // 10
