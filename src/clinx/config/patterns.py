"""Regular expressions of the tree: RE2's, which match in linear time whatever the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from clinx.policies.regex import PatternError, Regex, compile_regex

MAX_LENGTH: Final = 1000
MAX_MEMORY: Final = 8 << 20
MOST_GROWTH: Final = 1 << 20
"""Bytes that the replacements in one text may have together."""
MOST_MATCHES: Final = 1 << 18
"""Matches that are replaced in one text: each takes microseconds."""

_CONTINUES: Final = frozenset(bytes([byte]) for byte in range(0x80, 0xC0))
"""Bytes that do not begin a character."""
_ORDINARY: Final = re.compile(r"(?:[^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9])")
_ESCAPES: Final = re.compile(r"([^\\]+)|\\(.|$)", re.DOTALL)
_QUANTIFIERS: Final = "*?{"


def compile_pattern(source: str, *, captures: bool = False) -> Regex:
    """Compile a pattern.

    Raises:
        PatternError: it is none, or needs what cannot be had in linear time.
    """
    if len(source) > MAX_LENGTH:
        raise PatternError(f"a pattern has at most {MAX_LENGTH} characters")
    try:
        return compile_regex(source, MAX_MEMORY, captures=captures)
    except PatternError as error:
        raise PatternError(f"not a pattern: {error}", error.hint) from None


@dataclass(frozen=True, slots=True)
class Substitution:
    """Replaces every match in a text; one that would grow by more than `MOST_GROWTH`, or is too full, is left alone."""

    source: str
    """The pattern."""
    replacement: str
    regex: Regex = field(repr=False, compare=False)
    parts: tuple[bytes | int, ...] = field(repr=False, compare=False)
    """The replacement: text, and numbers of groups."""

    def __call__(self, text: str) -> str:
        """Return the text with every match replaced."""
        data = text.encode()
        pieces: list[bytes] = []
        done, room = 0, MOST_GROWTH
        for count, match in enumerate(self.regex.finditer(data)):
            start, end = match.span()
            if data[start : start + 1] in _CONTINUES:
                continue  # Nothing, found between the bytes of a character.
            new = b"".join(part if isinstance(part, bytes) else match.group(part) or b"" for part in self.parts)
            room -= len(new)
            if room < 0 or count >= MOST_MATCHES:
                return text
            pieces += (data[done:start], new)
            done = end
        return b"".join((*pieces, data[done:])).decode() if pieces else text


def compile_substitution(source: str, replacement: str) -> Substitution:
    r"""Compile a pattern and what replaces its matches: ``\1`` … ``\9`` are its groups, ``\\`` is a backslash.

    Raises:
        PatternError: one of them is none.
    """
    regex = compile_pattern(source, captures=True)
    parts: list[bytes | int] = []
    for text, escaped in _ESCAPES.findall(replacement):
        if text:
            parts.append(text.encode())
        elif escaped == "\\":
            parts.append(b"\\")
        elif escaped.isdecimal() and 0 < int(escaped) <= regex.groups:
            parts.append(int(escaped))
        else:
            raise PatternError(f'"\\{escaped}" is no group of the pattern')
    return Substitution(source, replacement, regex, tuple(parts))


def literal_prefix(source: str) -> tuple[str, bool]:
    """Return the text that every match from the beginning begins with, and whether that is the whole pattern."""
    if "|" in source or source.startswith("(?"):
        return "", False
    place = 1 if source.startswith("^") else 0
    found: list[str] = []
    while place < len(source) and (ordinary := _ORDINARY.match(source, place)) is not None:
        place = ordinary.end()
        if source[place : place + 1] in _QUANTIFIERS and place < len(source):
            return "".join(found), False
        found.append(ordinary[0][-1])
    return "".join(found), place == len(source)
