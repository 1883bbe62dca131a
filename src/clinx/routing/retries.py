"""How many attempts of this process may be second ones: when an upstream is down, retries must not be its new load.

Whoever fails most would use them up, and the first failure of anybody else would then be told to its caller. So a user
who retried little goes on where the budget ends, up to half as much again for all such users together.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from clinx.routing.window import Window

WINDOW: Final = 10.0
"""Seconds."""
ALWAYS: Final = 100
"""Retries of a window that no share forbids: with little traffic every failure may be tried elsewhere."""
LITTLE: Final = 0.1
"""Of the budget: a user who took less than that of it retried little."""
BEYOND: Final = 1.5
"""Budgets, to which those go on who retried little."""


class RetryBudget:
    """Retries as a share of exchanges, over a short window."""

    def __init__(self, clock: Callable[[], float], denied: Callable[[], None]) -> None:
        """Take the monotonic clock in seconds, and who is told when a retry is denied."""
        self._clock = clock
        self._denied = denied
        self._exchanges = Window(WINDOW, 10)
        self._retries: deque[tuple[float, int]] = deque()
        """When, and whose; never more than the budget allowed."""
        self._retries_of: Counter[int] = Counter()

    def exchange(self) -> None:
        """Count an exchange."""
        self._exchanges.add(self._clock())

    def spend(self, share: float, user: int) -> bool:
        """Take one retry, if retries may be such a share of exchanges; False, and nothing is taken, if not."""
        now = self._clock()
        self._forget(now - WINDOW)
        budget = max(ALWAYS, share * self._exchanges.total(now))
        if self._retries_of[user] < LITTLE * budget:
            budget *= BEYOND
        if len(self._retries) >= budget:
            self._denied()
            return False
        self._retries.append((now, user))
        self._retries_of[user] += 1
        return True

    def _forget(self, until: float) -> None:
        while self._retries and self._retries[0][0] <= until:
            _, user = self._retries.popleft()
            self._retries_of[user] -= 1
            if not self._retries_of[user]:
                del self._retries_of[user]
