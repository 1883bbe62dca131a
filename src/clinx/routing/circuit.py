"""The circuit of one way upstream: whether it may be used now, and what its failures make of it.

                      trip                      probe
        ┌───────────┐ ───────────► ┌──────────┐ ───────────► ┌───────────┐
        │  CLOSED   │              │   OPEN   │              │ HALF_OPEN │
        └───────────┘ ◄─────────── └──────────┘ ◄─────────── └───────────┘
              ▲        proven, reset            trip, void         │
              └────────────────────────────────────────────────────┘
                                  proven, reset

Closed, everything passes. It trips when failures come in a row, or when they are too large a share of what a window
saw. Open, nothing passes until its time, which doubles with every opening in a row; then exactly one call is let
through, the probe, and what becomes of it decides. A *held* circuit waits for no time: its credential was refused, and
a caller's request is no way to find out whether it is good again; a channel test, an operator or another key closes it.

Apart from all that a circuit may *rest*, because the vendor said when to come back, and it may be *suspect*: then
everything else goes first. One refusal may have concerned one request, and many the requests of one user, who must not
take a way from everybody: it is suspect from the second on, or when it can only have been the credential that was
refused, and it trips when different users were refused, or one more often.

Results of calls that began before the last transition say nothing of the present and are not counted. No clock in
here: instants and draws are passed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from clinx.domain.resilience import CircuitRule
from clinx.routing.window import Window

SUSPICION: Final = 60.0
"""Seconds everything else is preferred to what was refused."""
REFUSED_USERS: Final = 2
"""Users who were refused without a success between them, after which it is the credential that is wrong."""
REFUSALS: Final = 5
"""The same, where it is one user alone."""

_SLOTS: Final = 10
_MOST_DOUBLINGS: Final = 30


class State(StrEnum):
    """Whether calls pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Sign(StrEnum):
    """What happens to a circuit."""

    TRIP = "trip"
    """It failed too often, or its probe did."""
    PROBE = "probe"
    """One call is let through."""
    PROVEN = "proven"
    """The probe, a last resort or a test got an answer."""
    VOID = "void"
    """The probe ended without telling anything: its caller left."""
    RESET = "reset"
    """An operator says that it is good again."""


class Cause(StrEnum):
    """Why it is not at its best."""

    OVERLOADED = "overloaded"
    """The vendor said to come back later."""
    REFUSED = "refused"
    """The credential, its rights or its money."""
    TIMEOUT = "timeout"
    """Too late."""
    BROKEN = "broken"
    """No connection, 5xx, nonsense, an address that nothing answers at."""
    TOLD = "told"
    """The tree says that such an answer opens it."""


TRANSITIONS: Final[Mapping[tuple[State, Sign], State]] = MappingProxyType(
    {
        (State.CLOSED, Sign.TRIP): State.OPEN,
        (State.OPEN, Sign.PROBE): State.HALF_OPEN,
        (State.OPEN, Sign.TRIP): State.OPEN,
        (State.OPEN, Sign.PROVEN): State.CLOSED,
        (State.OPEN, Sign.RESET): State.CLOSED,
        (State.HALF_OPEN, Sign.PROBE): State.HALF_OPEN,
        (State.HALF_OPEN, Sign.TRIP): State.OPEN,
        (State.HALF_OPEN, Sign.VOID): State.OPEN,
        (State.HALF_OPEN, Sign.PROVEN): State.CLOSED,
        (State.HALF_OPEN, Sign.RESET): State.CLOSED,
    }
)
"""A sign without a row changes nothing."""


@dataclass(slots=True)
class _Rate:
    """Good and bad calls within a window that begins with a failure."""

    good: Window
    bad: Window


