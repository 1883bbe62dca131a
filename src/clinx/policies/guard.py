"""Content rules: what must not go in or out, and what happens where it does.

A rule looks for patterns, for words or for both. What it finds is blocked, masked or only flagged; a refusal names
the rule and never what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from clinx.errors import PolicyRefused
from clinx.policies.guard_batch import Batch
from clinx.policies.guard_patterns import Patterns
from clinx.policies.guard_spans import Scan, Span
from clinx.policies.guard_words import WordList

REPLACEMENT: Final = "***"


class GuardAction(StrEnum):
    """What happens where something is found."""

    BLOCK = "block"
    """The exchange is refused, or its answer ends."""
    MASK = "mask"
    """Something else stands there."""
    FLAG = "flag"
    """It is written down."""


@dataclass(frozen=True, slots=True)
class GuardRule:
    """One rule."""

    name: str
    action: GuardAction
    patterns: Patterns | None = None
    words: WordList | None = None
    on_input: bool = True
    on_output: bool = True
    replacement: str = REPLACEMENT
    """Never empty: what is left and right of a match must not become one."""
    message: str | None = None
    """What a refused caller is told."""

    def find(self, text: str) -> list[Span]:
        """Return what it finds in a whole text, in no order."""
        sources = (self.patterns, self.words)
        return [span for source in sources if source is not None for span in source.find(text)]

    def touched(self, batch: Batch) -> Iterator[int]:
        """Yield the numbers of the texts that it may find something in: of all in which it does, and perhaps more."""
        for source in (self.patterns, self.words):
            if source is not None:
                yield from source.touched(batch)

    def scans(self) -> list[Scan]:
        """Return fresh searches of a text that grows."""
        return [source.scan() for source in (self.patterns, self.words) if source is not None]

    def refusal(self) -> PolicyRefused:
        """Return the error that a caller is shown."""
        if self.message is None:
            return PolicyRefused(f"The rule '{self.name}' refuses this content.").said_by(self.name)
        return PolicyRefused(self.message, hint=f"The rule '{self.name}' says so.").said_by(self.name)


Report: TypeAlias = Callable[[GuardRule, int], None]
"""Told of a rule, and how often it found something."""


def on_input(rules: Sequence[GuardRule]) -> tuple[GuardRule, ...]:
    """Return the rules that look at what a caller sends."""
    return tuple(rule for rule in rules if rule.on_input)


def on_output(rules: Sequence[GuardRule]) -> tuple[GuardRule, ...]:
    """Return the rules that look at what a model answers."""
    return tuple(rule for rule in rules if rule.on_output)
