"""How a channel is treated that fails or is full: ``circuit``, ``retry``, ``limits`` and ``test`` of the tree."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from clinx.domain.operation import Operation


@dataclass(frozen=True, slots=True)
class Answers:
    """Which failed answers are meant: by status, or by words that the vendor's message contains."""

    statuses: AbstractSet[int] = frozenset()
    texts: tuple[str, ...] = ()
    """In lower case."""

    def fit(self, status: int | None, message: str) -> bool:
        """Whether an answer is meant; ``message`` may be in any case."""
        if status in self.statuses:
            return True
        return bool(self.texts) and _contains(message, self.texts)


NO_ANSWERS: Final = Answers()


@dataclass(frozen=True, slots=True)
class CircuitRule:
    """When a circuit opens, and for how long."""

    failures: int = 5
    """So many in a row."""
    rate: float = 0.5
    """Or this share of the calls of a window, if there were at least ``volume``."""
    window: float = 60.0
    """Seconds."""
    volume: int = 20
    cooldown: float = 5.0
    """Seconds until the first probe; doubled each time that a probe fails."""
    longest: float = 300.0
    """Seconds that it is never doubled beyond."""
    open_on: Answers = NO_ANSWERS
    """Answers that open it at once."""


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How a channel's failures are retried."""

    attempts: int = 3
    """Most attempts of one exchange that may begin while this channel leads the plan; never above 3."""
    on: AbstractSet[int] | None = None
    """The only statuses after which another channel is tried; None leaves it to what a failure means."""
    texts: tuple[str, ...] = ()
    """Words in the vendor's message, in lower case, after which another channel is tried whatever the status."""

    def wants(self, status: int | None, message: str) -> bool | None:
        """Whether another channel is to be tried after an answer; None when the rule says nothing of it."""
        if self.texts and _contains(message, self.texts):
            return True
        return None if self.on is None or status is None else status in self.on


DEFAULT_CIRCUIT: Final = CircuitRule()
DEFAULT_RETRY: Final = RetryRule()


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """How much a channel takes at once, in this process; what is more goes elsewhere."""

    rpm: int | None = None
    """Attempts that begin within a minute."""
    tpm: int | None = None
    """Tokens within a minute."""
    concurrency: int | None = None
    """Attempts under way."""


@dataclass(frozen=True, slots=True)
class ChannelTest:
    """How often a channel is tried out, and with what."""

    every: float
    """Seconds."""
    model: str | None = None
    """Its public name; None takes the first that the channel lists."""
    operation: Operation | None = None
    """None takes a chat where the provider has one."""


def _contains(message: str, texts: tuple[str, ...]) -> bool:
    lowered = message.lower()
    return any(text in lowered for text in texts)
