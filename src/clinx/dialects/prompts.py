"""What counting a prompt takes in every format: members read leniently, and within bounds."""

from __future__ import annotations

from typing import Final

from clinx.dialects import lenient
from clinx.dialects.base import CountTokens

MOST_COMMAS: Final = 1_000_000
MOST_BRACKETS: Final = 250_000
"""A text with more than these is counted as the text it is: to take it apart would take gigabytes."""


def decoded(text: bytes) -> object:
    """Decode; None for what cannot be read from here, or is absurdly dense."""
    if text.count(b",") > MOST_COMMAS or text.count(b"{") + text.count(b"[") > MOST_BRACKETS:
        return None
    try:
        return lenient.decode(text)
    except ValueError:
        return None


def count_text(value: object, count: CountTokens) -> int:
    """Count what may be a text; 0 for anything else."""
    return count(value) if isinstance(value, str) else 0


def count_bytes(text: bytes, count: CountTokens) -> int:
    """Count JSON as the text it is written in."""
    return count(text.decode("utf-8", "replace")) if text else 0
