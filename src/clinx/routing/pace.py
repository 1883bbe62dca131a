"""How fast somebody answers: a moving average that believes bad news at once and good news slowly."""

from __future__ import annotations

import math
from typing import Final

DECAY: Final = 10.0
"""Seconds after which what was seen counts for about a third."""


class Pace:
    """A peak-sensitive moving average of seconds. What nobody asked for a while is forgotten, and so tried again."""

    __slots__ = ("_at", "_seconds")

    def __init__(self) -> None:
        """Know nothing."""
        self._seconds = 0.0
        self._at = 0.0

    def sample(self, seconds: float, now: float) -> None:
        """Take note of one answer: a slower one than the average is the new average."""
        self._seconds = max(seconds, self._blended(seconds, now))
        self._at = now

    def seconds(self, now: float) -> float:
        """Return the average; 0.0 when nothing is known."""
        return self._blended(0.0, now)

    def _blended(self, seconds: float, now: float) -> float:
        kept = math.exp((self._at - now) / DECAY)
        return self._seconds * kept + seconds * (1 - kept)
