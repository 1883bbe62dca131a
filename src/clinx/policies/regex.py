"""Regular expressions of the tree over callers' texts: RE2's, which finds a match in a time that is linear in the text.

RE2 looks at bytes. Looking at text itself makes it count characters at every match, which takes far longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Protocol, cast

import re2

_RE2: Final[Any] = re2
"""It comes without types."""
_ONE_BYTE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\C")


class PatternError(ValueError):
    """What is no pattern; the hint says what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep the hint for the diagnostic."""
        super().__init__(message)
        self.hint = hint


class Match(Protocol):
    """Where a pattern matched."""

    def span(self) -> tuple[int, int]:
        """Return where it begins and ends."""
        ...

    def group(self, number: int) -> bytes | None:
        """Return what a group captured; None where it took no part."""
        ...


class Regex(Protocol):
    """What is used of a pattern of RE2's, which has no types of its own."""

    @property
    def groups(self) -> int:
        """How many groups it captures."""
        ...

    def search(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None:
        """Return the first match."""
        ...

    def match(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None:
        """Return the match that begins where the search does."""
        ...

    def finditer(self, text: bytes) -> Iterator[Match]:
        """Yield every match; none overlap."""
        ...

    def possiblematchrange(self, maxlen: int) -> tuple[bytes, bytes]:
        """Return texts that no match is less than, and none is greater than."""
        ...


RegexError: Final[type[Exception]] = _RE2.error
"""What RE2 raises where it cannot answer."""


def compile_regex(source: str, memory: int, *, captures: bool = False) -> Regex:
    """Compile a pattern that may take so many bytes; its groups are numbered only if it is to capture.

    Raises:
        PatternError: it is none, is too large, or needs what cannot be had in linear time.
    """
    if _ONE_BYTE.search(source):
        raise PatternError(r"\C matches half a character", "use . instead")
    options = _RE2.Options()
    options.never_capture = not captures
    options.log_errors = False
    options.max_mem = memory
    try:
        return cast("Regex", _RE2.compile(source, options))
    except RegexError as error:
        raise PatternError(*_said(error)) from None


def _said(error: Exception) -> tuple[str, str]:
    """Return RE2's complaint, and what to do about it."""
    reason = error.args[0] if error.args else b""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    if "invalid perl operator" in text:
        return text, "look-around and atomic groups are not supported: matching takes linear time"
    if re.search(r"invalid escape sequence: \\[1-9kg]", text):
        return text, "back-references are not supported: matching takes linear time"
    if "too large" in text or "repetition size" in text:
        return text, "count less: a repetition is written out as often as it counts"
    return text or "no pattern", "the syntax is RE2's"
