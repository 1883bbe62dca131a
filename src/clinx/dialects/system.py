"""A channel's system prompt and the caller's own: which of them stand where, whatever the format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from msgspec import Raw

from clinx.domain.catalog import SystemMode

BETWEEN = "\n\n"
"""Between two prompts where a format has one text for both."""


def joined(ours: str, theirs: str, mode: SystemMode) -> str:
    """Return the text that is sent where a format has one; ``theirs`` is empty where the caller said nothing."""
    if not theirs:
        return ours
    match mode:
        case SystemMode.PREPEND:
            return ours + BETWEEN + theirs
        case SystemMode.APPEND:
            return theirs + BETWEEN + ours
        case SystemMode.OVERRIDE:
            return ours
        case SystemMode.DEFAULT:
            return theirs
        case _:
            assert_never(mode)


def placed(ours: bytes, theirs: Sequence[Raw | bytes], mode: SystemMode) -> Sequence[Raw | bytes]:
    """Return the pieces that are sent where a format has many, as JSON text."""
    if not theirs:
        return (ours,)
    match mode:
        case SystemMode.PREPEND:
            return (ours, *theirs)
        case SystemMode.APPEND:
            return (*theirs, ours)
        case SystemMode.OVERRIDE:
            return (ours,)
        case SystemMode.DEFAULT:
            return theirs
        case _:
            assert_never(mode)


def array(pieces: Sequence[Raw | bytes]) -> bytes:
    """Write a JSON array of pieces that are JSON text."""
    return b"[" + b",".join(map(bytes, pieces)) + b"]"
