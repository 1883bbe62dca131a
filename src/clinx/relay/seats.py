"""How many exchanges run at a time, and who is next when there is no more room.

Theory of operation. Below the caps a seat is taken by counting. When all are taken, an exchange waits, for a bounded
time in a bounded queue, before any of its body is read. A seat that comes free goes to the waiting user who has the
fewest; among those who have as many, to whoever was served longest ago. A newcomer who finds the queue full takes the
last place of the user who has most in it, if that is more than the newcomer would have. So a flood fills what nobody
else wants, and nothing more.

The cap that counts is the one of whoever came last: where a tree lowers it, seats that come free stay so until there
are few enough taken, and where it is raised, those who wait are called first. Who waits is called, or crowded out, or
quits, and leaves the queue in the same step; nothing else ends the future it waits for, its own cancellation neither.

Seats are counted by this process, for users whose calls come through it; several processes have a house each.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, TypeVar

from clinx.config.snapshot import Concurrency
from clinx.domain.identity import Principal
from clinx.errors import GatewayError, Overloaded, RateLimited
from clinx.telemetry.metrics import Metrics

K = TypeVar("K")

_SOON: Final = 1.0
"""Seconds after which it is worth to try again: nobody knows when somebody leaves."""


class Seat:
    """One place in the house, until it is left."""

    __slots__ = ("_leave", "token", "user")

    def __init__(self, user: int, token: int, leave: Callable[[Seat], None]) -> None:
        """Note whose it is; `Seats` makes them."""
        self.user = user
        self.token = token
        self._leave: Callable[[Seat], None] | None = leave

    def leave(self) -> None:
        """Make room for somebody else; the second time it does nothing."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave(self)


class _Waiter:
    """Somebody in the queue."""

    __slots__ = ("called", "seat")

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.called = asyncio.get_running_loop().create_future()
        """Done when the seat is taken; failed when the place in the queue is."""


class Seats:
    """The house of one process."""

    def __init__(self, metrics: Metrics) -> None:
        """Begin with an empty house."""
        self._metrics = metrics
        self._seated = 0
        self._seated_of: Counter[int] = Counter()
        self._present_of: Counter[tuple[str, int]] = Counter()
        """Seated and waiting, of users and of tokens."""
        self._queues: dict[int, deque[_Waiter]] = {}
        """By user; whoever was served last is last."""
        self._waiting = 0
        self._total: int | None = None
        """The cap of whoever came last."""
        metrics.overload_waiting.set_function(lambda: self._waiting)

    async def take(self, caps: Concurrency | None, caller: Principal) -> Seat | None:
        """Take a seat, or wait for one; None where nothing is capped.

        Raises:
            RateLimited: the user or the token has as many calls here as it may have.
            Overloaded: there is no room, and none came free in time.
        """
        if caps is None:
            self.uncap()
            return None
        if caps.total != self._total:
            self._total = caps.total
            self._call()
        self._check(caps, caller)
        seat = Seat(caller.user.id, caller.token.id, self._left)
        self._count(seat, 1)
        if self._has_room:
            self._sit(seat)
            return seat
        try:
            await self._wait(caps, seat)
        except BaseException:
            self._count(seat, -1)
            raise
        return seat

    def uncap(self) -> None:
        """Do what `take` does where nothing is capped: there is nothing to wait for."""
        if self._total is not None:
            self._total = None
            self._call()

    def _check(self, caps: Concurrency, caller: Principal) -> None:
        if caps.per_user is not None and self._present_of["user", caller.user.id] >= caps.per_user:
            raise self._refusal("user", f"This user has {caps.per_user} calls under way, and may have no more.")
        if caps.per_token is not None and self._present_of["token", caller.token.id] >= caps.per_token:
            raise self._refusal("token", f"This API key has {caps.per_token} calls under way, and may have no more.")

    async def _wait(self, caps: Concurrency, seat: Seat) -> None:
        if self._waiting >= caps.length and not self._crowd_out(seat.user):
            raise self._refusal("total", "The gateway has as much to do as it may.")
        waiter = _Waiter(seat)
        self._queues.setdefault(seat.user, deque()).append(waiter)
        self._waiting += 1
        try:
            await asyncio.wait({waiter.called}, timeout=caps.wait)
        except BaseException:
            if _was_called(waiter):
                self._stand_up(seat)
            else:
                self._quit(waiter)
            raise
        if waiter.called.done():
            waiter.called.result()
            return
        self._quit(waiter)
        raise self._refusal("total", "The gateway has as much to do as it may.")

    def _crowd_out(self, user: int) -> bool:
        """Take the last place of whoever waits with most, if that is more than this user would have."""
        most = max(self._queues, key=lambda each: len(self._queues[each]), default=user)
        mine = len(self._queues.get(user, ()))
        if most == user or len(self._queues[most]) <= mine + 1:
            return False
        waiter = self._queues[most][-1]
        self._quit(waiter)
        waiter.called.set_exception(self._refusal("total", "The gateway has as much to do as it may."))
        return True

    def _quit(self, waiter: _Waiter) -> None:
        """Take somebody out of the queue."""
        queue = self._queues.get(waiter.seat.user)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            self._waiting -= 1
            if not queue:
                del self._queues[waiter.seat.user]

    @property
    def _has_room(self) -> bool:
        """Whether a seat may be taken; where somebody waits there is no room."""
        return self._total is None or self._seated < self._total

    def _sit(self, seat: Seat) -> None:
        self._seated += 1
        self._seated_of[seat.user] += 1

    def _left(self, seat: Seat) -> None:
        self._count(seat, -1)
        self._stand_up(seat)

    def _stand_up(self, seat: Seat) -> None:
        """Free a seat, for whoever waits."""
        self._seated -= 1
        _take_off(self._seated_of, seat.user)
        self._call()

    def _call(self) -> None:
        """Give the seats that may be taken to those who wait, first to who has the fewest."""
        while self._queues and self._has_room:
            user = min(self._queues, key=lambda each: self._seated_of[each])
            queue = self._queues.pop(user)
            waiter = queue.popleft()
            if queue:
                self._queues[user] = queue
            self._waiting -= 1
            if not waiter.called.done():
                self._sit(waiter.seat)
                waiter.called.set_result(None)

    def _count(self, seat: Seat, change: int) -> None:
        for key in (("user", seat.user), ("token", seat.token)):
            if change > 0:
                self._present_of[key] += 1
            else:
                _take_off(self._present_of, key)

    def _refusal(self, scope: str, message: str) -> GatewayError:
        self._metrics.overload_refusals.add((scope,))
        kind = Overloaded if scope == "total" else RateLimited
        return kind(message, hint="Try again in a moment.", retry_after=_SOON)


def _take_off(counts: Counter[K], key: K) -> None:
    """Count one less, and forget whoever has none."""
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]


def _was_called(waiter: _Waiter) -> bool:
    """Whether a seat was taken for a waiter in the very moment it gave up."""
    return waiter.called.done() and waiter.called.exception() is None
