"""Scalars: money as exact decimal strings, instants in UTC, large whole numbers, spans of time, and secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from clinx.domain.money import Amount
from clinx.graphql.errors import Refusal

BigInt = NewType("BigInt", int)
Duration = NewType("Duration", timedelta)
Secret = NewType("Secret", str)

_MOST: Final = 2**63 - 1
_LONGEST_SECRET: Final = 4096
_DECIMAL: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,9})?")
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_SPAN: Final = re.compile(
    r"P(?:(?P<days>\d{1,6})D)?(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)
_SHORT: Final = re.compile(
    r"(?P<days>\d{1,6})d|(?P<hours>\d{1,6})h|(?P<minutes>\d{1,6})m|(?P<seconds>\d{1,9})s", re.ASCII
)
"""As the tree and the command line write it."""


def _unreadable(what: str, such_as: str) -> Refusal:
    return Refusal(f"Not {what} such as {such_as}.", "invalid_value", such_as=such_as)


def _amount(value: Any) -> Amount:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):  # Numbers of JSON have lost digits already.
        raise _unreadable("an amount in a string", '"2.50"')
    try:
        return Amount.parse(value)
    except (ValueError, OverflowError):
        raise _unreadable("an amount", '"2.50"') from None


def _big(value: Any) -> BigInt:
    if isinstance(value, bool) or not isinstance(value, int | str) or not _INTEGER.fullmatch(str(value)):
        raise _unreadable("a whole number", '"9007199254740993"')
    if abs(int(value)) > _MOST:
        raise _unreadable("a whole number of 64 bits", '"9007199254740993"')
    return BigInt(int(value))


def _instant(value: Any) -> datetime:
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 64 else None  # noqa: PLR2004
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise _unreadable("an instant with its zone", '"2026-01-31T09:30:00Z"')
    try:
        return read.astimezone(UTC)
    except OverflowError:
        raise _unreadable("an instant with its zone", '"2026-01-31T09:30:00Z"') from None


def _shown_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _span(value: Any) -> Duration:
    found = _SPAN.fullmatch(value) or _SHORT.fullmatch(value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        raise _unreadable("a span of time", '"PT5M"')
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        return Duration(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))
    except OverflowError:
        raise _unreadable("a span of time", '"PT5M"') from None


def _shown_span(value: timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
    day = f"{days}D" if days else ""
    return f"P{day}T{parts}" if parts else f"P{day}" if day else "PT0S"


def _secret(value: Any) -> Secret:
    if not isinstance(value, str) or len(value) > _LONGEST_SECRET:
        raise _unreadable("a secret", "a string of at most 4096 characters")
    return Secret(value)


def _never(_: Any) -> str:
    raise AssertionError("a secret is only ever taken in")


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    Amount: strawberry.scalar(
        name="Amount",
        description="A sum of money in the ledger's currency: an exact decimal string, with at most nine decimals.",
        serialize=str,
        parse_value=_amount,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of up to 64 bits, as a string; numbers are taken too.",
        serialize=str,
        parse_value=_big,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in ISO 8601 with its zone; always shown in UTC.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=_shown_instant,
        parse_value=_instant,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description='A span of time in ISO 8601, of days and smaller: "P7D", "PT5M". "7d" and "5m" are taken, too.',
        serialize=_shown_span,
        parse_value=_span,
    ),
    Secret: strawberry.scalar(
        name="Secret",
        description="A password, a code or a key: taken in and never shown.",
        serialize=_never,
        parse_value=_secret,
    ),
}
