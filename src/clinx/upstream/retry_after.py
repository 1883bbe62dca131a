"""When an upstream says to come back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 600.0
"""Seconds; whoever asks for more is asked again after this."""

_NUMBER: Final = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
_DURATION: Final = re.compile(
    r"(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,6}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?", re.ASCII
)
_LIMITS: Final = ("requests", "tokens")


def retry_after(headers: Mapping[str, str], default: float | None) -> float | None:
    """Return the seconds to wait that the headers ask for, at most `LONGEST`.

    Read, in this order: ``retry-after-ms``, ``retry-after`` (seconds or a date, compared with the answer's own
    ``date`` so that clocks need not agree), ``x-ratelimit-reset-*`` of the limits that are used up.
    """
    for wait in (_milliseconds(headers), _seconds_or_date(headers), _reset(headers)):
        if wait is not None:
            return min(max(wait, 0.0), LONGEST)
    return default


def _milliseconds(headers: Mapping[str, str]) -> float | None:
    value = _number(headers.get("retry-after-ms", ""))
    return value / 1000 if value is not None else None


def _seconds_or_date(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is not None:
        return seconds
    until, now = _date(text), _date(headers.get("date", ""))
    return (until - now).total_seconds() if until and now else None


def _reset(headers: Mapping[str, str]) -> float | None:
    """Return the longest reset among the limits that have nothing left."""
    waits = [
        wait
        for limit in _LIMITS
        if headers.get(f"x-ratelimit-remaining-{limit}", "").strip() == "0"
        and (wait := _duration(headers.get(f"x-ratelimit-reset-{limit}", ""))) is not None
    ]
    return max(waits, default=None)


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _duration(text: str) -> float | None:
    """Read ``1s``, ``6m0s``, ``250ms`` or plain seconds."""
    text = text.strip()
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return _number(text)
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _date(text: str) -> datetime | None:
    """Read an HTTP date; one without a zone cannot be compared and is none."""
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None
