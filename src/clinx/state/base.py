"""Claims on what is limited, and the protocol of those who count.

Theory of operation. A *window* counts in slices of equal width, numbered from 1970: a fixed window is one slice as
wide as itself, a sliding one is sixty slices, and the one that begins to slide out is counted to its end. So a sliding
window never lets more through than its limit in any span of its length, whatever happens at slice borders; what it
takes for that is that a place is free up to a sixtieth of the window later than it could be. *Slots* are held by name
and run out unless they are renewed, so that those of a killed process come back. A *purse* is a sum within a period
of the calendar: it begins at nothing when the period does, and has to be told its sum when it was never heard of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

SLICES: Final = 60
"""How many slices a sliding window has; one more is counted."""

MOST: Final = 2**53
"""The largest limit: up to here a double, the only number of a Redis script, compares exactly."""


class StateAway(Exception):
    """The place where processes count together cannot be asked now."""


class Window(Struct, frozen=True):
    """At most so many in a span of time."""

    key: str
    most: int
    width: int
    """Milliseconds of a slice."""
    back: int
    """How many slices before the present one still count."""
    amount: int
    """What is taken at once; 0 only asks whether anything is left."""

    @property
    def lifetime(self) -> int:
        """Milliseconds after which nothing of it counts any more."""
        return self.width * (self.back + 1)


class Slots(Struct, frozen=True):
    """At most so many at a time."""

    key: str
    most: int
    lease: int
    """Milliseconds after which a slot that was not renewed is free."""


class Purse(Struct, frozen=True):
    """At most so much in the period of the calendar that is now."""

    key: str
    most: int
    period: int
    """Its number: later ones are larger."""
    lifetime: int
    """Milliseconds for which the sum is kept after it last changed."""


Claim = Window | Slots | Purse


class Taken(Struct, frozen=True):
    """Everything was taken. Both tuples are in the order of the claims."""

    left: tuple[int, ...]
    """What is left of each."""
    slices: tuple[int, ...]
    """The slice that each window counted in; 0 for other claims."""


class Refused(Struct, frozen=True):
    """Nothing was taken, because of one claim."""

    index: int
    milliseconds: int | None
    """Until there may be room; None when only time's periods tell."""


class Unknown(Struct, frozen=True):
    """Nothing was taken: these purses (by index) must be told their sums first, with `Counters.tell`."""

    indexes: tuple[int, ...]


class Change(Struct, frozen=True):
    """What is changed of a claim that was taken, after the fact."""

    claim: Claim
    amount: int = 0
    """Added to a window or a purse; negative to give back."""
    slice: int | None = None
    """Where a window's amount belongs; None is now."""


class Counters(Protocol):
    """Someone who counts. Every method raises `StateAway` when that is not possible now."""

    async def take(self, holder: str, claims: Sequence[Claim]) -> Taken | Refused | Unknown:
        """Take all claims in one step, or none; slots are held under the holder's name."""
        ...

    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        """Add what was used, give back what was not, free slots. A purse nobody remembers stays forgotten."""
        ...

    async def tell(self, purse: Purse, amount: int) -> None:
        """Say what a purse's sum is; without effect where it is known."""
        ...

    async def renew(self, held: Sequence[tuple[str, Slots]]) -> None:
        """Keep slots, by holder, for another lease."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
