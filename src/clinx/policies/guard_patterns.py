r"""Patterns that are looked for in a text, in a time that is linear in it, whatever the patterns are: RE2's.

A whole text is searched as it is. Of one that grows, what is found must not depend on where it was cut, so a match
there is what begins at a place and is no longer than the window; a longer one is not found. Where nothing can begin
is told from the range that RE2 gives for a pattern's matches, so that a text is not held back for a whole window when
it cannot become one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from clinx.policies.guard_batch import Batch
from clinx.policies.guard_spans import Span
from clinx.policies.regex import PatternError, Regex, RegexError, compile_regex

WINDOW: Final = 256
"""Bytes of the longest match in a text that grows, unless a rule says otherwise."""
MAX_WINDOW: Final = 4096
MAX_MEMORY: Final = 1 << 20
"""Bytes that one pattern may take once it is compiled."""
MAX_MEMORY_TOGETHER: Final = 16 << 20

_BEYOND: Final = 3
"""Windows behind the first that are searched at once, where that finds nothing that is too long."""
_LESS: Final = 4
_RANGE: Final = 32
"""Bytes of a match's beginning that are compared."""
_MASK: Final = 0xC0
_CONTINUES: Final = 0x80
"""The upper bits of a byte that does not begin a character."""
_ABSOLUTE: Final = re.compile(r"\\[AzZ]|\(\?[a-zA-Z]*-[a-zA-Z]*m")
"""What means the ends of a text and never those of a line."""
_SAMPLES: Final = ("", "a", "a b", "1\n2", "-", "é")


class Patterns:
    """Patterns to look for; immutable. At one place the first of them that matches counts."""

    __slots__ = ("_firsts", "_joined", "_ranges", "_regex", "window")

    def __init__(self, sources: Sequence[str], *, window: int = WINDOW) -> None:
        """Compile the patterns, each of which `check` has let pass.

        Raises:
            PatternError: together they are too large.
        """
        try:
            self._regex = compile_regex("|".join(f"(?:{source})" for source in sources), MAX_MEMORY_TOGETHER)
        except PatternError:
            raise PatternError("the patterns are too large together", "spread them over several rules") from None
        self._joined = _joined(sources, self._regex)
        """What finds the same, and perhaps more, in texts with line breaks between them; None where nothing does."""
        self._ranges = [_range(compile_regex(source, MAX_MEMORY)) for source in sources]
        firsts = [byte for byte in range(256) if self.may_begin(bytes((byte,)), 0)]
        self._firsts = re.compile(b"[%b]" % b"".join(b"\\x%02x" % byte for byte in firsts) if firsts else b"(?!)")
        self.window = window
        """Bytes of the longest match in a text that grows."""

    def find(self, text: str) -> list[Span]:
        """Return every match in a whole text, of any length; none overlap."""
        data = _encoded(text)
        found = (match.span() for match in self._regex.finditer(data))
        return list(_in_characters(data, (span for span in found if span[0] < span[1])))

    def touched(self, batch: Batch) -> Iterator[int]:
        """Yield the numbers of the texts that something may be found in: a match may go on into the next ones."""
        if self._joined is None:
            yield from (number for number, piece in enumerate(batch.pieces) if self._regex.search(piece) is not None)
            return
        place, last = 0, -1
        while (found := self._joined.search(batch.data, place)) is not None:
            touching = batch.touching(*found.span())
            yield from range(max(last + 1, touching.start), touching.stop)
            last = touching.stop - 1
            if touching.stop == len(batch.starts):
                return
            place = batch.starts[touching.stop]

    def scan(self) -> PatternScan:
        """Return a fresh search."""
        return PatternScan(self)

    def next_match(self, data: bytes, start: int, end: int) -> int | None:
        """Return where the next match begins, of those that lie in ``data[start:end]``."""
        found = self._regex.search(data, start, end)
        return None if found is None else found.span()[0]

    def end_of_match(self, data: bytes, start: int) -> int:
        """Return where the match that begins here and fits the window ends; ``start`` when there is none."""
        found = self._regex.match(data, start, min(start + self.window, len(data)))
        return start if found is None else found.span()[1]

    def begins_in(self, data: bytes) -> bool:
        """Whether a match may begin anywhere in this."""
        return self._firsts.search(data) is not None

    def may_begin(self, data: bytes, start: int) -> bool:
        """Whether a match may begin here, of which ``data`` may lack the rest."""
        text = data[start : start + _RANGE]
        return any(_may_begin(text, low, high) for low, high in self._ranges)


