from __future__ import annotations

from clinx.domain.catalog import NO_CREDENTIAL
from clinx.routing.health import Health
from support.channels import channel, credential

A, B, C = credential("a"), credential("b"), credential("c")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_credentials_are_picked_in_turn() -> None:
    health, three = Health(Clock()), channel(credentials=(A, B, C))

    assert [health.pick(three) for _ in range(4)] == [A, B, C, A]


def test_every_channel_keeps_its_own_turn() -> None:
    health = Health(Clock())
    one, other = channel("one", credentials=(A, B)), channel("other", credentials=(A, B))

    assert [health.pick(one), health.pick(other), health.pick(one)] == [A, A, B]


def test_a_channel_without_credentials_presents_none() -> None:
    health, bare = Health(Clock()), channel(credentials=())

    assert health.pick(bare) is NO_CREDENTIAL
    assert health.pick(bare, {NO_CREDENTIAL.fingerprint}) is None


def test_excluded_credentials_are_not_returned() -> None:
    health, two = Health(Clock()), channel(credentials=(A, B))

    assert health.pick(two, {A.fingerprint}) is B
    assert health.pick(two, {A.fingerprint, B.fingerprint}) is None


def test_a_cooling_credential_is_not_used_before_its_time() -> None:
    clock = Clock()
    health, two = Health(clock), channel(credentials=(A, B))

    health.cool(two, A, 5.0)

    assert [health.pick(two) for _ in range(3)] == [B, B, B]
    assert health.ready_in(two) == 0.0
    health.cool(two, B, 2.0)
    assert health.pick(two) is None
    assert health.ready_in(two) == 2.0
    clock.now += 2.0
    assert health.pick(two) is B
    assert health.ready_in(two) == 0.0


def test_a_longer_rest_is_never_shortened() -> None:
    health, one = Health(Clock()), channel(credentials=(A,))

    health.cool(one, A, 60.0)
    health.cool(one, A, 1.0)

    assert health.ready_in(one) == 60.0


def test_a_suspect_credential_goes_last_but_is_used_rather_than_nothing() -> None:
    health, two = Health(Clock()), channel(credentials=(A, B))

    health.suspect(two, A, 60.0)

    assert [health.pick(two) for _ in range(3)] == [B, B, B]
    assert health.pick(two, {B.fingerprint}) is A
    assert (health.rank(two), health.ready_in(two)) == (0.0, 0.0)
    health.suspect(two, B, 30.0)
    assert (health.rank(two), health.ready_in(two)) == (30.0, 0.0)
    assert health.pick(two) is B


def test_the_same_key_at_another_channel_does_not_rest() -> None:
    health = Health(Clock())

    health.cool(channel("one", credentials=(A,)), A, 60.0)

    assert health.pick(channel("other", credentials=(A,))) is A


def test_rest_outlives_a_reload_and_ends_with_a_new_key() -> None:
    health = Health(Clock())

    health.cool(channel(credentials=(A,), priority=1), A, 60.0)

    assert health.pick(channel(credentials=(credential("a"),), priority=2)) is None
    assert health.pick(channel(credentials=(B,))) is B
