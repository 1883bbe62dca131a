"""Usage: how much of each priced unit an exchange consumed, in disjoint buckets."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from operator import attrgetter
from typing import Final

from msgspec import Struct


class Unit(StrEnum):
    """What a price may name. The buckets are disjoint: a cached token is never also an input token."""

    INPUT = "input"
    OUTPUT = "output"
    CACHE_READ = "cache_read"
    CACHE_WRITE = "cache_write"
    CACHE_WRITE_1H = "cache_write_1h"
    REASONING = "reasoning"
    AUDIO_INPUT = "audio_input"
    AUDIO_OUTPUT = "audio_output"
    IMAGE_INPUT = "image_input"
    IMAGE_OUTPUT = "image_output"
    IMAGE = "image"
    SECOND = "second"
    CHARACTER = "character"
    SEARCH = "search"
    CALL = "call"


PROMPT_UNITS = (
    Unit.INPUT,
    Unit.CACHE_READ,
    Unit.CACHE_WRITE,
    Unit.CACHE_WRITE_1H,
    Unit.AUDIO_INPUT,
    Unit.IMAGE_INPUT,
)
"""The buckets that together are the whole prompt; price tiers are chosen by their sum."""

ANSWER_UNITS = (Unit.OUTPUT, Unit.REASONING, Unit.AUDIO_OUTPUT, Unit.IMAGE_OUTPUT)
"""The buckets that together are the whole answer."""


class Usage(Struct, frozen=True, gc=False):
    """Counts per unit. Field names are the values of `Unit`; every count is a non-negative integer."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_output: int = 0
    image: int = 0
    second: int = 0
    character: int = 0
    search: int = 0
    call: int = 0
    estimated: bool = False
    """True when we counted because the upstream did not say."""

    def count(self, unit: Unit) -> int:
        """Return the count of one bucket."""
        return getattr(self, unit)

    @property
    def input_tokens(self) -> int:
        """The whole prompt, cached parts included."""
        text, images = self.input + self.cache_read + self.cache_write + self.cache_write_1h, self.image_input
        return text + self.audio_input + images

    @property
    def output_tokens(self) -> int:
        """The whole answer, reasoning included."""
        return self.output + self.reasoning + self.audio_output + self.image_output

    def nonzero(self) -> dict[str, int]:
        """Return the buckets that hold something, by unit name: what logs and ledgers store."""
        return dict([pair for pair in zip(_NAMES, _all(self), strict=True) if pair[1]])


def counts_of(units: tuple[Unit, ...]) -> Callable[[Usage], tuple[int, ...]]:
    """Return a getter of several buckets at once, in their order; one call instead of one for each."""
    if not units:
        return lambda _: ()
    if len(units) == 1:
        return lambda usage: (usage.count(units[0]),)
    return attrgetter(*units)


# Getters over several fields at once: every exchange is totalled and written down a few times.
_NAMES: Final = Usage.__struct_fields__
_all: Final[Callable[[Usage], tuple[int, ...]]] = attrgetter(*_NAMES)