@dataclass(slots=True)
class Circuit:
    """One circuit; begins closed. Every method takes the monotonic instant."""

    state: State = State.CLOSED
    cause: Cause | None = None
    until: float = 0.0
    """When a probe may pass, or another one if the last was never heard of again; of a held one, when a test is due."""
    held: bool = False
    rests_until: float = 0.0
    suspect_until: float = 0.0
    epoch: int = 0
    """Counts the transitions."""
    openings: int = 0
    """In a row, without a whole answer between them."""
    failures: int = 0
    refusals: int = 0
    refused: frozenset[int] = frozenset()
    """Users of the refusals; no more of them than matter."""
    _rate: _Rate | None = None

    @property
    def is_closed(self) -> bool:
        """Whether everything passes, if it does not rest."""
        return self.state is State.CLOSED

    def is_due(self, now: float) -> bool:
        """Whether one probe may pass."""
        return not self.is_closed and not self.held and now >= self.until

    def is_well(self, now: float) -> bool:
        """Whether there is nothing against it."""
        return self.is_closed and now >= self.rests_until and now >= self.suspect_until

    def apply(self, sign: Sign) -> bool:
        """Follow the table; whether anything but the time changed."""
        after = TRANSITIONS.get((self.state, sign))
        if after is None:
            return False
        changed = after is not self.state
        self.state = after
        self.epoch += 1
        if after is State.CLOSED:
            self.cause, self.held, self._rate = None, False, None
            self._begin_counting()
            self.suspect_until = 0.0
        return changed

    def probe(self, rule: CircuitRule, now: float) -> None:
        """Let one call through, and another one only if nothing is heard of it for a long time."""
        self.apply(Sign.PROBE)
        self.until = now + rule.longest

    def void(self, now: float) -> None:
        """Take note that the probe told nothing: the next call is one."""
        if self.apply(Sign.VOID):
            self.until = now

    def rest(self, now: float, seconds: float) -> None:
        """Do not use it for some seconds; a longer rest is never shortened."""
        self.rests_until = max(self.rests_until, now + seconds)

    def forget(self) -> None:
        """Hold nothing against it any more."""
        self.rests_until = self.suspect_until = 0.0
        self._begin_counting()
        self.openings = 0
        self._rate = None

    def succeed(self, now: float) -> None:
        """Count a whole answer."""
        self._begin_counting()
        self.openings = 0
        self.suspect_until = 0.0
        if self._rate is not None:
            self._rate.good.add(now)

    def refuse(self, now: float, user: int, *, is_sure: bool = False) -> bool:
        """Count a refusal of the credential; whether it is one too many.

        Args:
            now: the instant.
            user: whose request it was.
            is_sure: whether no request could have caused it.
        """
        self.refusals += 1
        if len(self.refused) < REFUSED_USERS:
            self.refused |= {user}
        if is_sure or self.refusals > 1:
            self.suspect_until = max(self.suspect_until, now + SUSPICION)
        return len(self.refused) >= REFUSED_USERS or self.refusals >= REFUSALS

    def fail(self, rule: CircuitRule, now: float) -> bool:
        """Count a failure; whether it is one too many."""
        self.failures += 1
        if self._rate is None:
            self._rate = _Rate(Window(rule.window, _SLOTS), Window(rule.window, _SLOTS))
        self._rate.bad.add(now)
        return self.failures >= rule.failures or self._is_bad(rule, self._rate, now)

    def trip(self, cause: Cause, rule: CircuitRule, now: float, jitter: float, *, held: bool = False) -> bool:
        """Open for a time that doubles with every opening in a row; whether it was not open before.

        Args:
            cause: why.
            rule: how long.
            now: the instant.
            jitter: in [0, 1); the time is drawn from its second half, so that what failed together is not probed
                together.
            held: whether no caller's request may probe it.
        """
        seconds = min(rule.longest, rule.cooldown * 2 ** min(self.openings, _MOST_DOUBLINGS))
        self.until = now + seconds * (1 + jitter) / 2
        self.cause, self.held = cause, held or self.held  # Whatever else it turns out to be, it was refused.
        self.openings += 1
        return self.apply(Sign.TRIP)

    def _begin_counting(self) -> None:
        self.failures = self.refusals = 0
        self.refused = frozenset()

    @staticmethod
    def _is_bad(rule: CircuitRule, rate: _Rate, now: float) -> bool:
        bad = rate.bad.total(now)
        volume = bad + rate.good.total(now)
        return volume >= rule.volume and bad >= volume * rule.rate
