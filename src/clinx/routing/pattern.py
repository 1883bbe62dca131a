"""Model names with holes: ``gpt-4-gizmo-*``."""

from __future__ import annotations

from dataclasses import dataclass

WILDCARD = "*"


def is_pattern(name: str) -> bool:
    """Whether a model name of the tree stands for many names."""
    return WILDCARD in name


@dataclass(frozen=True, slots=True)
class Pattern:
    """A model name in which ``*`` stands for any text, also none; everything else is literal and case-sensitive."""

    text: str
    pieces: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Split a pattern at its wildcards."""
        return cls(text, tuple(text.split(WILDCARD)))

    @property
    def order(self) -> tuple[int, str]:
        """Sort key: the longer pattern first, then by name so that the order never depends on the file."""
        return (-len(self.text), self.text)

    def matches(self, name: str) -> bool:
        """Whether the pattern stands for this name.

        Each piece is taken at its first possible place, which decides without ever going back: names come from
        callers, and a regular expression would take polynomial time on a long one.
        """
        if len(self.pieces) == 1:
            return name == self.text
        first, *middle, last = self.pieces
        if not name.startswith(first):
            return False
        position = len(first)
        for piece in middle:
            found = name.find(piece, position)
            if found < 0:
                return False
            position = found + len(piece)
        return len(name) - len(last) >= position and name.endswith(last)
