"""Words that are looked for in a text, tens of thousands of them in one pass.

Letters are compared by their case folding. That makes some of them longer (``ß`` is ``ss``), so places in the folded
text are led back to the text itself. A whole word has no letter, digit or mark beside it; scripts that are written
without spaces have a border between any two characters.

All occurrences count, those that overlap too; of words that end at one place the longest.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from ahocorasick_rs import AhoCorasick

from clinx.policies.guard_batch import Batch
from clinx.policies.guard_spans import Span

SLICE: Final = 1 << 14
"""Characters that are searched at once, which bounds the memory that a text full of matches takes."""
MOST_NESTED: Final = 16
"""Words of a list that may end at one place of a text, which bounds the matches that a text can be full of."""

_END: Final = itemgetter(2)
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3040-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer; Hangul, whose particles hang on to words; kana, bopomofo and ideographs."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def nested(words: Iterable[str]) -> str | None:
    """Return a word that too many others are the end of, if there is one."""
    folded = {word.casefold() for word in words}
    for word in folded:
        if len(word) > MOST_NESTED and sum(word[place:] in folded for place in range(len(word))) > MOST_NESTED:
            return word
    return None


class WordList:
    """Words to look for; immutable."""

    __slots__ = ("_automaton", "_first", "_firsts", "_sorted", "longest", "whole")

    def __init__(self, words: Iterable[str], *, whole: bool) -> None:
        """Take the words, in any case and order; ``whole``: not where they are a part of another word."""
        self._sorted = sorted({word.casefold() for word in words})
        self._automaton = AhoCorasick(self._sorted)
        self._firsts = frozenset(word[0] for word in self._sorted)
        self._first = re.compile(f"[{''.join(map(re.escape, sorted(self._firsts)))}]")
        self.longest = max(map(len, self._sorted))
        """Of the folded words, in characters."""
        self.whole = whole

    def __len__(self) -> int:
        return len(self._sorted)

    def find(self, text: str) -> list[Span]:
        """Return every occurrence in a whole text."""
        if len(text) <= SLICE:
            folded, origins = _folded(text)
            return [_led_back(span, origins) for span in self.occurrences(folded)]
        scan = WordScan(self)
        found = [span for start in range(0, len(text), SLICE) for span in scan.feed(text[start : start + SLICE])]
        return found + list(scan.feed("", is_end=True))

    def touched(self, batch: Batch) -> Iterator[int]:
        """Yield the numbers of the texts that have a word; one may come more than once."""
        return (batch.around(start) for start, _ in self.find(batch.text))

    def scan(self) -> WordScan:
        """Return a fresh search."""
        return WordScan(self)

    def occurrences(self, folded: str, first: int = 0) -> Iterator[Span]:
        """Yield where in a folded text words stand; of those that end at one place the longest, which covers them.

        What is before ``first`` was searched: it is only looked at for the border it makes.
        """
        found = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        for end, group in groupby(found, key=_END):
            if self.whole and _joins(folded, end):
                continue
            starts = sorted(start for _, start, _ in group if start >= first)
            start = next((start for start in starts if not (self.whole and _joins(folded, start))), None)
            if start is not None:
                yield Span(start, end)

    def begins_in(self, text: str) -> bool:
        """Whether a word may begin anywhere in this."""
        return self._first.search(_folded(text)[0]) is not None

    def first_open(self, folded: str, start: int) -> int:
        """Return the first place from ``start`` on where a word may begin that what follows would complete."""
        for place in range(max(start, len(folded) - self.longest), len(folded)):
            is_border = not self.whole or not _joins(folded, place)
            if folded[place] in self._firsts and is_border and self._begins(folded[place:]):
                return place
        return len(folded)

    def _begins(self, text: str) -> bool:
        """Whether a word goes on after this text; or, where its border is still to be seen, whether it is a word."""
        place = bisect_left(self._sorted, text)
        if not self.whole and place < len(self._sorted) and self._sorted[place] == text:
            place += 1
        return place < len(self._sorted) and self._sorted[place].startswith(text)


class WordScan:
    """Looks for words in one text that grows; a `Scan`."""

    __slots__ = ("_before", "_held", "_known", "_words", "settled")

    def __init__(self, words: WordList) -> None:
        """Start before the first character."""
        self._words = words
        self._before = ""
        """The character before what is held."""
        self._held = ""
        """From ``settled`` on."""
        self.settled = 0
        """Nothing that starts before this character will be found any more."""
        self._known = 0
        """The end of what was searched, borders included."""

    def feed(self, text: str, *, is_end: bool = False) -> Sequence[Span]:
        """Take more of the text; return what is certain now."""
        words = self._words
        if text and not is_end and not self._held and not words.begins_in(text):
            self.settled += len(text)
            self._before = text[-1]
            return ()
        shown = self._before + self._held + text
        folded, origins = _folded(shown)
        base = self.settled - len(self._before)
        known = len(shown) - (1 if words.whole and not is_end else 0)
        found: list[Span] = []
        for occurrence in words.occurrences(folded, len(self._before.casefold())):
            span = _led_back(occurrence, origins)
            if self._known - base < span.end <= known:
                found.append(Span(base + span.start, base + span.end))
        self._known = base + max(known, 0)
        self._advance(shown, folded, origins, is_end=is_end)
        return found

    def _advance(self, shown: str, folded: str, origins: Sequence[int] | None, *, is_end: bool) -> None:
        """Let go of what no word can begin in."""
        place = len(folded) if is_end else self._words.first_open(folded, len(self._before.casefold()))
        kept = place if origins is None else origins[place]
        self.settled += kept - len(self._before)
        self._before = shown[kept - 1 : kept] if kept else ""
        self._held = shown[kept:]


def _folded(text: str) -> tuple[str, Sequence[int] | None]:
    """Return the text with its case folded and, where that made it longer, the character each place comes from."""
    if text.isascii():
        return text.lower(), None
    folded = _SURROGATE.sub("\ufffd", text).casefold()
    if len(folded) == len(text):
        return folded, None
    origins = [place for place, char in enumerate(text) for _ in char.casefold()]
    return folded, [*origins, len(text)]


def _led_back(span: Span, origins: Sequence[int] | None) -> Span:
    """Return where in the text a span of its folded form comes from, whole characters of it."""
    return span if origins is None else Span(origins[span.start], origins[span.end - 1] + 1)


def _joins(text: str, place: int) -> bool:
    """Whether the characters before and at a place belong to one word."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    return _is_of_word(before) and _is_of_word(after) and not _UNSPACED.match(before) and not _UNSPACED.match(after)


def _is_of_word(char: str) -> bool:
    return char.isalnum() or char == "_" or unicodedata.category(char).startswith("M")
