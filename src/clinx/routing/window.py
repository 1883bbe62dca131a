"""How much happened lately."""

from __future__ import annotations


class Window:
    """A sum over the last so many slots of time. What it holds may be a slot too old, never too young."""

    __slots__ = ("_counts", "_slot", "_sum", "_width")

    def __init__(self, seconds: float, slots: int) -> None:
        """Cover ``seconds`` by ``slots`` slots, and one more for the part of a slot that has just begun."""
        self._width = seconds / slots
        self._counts = [0] * (slots + 1)
        self._slot = 0
        self._sum = 0

    def add(self, now: float, count: int = 1) -> None:
        """Count something that happens now."""
        self._turn(now)
        self._counts[self._slot % len(self._counts)] += count
        self._sum += count

    def take_back(self, now: float, at: float, count: int) -> None:
        """Count less of what was counted at an earlier instant, where that still counts at all."""
        self._turn(now)
        slot, size = int(at / self._width), len(self._counts)
        if slot > self._slot - size:
            self._counts[slot % size] -= count
            self._sum -= count

    def total(self, now: float) -> int:
        """Return the sum of what happened within the window."""
        self._turn(now)
        return self._sum

    def frees_in(self, now: float, count: int) -> float:
        """Return the seconds until at least ``count`` of the sum is too old to matter."""
        self._turn(now)
        size = len(self._counts)
        for age in range(size):
            count -= self._counts[(self._slot + 1 + age) % size]
            if count <= 0:
                return (self._slot + 1 + age) * self._width - now
        return size * self._width

    def _turn(self, now: float) -> None:
        slot = int(now / self._width)
        size = len(self._counts)
        for each in range(max(self._slot + 1, slot - size + 1), slot + 1):
            place = each % size
            self._sum -= self._counts[place]
            self._counts[place] = 0
        self._slot = max(self._slot, slot)
