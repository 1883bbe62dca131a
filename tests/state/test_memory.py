from __future__ import annotations

from clinx.state.base import Purse, Slots, Taken, Unknown, Window
from clinx.state.memory import MemoryCounters
from support.database import Clock


async def test_what_counts_no_more_is_forgotten() -> None:
    clock = Clock()
    counters = MemoryCounters(clock.now)
    for number in range(100):
        purse = Purse(f"p{number}", 1, 0, 60_000)
        await counters.tell(purse, 0)
        await counters.take("h", [Window(f"w{number}", 1, 1000, 0, 1), Slots(f"s{number}", 1, 1000), purse])
    clock.advance(61)

    for _ in range(4096):
        await counters.take("h", [Window("busy", 10_000, 60_000, 0, 1)])

    sizes = [len(kept) for kept in (counters._windows, counters._slots, counters._purses)]
    assert sizes == [1, 0, 0]
    assert await counters.take("h", [Purse("p7", 1, 0, 60_000)]) == Unknown((0,))


async def test_a_limit_of_nothing_lets_nothing_in() -> None:
    counters = MemoryCounters(Clock().now)

    assert not isinstance(await counters.take("h", [Window("w", 0, 1000, 0, 1)]), Taken)
