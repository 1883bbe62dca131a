"""Whether JSON may be taken apart: a text of nothing but brackets becomes objects that take thirty times its room.

Decoding is one step that nothing can interrupt, in a thread neither. So what callers send is counted before: brackets
and commas outside of strings, which are as many as there are values. How long texts are does not matter.
"""

from __future__ import annotations

import re
from typing import Final

MOST_VALUES: Final = 100_000
"""Values that are decoded at once: a tenth of a second, some ten megabytes. No conversation has as many."""

_MARKS: Final = b"[{,"
_STEP: Final = 1 << 20
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


def is_dense(text: bytes | memoryview) -> bool:
    """Tell whether a JSON text holds more than `MOST_VALUES` values."""
    if len(text) <= MOST_VALUES or not _has_more(text):
        return False
    data, place, found = bytes(text), 0, 0
    # At most two strings for each value: the walk ends early on whatever has many of them.
    for string in _STRING.finditer(data):
        found += _count(data[place : string.start()])
        if found > MOST_VALUES:
            return True
        place = string.end()
    return found + _count(data[place:]) > MOST_VALUES


def _has_more(text: bytes | memoryview) -> bool:
    """Tell whether there are as many marks at all, those in strings among them; that is counted quickly."""
    found = 0
    for start in range(0, len(text), _STEP):
        found += _count(bytes(text[start : start + _STEP]))
        if found > MOST_VALUES:
            return True
    return False


def _count(data: bytes) -> int:
    return len(data) - len(data.translate(None, _MARKS)) if data else 0
