from __future__ import annotations

from clinx.routing.affinity import Affinity


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_kept_for_its_time() -> None:
    clock = Clock()
    affinity = Affinity(clock)

    affinity.keep(1, "a", "main", 10.0)

    assert (affinity.find(1, "a"), affinity.find(1, "b")) == ("main", None)
    clock.now += 10.0
    assert affinity.find(1, "a") is None
    assert len(affinity) == 0


def test_the_last_word_counts_and_begins_a_new_time() -> None:
    clock = Clock()
    affinity = Affinity(clock)

    affinity.keep(1, "a", "main", 10.0)
    clock.now += 9.0
    affinity.keep(1, "a", "other", 10.0)
    clock.now += 9.0

    assert affinity.find(1, "a") == "other"
    assert len(affinity) == 1


def test_a_key_says_nothing_of_another_user_s() -> None:
    affinity = Affinity(Clock())

    affinity.keep(1, "a", "main", 10.0)

    assert affinity.find(2, "a") is None


def test_of_too_many_keys_of_a_user_those_that_were_used_longest_ago_are_forgotten() -> None:
    affinity = Affinity(Clock(), capacity=20)
    affinity.keep(2, "theirs", "main", 10.0)

    affinity.keep(1, "a", "main", 10.0)
    affinity.keep(1, "b", "main", 10.0)
    affinity.find(1, "a")
    affinity.keep(1, "c", "main", 10.0)

    assert [affinity.find(1, key) for key in "abc"] == ["main", None, "main"]
    assert affinity.find(2, "theirs") == "main"


def test_of_too_many_users_those_who_were_here_longest_ago_are_forgotten() -> None:
    affinity = Affinity(Clock(), capacity=10)

    for user in range(10):
        affinity.keep(user, "a", "main", 10.0)
    affinity.find(0, "a")
    affinity.keep(10, "a", "main", 10.0)

    assert [affinity.find(user, "a") for user in (0, 1, 2, 10)] == ["main", None, "main", "main"]
    assert len(affinity) == 10