class PatternScan:
    """Looks for patterns in one text that grows; a `Scan`."""

    __slots__ = ("_data", "_patterns", "_place", "settled")

    def __init__(self, patterns: Patterns) -> None:
        """Start before the first character."""
        self._patterns = patterns
        self._data = b""
        """What is held, with the character before it: patterns may look at that."""
        self._place = 0
        """Where what is held begins in it."""
        self.settled = 0
        """Nothing that starts before this character will be found any more."""

    def feed(self, text: str, *, is_end: bool = False) -> Sequence[Span]:
        """Take more of the text; return what is certain now."""
        more = _encoded(text)
        if more and not is_end and self._place == len(self._data) and not self._patterns.begins_in(more):
            self.settled += len(text)
            self._data = more[_before(more, len(more)) :]
            self._place = len(self._data)
            return ()
        data = self._data = self._data + more
        # A pattern may look at the character behind a match, so the last one is only searched when it is the last.
        known = len(data) if is_end else _before(data, len(data))
        start = self._place
        found = list(self._search(data, known, is_end=is_end))
        spans = list(_in_characters(data, found, start, self.settled))
        if not is_end:
            self._skip(data)
        self._let_go(start)
        return spans

    def _search(self, data: bytes, known: int, *, is_end: bool) -> Iterator[tuple[int, int]]:
        """Yield the matches that are certain, and move to the first place that is not."""
        window = self._patterns.window
        beyond = most = _BEYOND * window
        while self._place < known:
            end = min(known, self._place + window + beyond)
            is_last = is_end and end == known
            begin = self._patterns.next_match(data, self._place, end)
            # Of what begins here or later the end may lie beyond what was searched.
            open_from = end if is_last else max(self._place, _after(data, end - window))
            if begin is None or begin >= open_from:
                self._place, beyond = open_from, min(most, 2 * beyond + 1)
                if end == known:
                    return
                continue
            stop = self._patterns.end_of_match(data, begin)
            if stop > begin:
                yield begin, stop
                self._place, beyond = stop, min(most, 2 * beyond + 1)
            else:
                # What ends beyond the window would be found at place after place: look less far.
                self._place, beyond = _after(data, begin), beyond // _LESS

    def _skip(self, data: bytes) -> None:
        """Move on to the first place where a match may begin."""
        place = self._place
        while place < len(data) and not self._patterns.may_begin(data, place):
            place = _after(data, place)
        self._place = place

    def _let_go(self, start: int) -> None:
        """Drop what no match can begin in, but for the character before."""
        data, place = self._data, self._place
        self.settled += len(_decoded(data[start:place]))
        kept = _before(data, place)
        self._data, self._place = data[kept:], place - kept


def check(source: str) -> None:
    """Refuse what is no pattern, what RE2 cannot do, and what matches the empty text.

    Raises:
        PatternError: it is one of those.
    """
    regex = compile_regex(source, MAX_MEMORY)
    for sample in map(_encoded, _SAMPLES):
        found = regex.search(sample)
        if found is not None and found.span()[0] == found.span()[1]:
            raise PatternError("matches the empty text", "say what there must be at least: + instead of *")


def _joined(sources: Sequence[str], regex: Regex) -> Regex | None:
    """Return a pattern that takes the ends of a line for those of a text."""
    if any(_ABSOLUTE.search(source) for source in sources):
        return None
    if not any("^" in source or "$" in source for source in sources):
        return regex
    try:
        return compile_regex("(?m:" + "|".join(f"(?:{source})" for source in sources) + ")", MAX_MEMORY_TOGETHER)
    except PatternError:
        return None


def _range(regex: Regex) -> tuple[bytes, bytes]:
    """Return texts that no match is less than, and none is greater than."""
    try:
        return regex.possiblematchrange(_RANGE)
    except RegexError:
        return b"", b"\xff"


def _may_begin(text: bytes, low: bytes, high: bytes) -> bool:
    """Whether a beginning of the text, or the text and more, can lie in a range."""
    if low[: len(text)] > text:
        return False
    if text <= high:
        return True
    same = next((place for place, pair in enumerate(zip(text, high, strict=False)) if pair[0] != pair[1]), len(high))
    return text[:same] >= low


def _in_characters(
    data: bytes, spans: Iterator[tuple[int, int]] | Sequence[tuple[int, int]], place: int = 0, count: int = 0
) -> Iterator[Span]:
    """Turn places in bytes into places in characters; ``place`` is the character number ``count``."""
    for start, end in spans:
        begin = count + len(_decoded(data[place:start]))
        place, count = end, begin + len(_decoded(data[start:end]))
        yield Span(begin, count)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _after(data: bytes, place: int) -> int:
    """Return where the character behind the one at a place begins."""
    place += 1
    while 0 < place < len(data) and data[place] & _MASK == _CONTINUES:
        place += 1
    return max(place, 0)


def _before(data: bytes, place: int) -> int:
    """Return where the character before a place begins."""
    place -= 1
    while place > 0 and data[place] & _MASK == _CONTINUES:
        place -= 1
    return max(place, 0)
