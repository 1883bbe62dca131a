"""How busy each channel is, and whether it takes more: its own limits, counted in this process."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from clinx.domain.catalog import Channel
from clinx.routing.window import Window

MINUTE: Final = 60.0
_SLOTS: Final = 60


@dataclass(slots=True)
class _Load:
    """One channel's."""

    under_way: int = 0
    requests: Window = field(default_factory=lambda: Window(MINUTE, _SLOTS))
    tokens: Window = field(default_factory=lambda: Window(MINUTE, _SLOTS))


class Occupancy:
    """Attempts under way and lately, by channel name: it outlives reloads of the tree."""

    def __init__(self) -> None:
        """Begin with idle channels."""
        self._loads: dict[str, _Load] = {}

    def under_way(self, channel: str) -> int:
        """Return how many attempts are under way."""
        load = self._loads.get(channel)
        return load.under_way if load is not None else 0

    def enter(self, channel: Channel, tokens: int, now: float) -> bool:
        """Begin an attempt of about so many tokens; False, and nothing is counted, when the channel is full."""
        load = self._loads.get(channel.name)
        if load is None:
            load = self._loads[channel.name] = _Load()
        if channel.limits is not None:
            if self.free_in(channel, tokens, now) > 0:
                return False
            load.requests.add(now)
            load.tokens.add(now, tokens)
        load.under_way += 1
        return True

    def leave(self, channel: Channel, correction: int, now: float, since: float) -> None:
        """End an attempt that began at an instant and used so many tokens more, or fewer, than was said of it."""
        load = self._loads[channel.name]
        load.under_way -= 1
        if channel.limits is None:
            return
        if correction > 0:
            load.tokens.add(now, correction)
        elif correction < 0:
            load.tokens.take_back(now, since, -correction)

    def free_in(self, channel: Channel, tokens: int, now: float) -> float:
        """Return the seconds until an attempt fits in: 0.0 when it does now, infinity when nobody knows.

        What is larger than a minute's tokens all by itself fits in when nothing else was there for a minute.
        """
        limits, load = channel.limits, self._loads.get(channel.name)
        if limits is None or load is None:
            return 0.0
        if limits.concurrency is not None and load.under_way >= limits.concurrency:
            return float("inf")
        waits = [0.0]
        if limits.rpm is not None and (over := load.requests.total(now) + 1 - limits.rpm) > 0:
            waits.append(load.requests.frees_in(now, over))
        if limits.tpm is not None and (used := load.tokens.total(now)) > 0:
            over = min(used + tokens - limits.tpm, used)
            waits.append(load.tokens.frees_in(now, over) if over > 0 else 0.0)
        return max(waits)

    def forget_others(self, names: Collection[str]) -> None:
        """Drop what is known of idle channels that are not among these."""
        for name in [name for name, load in self._loads.items() if name not in names and not load.under_way]:
            del self._loads[name]
