"""How an explanation is written: labels and lines for people; the same facts for programs are the command's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from clinx.domain.figures import printable

_WIDTH: Final = 10


@dataclass(slots=True)
class Story:
    """Lines under labels."""

    lines: list[str] = field(default_factory=list[str])

    def tell(self, label: str, *lines: str) -> None:
        """Add lines under a label; without lines nothing is said."""
        for number, line in enumerate(lines):
            self.lines.append(f"{'' if number else label:<{_WIDTH}}{printable(line)}".rstrip())

    def __str__(self) -> str:
        """Write all of it."""
        return "\n".join(self.lines)


def joined(parts: Iterable[str | None], by: str = ", ") -> str:
    """Join what is there."""
    return by.join(part for part in parts if part)
