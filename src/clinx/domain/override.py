"""What an operator says of a channel for a while, instead of what the tree says: with a reason, an actor, an end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

LONGEST: Final = timedelta(days=7)
"""What shall last longer belongs in the tree."""


class Aspect(StrEnum):
    """What of a channel can be overridden; as the tree calls it, but for the first, which a tree does not have."""

    DISABLED = "disabled"
    """1: nothing is sent there. 0 says that it is not disabled, which is how a channel begins."""
    WEIGHT = "weight"
    PRIORITY = "priority"


BOUNDS: Final[Mapping[Aspect, tuple[int, int]]] = {
    Aspect.DISABLED: (0, 1),
    Aspect.WEIGHT: (0, 1_000_000),
    Aspect.PRIORITY: (-1_000_000, 1_000_000),
}
"""The least and the most that each may be, as the tree has them."""


def may_end(until: datetime, now: datetime) -> bool:
    """Whether an override that begins now may last until an instant."""
    return now < until <= now + LONGEST


class Override(Struct, frozen=True):
    """One aspect of one channel, until an instant. The newest of an aspect counts."""

    channel: str
    aspect: Aspect
    value: int
    reason: str
    actor: str
    at: datetime
    until: datetime
    id: int = 0
    """Given when it is stored."""

    @property
    def shown(self) -> str:
        """How it is written on the command line: ``channels.main.weight=0``."""
        value = ("false", "true")[self.value] if self.aspect is Aspect.DISABLED else str(self.value)
        return f"channels.{self.channel}.{self.aspect}={value}"

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed."""
        return self.until <= now
