"""Places in a text, and what stands there instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol


class Span(NamedTuple):
    """``text[start:end]``, in characters."""

    start: int
    end: int


class Scan(Protocol):
    """Looks for something in one text that grows; any split of the text finds the same (a law)."""

    @property
    def settled(self) -> int:
        """Nothing that starts before this character will be found any more."""
        ...

    def feed(self, text: str, *, is_end: bool = False) -> Sequence[Span]:
        """Take more of the text; return what is certain now, counted from the beginning of the text."""
        ...


class Replacing(NamedTuple):
    """A span, and the text that takes its place."""

    span: Span
    replacement: str
    rank: int = 0
    """Which of several that begin at one place is the first: the lowest."""


def merged(found: Iterable[Replacing]) -> list[Replacing]:
    """Return the spans in order, with those that overlap as one; the first of them says what takes their place."""
    result: list[Replacing] = []
    for each in sorted(found, key=lambda each: (each.span.start, each.rank)):
        last = result[-1] if result else None
        if last is None or each.span.start >= last.span.end:
            result.append(each)
        elif each.span.end > last.span.end:
            result[-1] = last._replace(span=Span(last.span.start, each.span.end))
    return result


def replaced(text: str, found: Iterable[Replacing]) -> str:
    """Return the text with everything that was found replaced."""
    pieces: list[str] = []
    done = 0
    for span, replacement, _ in merged(found):
        pieces += (text[done : span.start], replacement)
        done = span.end
    pieces.append(text[done:])
    return "".join(pieces)
