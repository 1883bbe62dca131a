"""Counters of one process: exact for it, gone with it, blind to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, assert_never

from clinx.state.base import Change, Claim, Purse, Refused, Slots, Taken, Unknown, Window

_SWEEP_EVERY: Final = 4096
"""Takes between two looks for what counts no more."""
_SLOT_WAIT: Final = 1000
"""Milliseconds after which it is worth to ask for a slot again: nobody knows when one is given back."""


class MemoryCounters:
    """Plain dictionaries. No method yields between reading and writing, so each is one step."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Begin with nothing counted."""
        self._now = now
        self._windows: dict[str, _Slices] = {}
        self._slots: dict[str, dict[str, int]] = {}
        self._purses: dict[str, _Sum] = {}
        self._takes = 0

    async def take(self, holder: str, claims: Sequence[Claim]) -> Taken | Refused | Unknown:
        """See `Counters.take`."""
        now = self._milliseconds()
        self._sweep_sometimes(now)
        unknown = tuple(
            i for i, claim in enumerate(claims) if isinstance(claim, Purse) and claim.key not in self._purses
        )
        if unknown:
            return Unknown(unknown)
        for index, claim in enumerate(claims):
            if (refused := self._refusal(index, claim, now)) is not None:
                return refused
        taken = [self._take(holder, claim, now) for claim in claims]
        return Taken(tuple(left for left, _ in taken), tuple(slice_ for _, slice_ in taken))

    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        """See `Counters.settle`."""
        now = self._milliseconds()
        for change in changes:
            match change.claim:
                case Window() as claim:
                    self._change_window(claim, change, now)
                case Slots(key=key):
                    self._slots.get(key, {}).pop(holder, None)
                case Purse() as claim:
                    if (known := self._purses.get(claim.key)) is not None:
                        known.add(claim, change.amount, now)
                case _:
                    assert_never(change.claim)

    async def tell(self, purse: Purse, amount: int) -> None:
        """See `Counters.tell`."""
        self._purses.setdefault(purse.key, _Sum(purse.period, amount, self._milliseconds() + purse.lifetime))

    async def renew(self, held: Sequence[tuple[str, Slots]]) -> None:
        """See `Counters.renew`."""
        now = self._milliseconds()
        for holder, slots in held:
            if holder in (holders := self._slots.get(slots.key, {})):
                holders[holder] = now + slots.lease

    async def close(self) -> None:
        """Nothing is open."""

    def _milliseconds(self) -> int:
        return int(self._now().timestamp() * 1000)

    def _refusal(self, index: int, claim: Claim, now: int) -> Refused | None:
        match claim:
            case Window():
                wait = self._slices(claim).wait(claim, now)
                return None if wait == 0 else Refused(index, wait)
            case Slots():
                return Refused(index, _SLOT_WAIT) if len(self._holders(claim, now)) >= claim.most else None
            case Purse():
                return Refused(index, None) if self._purses[claim.key].at(claim.period) >= claim.most else None
            case _:
                assert_never(claim)

    def _take(self, holder: str, claim: Claim, now: int) -> tuple[int, int]:
        match claim:
            case Window():
                slices = self._slices(claim)
                number = slices.add(claim, claim.amount, now)
                return claim.most - slices.total(claim, now), number
            case Slots():
                holders = self._holders(claim, now)
                holders[holder] = now + claim.lease
                return claim.most - len(holders), 0
            case Purse():
                return claim.most - self._purses[claim.key].at(claim.period), 0
            case _:
                assert_never(claim)

    def _slices(self, claim: Window) -> _Slices:
        found = self._windows.get(claim.key)
        if found is None:
            found = self._windows[claim.key] = _Slices()
        return found

    def _holders(self, claim: Slots, now: int) -> dict[str, int]:
        """Return who holds a slot, without those whose lease is over."""
        holders = self._slots.setdefault(claim.key, {})
        if len(holders) >= claim.most:
            for holder in [holder for holder, end in holders.items() if end <= now]:
                del holders[holder]
        return holders

    def _change_window(self, claim: Window, change: Change, now: int) -> None:
        slices = self._slices(claim)
        if change.slice is None:
            slices.add(claim, change.amount, now)
        elif change.slice in slices.counts:
            slices.counts[change.slice] += change.amount

    def _sweep_sometimes(self, now: int) -> None:
        """Forget what counts no more, so that subjects who never come back do not pile up."""
        self._takes += 1
        if self._takes % _SWEEP_EVERY:
            return
        for key in [key for key, slices in self._windows.items() if slices.ends <= now]:
            del self._windows[key]
        for key in [key for key, holders in self._slots.items() if all(end <= now for end in holders.values())]:
            del self._slots[key]
        for key in [key for key, known in self._purses.items() if known.ends <= now]:
            del self._purses[key]


class _Slices:
    """What a window counted, by slice."""

    __slots__ = ("counts", "ends")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.ends = 0
        """When nothing of it counts any more."""

    def add(self, claim: Window, amount: int, now: int) -> int:
        """Count in the present slice; return its number."""
        number = now // claim.width
        if amount:
            self.counts[number] = self.counts.get(number, 0) + amount
            self.ends = now + claim.lifetime
        return number

    def total(self, claim: Window, now: int) -> int:
        """Return what counts now; forget what does not."""
        first = now // claim.width - claim.back
        for number in [number for number in self.counts if number < first]:
            del self.counts[number]
        return sum(self.counts.values())

    def wait(self, claim: Window, now: int) -> int:
        """Return after how many milliseconds the claim fits; 0 when it does."""
        room = claim.most - max(claim.amount, 1)
        total = self.total(claim, now)
        if total <= room:
            return 0
        for number in sorted(self.counts):
            total -= self.counts[number]
            if total <= room:
                return (number + claim.back + 1) * claim.width - now
        return claim.lifetime


class _Sum:
    """A purse's sum, the period it is of, and until when it is kept."""

    __slots__ = ("amount", "ends", "period")

    def __init__(self, period: int, amount: int, ends: int) -> None:
        self.period = period
        self.amount = amount
        self.ends = ends

    def at(self, period: int) -> int:
        """Return the sum as of a period: nothing yet, if that is a later one."""
        return 0 if period > self.period else self.amount

    def add(self, purse: Purse, amount: int, now: int) -> None:
        """Add what was spent just now; a late word of the period before counts in the one that is."""
        self.amount = self.at(purse.period) + amount
        self.period = max(self.period, purse.period)
        self.ends = now + purse.lifetime
