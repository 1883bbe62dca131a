import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from clinx.accounts.failures import TooManyAttempts
from clinx.accounts.throttle import Throttle, network_of
from clinx.state.base import Change, Claim, Purse, Refused, Slots, StateAway, Taken, Unknown
from clinx.state.memory import MemoryCounters
from support.counters import Counting
from support.database import Clock

ADDRESS = "192.0.2.1"


async def test_the_sixth_attempt_at_an_account_waits(counting: Counting):
    throttle = Throttle(counting.counters, now=counting.clock.now)
    who = f"login={counting.id}"
    for index in range(5):
        await throttle.sign_in(who, f"10.{index}.0.1")

    with pytest.raises(TooManyAttempts) as caught:
        await throttle.sign_in(who, "10.9.0.1")

    assert 890 <= caught.value.retry_after <= 920
    await throttle.sign_in(f"{who}-another", "10.9.0.1")
    await counting.advance(caught.value.retry_after)
    await throttle.sign_in(who, "10.9.0.1")


async def test_an_account_is_counted_whatever_was_typed_and_nobody_is_told(counting: Counting):
    throttle = Throttle(counting.counters, now=counting.clock.now)
    user = int(counting.id[:12], 16)

    taken = [await throttle.account(f"{counting.id}-{index}", user) for index in range(6)]
    nobody = [await throttle.account(f"{counting.id}-nobody", None) for _ in range(6)]

    assert [ticket is None for ticket in taken] == [ticket is None for ticket in nobody] == [False] * 5 + [True]
    assert taken[0] is not None
    await throttle.give_back(taken[0])
    assert await throttle.account("another", user) is not None
    assert await throttle.account(f"{counting.id}-somebody", None) is not None


async def test_letters_to_an_address_are_counted_without_a_word(counting: Counting):
    throttle = Throttle(counting.counters, now=counting.clock.now)
    receiver = f"{counting.id}@example.org"

    assert [await throttle.receiver(receiver) for _ in range(2)] == [True, False]
    with pytest.raises(TooManyAttempts):
        await throttle.mail(receiver, ADDRESS)
    await counting.advance(31)
    assert await throttle.receiver(receiver)


async def test_waits_grow(counting: Counting):
    throttle = Throttle(counting.counters, now=counting.clock.now)
    waits: list[int] = []
    for index in range(16):
        while True:
            try:
                await throttle.sign_in(f"login={counting.id}", f"10.{index}.0.1")
                break
            except TooManyAttempts as error:
                waits.append(error.retry_after)
                await counting.advance(error.retry_after)

    assert [wait // 900 for wait in waits] == [1, 1, 1, 9]


async def test_many_accounts_from_one_network_wait_too(counting: Counting):
    throttle = Throttle(counting.counters, now=counting.clock.now)
    network = f"2001:db8:{int(counting.id[:4], 16):x}:1::"
    for index in range(50):
        await throttle.sign_in(f"login={counting.id}-{index}", f"{network}{index:x}")

    with pytest.raises(TooManyAttempts):
        await throttle.sign_in(f"login={counting.id}-new", f"{network}ffff")


async def test_what_was_done_well_is_given_back(counting: Counting):
    throttle = Throttle(counting.counters, now=counting.clock.now)
    for index in range(20):
        await throttle.give_back(await throttle.sign_in(f"login={counting.id}", f"10.{index}.0.1"))

    for index in range(5):
        await throttle.sign_in(f"login={counting.id}", f"10.{index}.0.1")
    with pytest.raises(TooManyAttempts):
        await throttle.sign_in(f"login={counting.id}", "10.9.0.1")


async def test_many_at_once_are_not_more_than_one_after_another(counting: Counting):
    throttle = Throttle(counting.counters, now=counting.clock.now)

    tried = await asyncio.gather(
        *(throttle.sign_in(f"login={counting.id}", f"10.{index}.0.1") for index in range(20)), return_exceptions=True
    )

    assert sum(not isinstance(result, TooManyAttempts) for result in tried) == 5


async def test_each_kind_of_attempt_is_counted_by_itself(clock: Clock):
    throttle = Throttle(_memory(clock), now=clock.now)
    counts: dict[str, int] = {}
    kinds = {
        "mail": lambda: throttle.mail("a@example.org", ADDRESS),
        "factor": lambda: throttle.factor(7, ADDRESS),
        "redemption": lambda: throttle.redemption(7, ADDRESS),
        "registration": lambda: throttle.registration(ADDRESS),
        "challenge": lambda: throttle.challenge(ADDRESS),
        "ceremony": lambda: throttle.ceremony(ADDRESS),
        "entry": lambda: throttle.entry(ADDRESS),
    }
    for kind, attempt in kinds.items():
        tried = [await _is_let(attempt) for _ in range(310)]
        counts[kind] = sum(tried)

    assert counts == {
        "mail": 1,
        "factor": 5,
        "redemption": 10,
        "registration": 10,
        "challenge": 50,
        "ceremony": 100,
        "entry": 300,
    }


async def _is_let(attempt: Callable[[], Awaitable[object]]) -> bool:
    try:
        await attempt()
    except TooManyAttempts:
        return False
    return True


def _memory(clock: Clock) -> MemoryCounters:
    return MemoryCounters(clock.now)


class Away:
    """Counters that cannot be asked."""

    async def take(self, holder: str, claims: Sequence[Claim]) -> Taken | Refused | Unknown:
        raise StateAway

    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        raise StateAway

    async def tell(self, purse: Purse, amount: int) -> None:
        raise StateAway

    async def renew(self, held: Sequence[tuple[str, Slots]]) -> None:
        raise StateAway

    async def close(self) -> None: ...


async def test_a_process_counts_for_itself_while_the_others_cannot_be_asked(clock: Clock):
    throttle = Throttle(Away(), now=clock.now)

    await throttle.give_back(await throttle.sign_in("login=ann", ADDRESS))
    for _ in range(5):
        await throttle.sign_in("login=ann", ADDRESS)
    with pytest.raises(TooManyAttempts):
        await throttle.sign_in("login=ann", ADDRESS)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "net=192.0.2.0/24"),
        ("::ffff:192.0.2.7", "net=192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "net=2001:db8:1:2::/64"),
        ("fe80::1%eth0", "net=fe80::/64"),
        ("nonsense", "net=unknown"),
        (None, "net=unknown"),
    ],
)
def test_addresses_are_counted_with_their_network(address: str | None, network: str):
    assert network_of(address) == network
