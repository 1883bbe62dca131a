"""Many texts in one pass: which rules may find something in which of them.

A look costs far more than the few characters of a short text are worth, and a request may be made of tens of thousands
of them. So each rule looks once at all of them together, with a line break between any two, which is a border of words
as the ends of a text are. A text that something may be found in is looked at by itself afterwards: what is found there
is what counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, Protocol, TypeVar

SEPARATOR: Final = "\n"
"""No word of a rule has one."""


class Batch:
    """Texts one behind the other."""

    __slots__ = ("data", "pieces", "starts", "text", "text_starts")

    def __init__(self, texts: Sequence[str]) -> None:
        """Join them."""
        self.text = SEPARATOR.join(texts)
        self.pieces = [text.encode("utf-8", "surrogatepass") for text in texts]
        """Each as bytes."""
        self.data = SEPARATOR.encode().join(self.pieces)
        self.starts = _starts(self.pieces)
        """Where each begins in the bytes."""
        self.text_starts = self.starts if len(self.text) == len(self.data) else _starts(texts)
        """Where each begins in the characters."""

    def touching(self, start: int, end: int) -> range:
        """Return the numbers of the texts that ``data[start:end]`` touches."""
        return range(bisect_right(self.starts, start) - 1, bisect_right(self.starts, end))

    def around(self, place: int) -> int:
        """Return the number of the text that a character lies in."""
        return bisect_right(self.text_starts, place) - 1


class Looking(Protocol):
    """Looks at all texts of a batch in one pass."""

    def touched(self, batch: Batch) -> Iterator[int]:
        """Yield the numbers of the texts that it may find something in: of all in which it does, and perhaps more."""
        ...


Rule = TypeVar("Rule", bound=Looking)


def concerned(texts: Sequence[str], rules: Sequence[Rule]) -> Mapping[int, Sequence[Rule]]:
    """Return the numbers of the texts that rules may find something in, each with those rules in their order."""
    if len(texts) <= 1:
        return dict.fromkeys(range(len(texts)), rules)
    found: dict[int, list[Rule]] = {}
    batch = Batch(texts)
    for rule in rules:
        for place in set(rule.touched(batch)):
            found.setdefault(place, []).append(rule)
    return found


def _starts(texts: Sequence[str] | Sequence[bytes]) -> list[int]:
    return [0, *accumulate(len(text) + 1 for text in texts)][: len(texts)]
