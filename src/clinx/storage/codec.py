"""How values are written in columns: instants as microseconds, JSON as compact text, strings any engine takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def micros(instant: datetime) -> int:
    """Return an instant as microseconds since 1970, exactly.

    Raises:
        TypeError: the instant has no time zone.
    """
    return (instant - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """Return the instant that `micros` wrote, in UTC."""
    return _EPOCH + value * _MICROSECOND


def encode_json(value: Any) -> str:
    """Write JSON text for a column."""
    return msgspec.json.encode(value).decode()


def decode_json(text: str | bytes) -> Any:
    """Read JSON text from a column."""
    return msgspec.json.decode(text)


def clean(text: str, limit: int) -> str:
    """Make any text storable: at most ``limit`` characters, no NUL (PostgreSQL), no lone surrogate (UTF-8)."""
    if len(text) <= limit and text.isascii() and "\x00" not in text:
        return text  # Nearly all that is ever written.
    return text[:limit].replace("\x00", "�").encode("utf-8", "replace").decode()
