"""What rules say about the way of an exchange: the value that policies give and routing obeys."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Strategy(StrEnum):
    """How equals of one priority are ordered."""

    WEIGHTED = "weighted"
    """A draw by weight."""
    LEAST_BUSY = "least_busy"
    """Fewest exchanges under way, relative to weight."""
    LOWEST_LATENCY = "lowest_latency"
    """The smallest moving average of the time to the first byte, which rises at once and decays slowly."""
    CHEAPEST = "cheapest"
    """The smallest ``cost``; a channel without one comes last."""
    IN_ORDER = "in_order"
    """As the tree lists them."""


class Steer(Struct, frozen=True):
    """Constraints and preferences of one exchange, beside what the route table says."""

    require: frozenset[str] = frozenset()
    """Tags that a channel must have, all of them."""
    prefer: frozenset[str] = frozenset()
    """Channels with one of these tags go before the others."""
    avoid: frozenset[str] = frozenset()
    """Channels with one of these tags go after all others."""
    pinned: str | None = None
    """The name of the only channel that may serve it."""
    sticky: str | None = None
    """The name of the channel that goes first as long as it is healthy."""
    strategy: Strategy | None = None
    """Instead of the model's or group's own."""


FREE: Final = Steer()
"""No rule says anything."""
