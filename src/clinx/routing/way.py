"""The ways upstream: what is known of each, what one use of it is, and what others are told about it.

A way is a credential of a channel, used for one of the upstream's models, in the manner that a tree asks the channel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from clinx.domain.catalog import Channel, Credential, UpstreamEndpoint
from clinx.routing.circuit import Cause, Circuit, State
from clinx.routing.pace import Pace


class Kind(StrEnum):
    """Why a way is used."""

    NORMAL = "normal"
    PROBE = "probe"
    """It is open, and this one call finds out whether it still has to be."""
    LAST_RESORT = "last_resort"
    """It is open, and nobody else is left."""
    TEST = "test"
    """No caller waits for it."""


@dataclass(slots=True, eq=False)
class Way:
    """What is known of one way upstream."""

    fingerprint: str
    model: str
    """The upstream's name for it."""
    manner: str
    """The channel's: see `clinx.domain.catalog.Channel`."""
    circuit: Circuit = field(default_factory=Circuit)
    pace: Pace = field(default_factory=Pace)
    under_way: int = 0
    endpoint: UpstreamEndpoint | None = None
    """Where it was used last."""


class Use(Struct, frozen=True):
    """What a way is used for."""

    endpoint: UpstreamEndpoint | None = None
    tokens: int = 0
    """About how many it takes, before that is known."""
    user: int = 0
    """Whose request it is; 0 is nobody's."""


@dataclass(slots=True, eq=False)
class Turn:
    """One use of a way: taken and ended once, and judged in between."""

    channel: Channel
    credential: Credential
    way: Way
    kind: Kind
    epoch: int
    """Of the circuit when it was taken: a later one is not this turn's business."""
    begun_at: float
    use: Use
    ended: bool = False


class Transition(Struct, frozen=True):
    """A circuit opened, closed, or stays open for longer."""

    channel: str
    credential: str
    """Its fingerprint."""
    model: str
    state: State
    cause: Cause | None
    """Why it is open, or was."""
    seconds: float
    """Until the next look at it; 0.0 when it closed."""
    held: bool


class WayState(Struct, frozen=True):
    """What operators see of a way."""

    channel: str
    credential: str
    """Its fingerprint."""
    model: str
    """The upstream's name."""
    state: str
    """``closed``, ``resting``, ``suspect``, ``open``, ``held`` or ``half_open``."""
    cause: str | None
    seconds: float
    """Until the next look at it; 0.0 when nothing is wrong."""
    latency: float
    """The moving average of the seconds to the first content; 0.0 when nothing is known."""
    in_flight: int
    manner: str
    """The channel's, as it was when the way was used."""


class HeldWay(Struct, frozen=True):
    """A way that no caller's request may probe, and whose time for a test has come."""

    channel: str
    credential: str
    """Its fingerprint."""
    model: str
    manner: str
    endpoint: UpstreamEndpoint
