"""Numbers as operators write them: ``5s``, ``32MiB``, ``128k``, ``"2.50"``; as types for the schema."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import PlainValidator, WithJsonSchema

from clinx.domain.identity import Network
from clinx.domain.money import MAX_NANO, NANO, Amount

_NUMBER: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_QUANTITY: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)([A-Za-z]*)")
_SECONDS: Final[Mapping[str, Fraction]] = {
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_FACTORS: Final[Mapping[str, int]] = {
    "": 1,
    "B": 1,
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_WINDOWS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
_LONGEST_WINDOW: Final = 31 * 24 * 3600
_LONGEST_TERM: Final = 36_500 * 24 * 3600
FOREVER: Final = "forever"
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})")
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)%")
_STATUSES: Final = re.compile(r"([45])xx|([45][0-9]{2})(?:-([45][0-9]{2}))?")
_WIDEST: Final = 20
_DIGITS: Final = 18
_LONGEST: Final = 7 * 24 * 3600
_LARGEST: Final = 10**12


def read_decimal(value: object) -> Fraction:
    """Read a non-negative decimal, exactly: ``"2.50"``, ``2.50`` or ``3``.

    Raises:
        ValueError: negative, not a decimal number, or of more than 18 digits on a side.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if isinstance(value, Decimal):
        text = f"{value:f}" if abs(value.adjusted()) < _WIDEST else _beyond(value)
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError('expected an amount of zero or more, such as "2.50"')
    if len(found[1]) > _DIGITS:
        raise ValueError("too large: an amount has at most 18 digits before the point")
    if len(found[2] or "") > _DIGITS:
        raise ValueError("finer than a billionth of a billionth: an amount has at most 18 digits after the point")
    return Fraction(text)


def read_money(value: object) -> Amount:
    """Read an amount of the ledger: as `read_decimal`, and no finer than it counts.

    Raises:
        ValueError: not one, finer than a billionth, or more than the ledger holds.
    """
    nano = read_decimal(value) * NANO
    if nano.denominator != 1:
        raise ValueError("finer than a billionth: the ledger counts no less")
    if nano > MAX_NANO:
        raise ValueError("too large: more than the ledger holds")
    return Amount(nano.numerator)


def _beyond(value: Decimal) -> str:
    """Stand in for a number that is too large or too fine to be spelled out, with one that is as well."""
    sign = "-" if value < 0 else ""
    return sign + ("1" * _WIDEST if value.adjusted() > 0 else "0." + "1" * _WIDEST)


def read_duration(value: object) -> float:
    """Read a duration in seconds: ``500ms``, ``5s``, ``1.5m``, ``1h``; a bare 0 is allowed, other bare numbers are not.

    Raises:
        ValueError: no unit, or longer than a week.
    """
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    unit = _SECONDS.get(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError("expected a duration with a unit, such as 500ms, 5s, 1m or 1h")
    seconds = Fraction(found[1]) * unit
    if not 0 < seconds <= _LONGEST:
        raise ValueError("expected more than 0 and at most a week (168h)")
    return float(seconds)


def read_window(value: object) -> int:
    """Read a window of time in whole seconds: ``30s``, ``1m``, ``1h``, ``1d``.

    Raises:
        ValueError: no unit, not whole seconds, or longer than 31 days.
    """
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    unit = _WINDOWS.get(found[2]) if found else None
    seconds = Fraction(found[1]) * unit if found is not None and unit is not None else Fraction(0)
    if seconds.denominator != 1 or not 1 <= seconds <= _LONGEST_WINDOW:
        raise ValueError("expected a window with a unit, such as 30s, 1m, 1h or 1d, of at most 31d")
    return int(seconds)


def read_term(value: object) -> timedelta:
    """Read how long something lasts, in whole seconds: ``10m``, ``1h``, ``30d``.

    Raises:
        ValueError: no unit, not whole seconds, nothing, or longer than a century.
    """
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    unit = _WINDOWS.get(found[2]) if found else None
    seconds = Fraction(found[1]) * unit if found is not None and unit is not None else Fraction(0)
    if seconds.denominator != 1 or not 1 <= seconds <= _LONGEST_TERM:
        raise ValueError("expected a time with a unit, such as 10m, 1h or 30d, of at most 36500d")
    return timedelta(seconds=int(seconds))


def read_retention(value: object) -> timedelta | Literal["forever"]:
    """Read how long something is kept: as `read_term`, or ``forever``.

    Raises:
        ValueError: neither.
    """
    if value == FOREVER:
        return FOREVER
    try:
        return read_term(value)
    except ValueError:
        raise ValueError("expected a time with a unit, such as 90d, of at most 36500d, or forever") from None


def read_instant(value: object) -> datetime:
    """Read an instant with its offset: ``2026-01-31T09:00:00Z``, ``2026-01-31T10:00+01:00``; in UTC.

    Raises:
        ValueError: of another form, without an offset, or not in the calendar.
    """
    text = value if isinstance(value, str) and _INSTANT.fullmatch(value) else ""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("expected an instant such as 2026-01-31T09:00:00Z") from None


def read_share(value: object) -> float:
    """Read a share: ``20%``.

    Raises:
        ValueError: no percent sign, nothing, or more than everything.
    """
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    share = Fraction(found[1]) / 100 if found else Fraction(0)
    if not 0 < share <= 1:
        raise ValueError("expected a share of more than 0% and at most 100%, such as 20%")
    return float(share)


def read_statuses(value: object) -> frozenset[int]:
    """Read HTTP statuses of failures: ``429``, ``5xx``, ``500-503``.

    Raises:
        ValueError: none of these forms, a range that runs backwards, or a status that is no failure.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    found = _STATUSES.fullmatch(text)
    if found is not None:
        hundred, first, last = found[1], found[2], found[3]
        low = int(hundred) * 100 if hundred else int(first)
        high = low + 99 if hundred else int(last or first)
        if low <= high:
            return frozenset(range(low, high + 1))
    raise ValueError("expected a status from 400 to 599, such as 429, 5xx or 500-503")


def read_size(value: object) -> int:
    """Read a whole number with an optional factor: ``32MiB``, ``128k`` (1000), ``1M``, ``4096``.

    Raises:
        ValueError: not a whole number, below 1 or above 10**12.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    found = _QUANTITY.fullmatch(text)
    factor = _FACTORS.get(found[2]) if found else None
    if found is None or factor is None:
        raise ValueError("expected a whole number with an optional factor, such as 4096, 128k or 32MiB")
    size = Fraction(found[1]) * factor
    if size.denominator != 1 or not 1 <= size <= _LARGEST:
        raise ValueError("expected a whole number from 1 to 10^12")
    return int(size)


def read_per(value: object) -> int:
    """Read how many units a rate is for.

    Raises:
        ValueError: not one of 1, 1k, 1M.
    """
    size = {"1": 1, "1k": 10**3, "1M": 10**6}.get(str(value) if isinstance(value, str | int) else "")
    if size is None or isinstance(value, bool):
        raise ValueError("expected 1, 1k or 1M")
    return size


def read_network(value: object) -> Network:
    """Read an address range: ``10.0.0.0/8``, ``::1``.

    Raises:
        ValueError: not one, or with bits set beyond the prefix.
    """
    if not isinstance(value, str):
        raise ValueError("expected an address range such as 10.0.0.0/8")  # noqa: TRY004  (pydantic collects ValueErrors)
    return ipaddress.ip_network(value)


def read_zone(value: object) -> ZoneInfo:
    """Read the name of a time zone: ``Europe/Berlin``, ``UTC``.

    Raises:
        ValueError: this system knows no such zone.
    """
    try:
        return ZoneInfo(value) if isinstance(value, str) else ZoneInfo("")
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ValueError("expected the name of a time zone that this system knows, such as Europe/Berlin") from None


def read_text(value: object) -> str:
    """Read a scalar as text: settings are strings, but ``true`` and ``8`` need no quotes.

    Raises:
        ValueError: a list, a map or nothing.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | Decimal):
        return str(value)
    raise ValueError("expected text")


def _shown(read: Callable[[object], Any], *types: str, **schema: Any) -> tuple[PlainValidator, WithJsonSchema]:
    return PlainValidator(read), WithJsonSchema({"type": types[0] if len(types) == 1 else list(types), **schema})


_AMOUNT: Final = _shown(read_decimal, "string", "number", minimum=0, pattern=r"^[0-9]{1,18}(\.[0-9]{1,18})?$")
_MONEY: Final = _shown(read_money, "string", "number", minimum=0, pattern=r"^[0-9]{1,10}(\.[0-9]{1,9})?$")
_DURATION: Final = _shown(read_duration, "string", pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$")
_WINDOW: Final = _shown(read_window, "string", pattern=r"^[0-9]+(\.[0-9]+)?[smhd]$")
_TERM: Final = _shown(read_term, "string", pattern=r"^[0-9]+(\.[0-9]+)?[smhd]$")
_RETENTION: Final = _shown(read_retention, "string", pattern=r"^([0-9]+(\.[0-9]+)?[smhd]|forever)$")
_MOMENT: Final = _shown(read_instant, "string", format="date-time")
_SIZE: Final = _shown(
    read_size, "string", "integer", minimum=1, pattern=r"^[0-9]+(\.[0-9]+)?(B|[kKMG]|[kMG]B|[KMG]iB)?$"
)
_PER: Final = (PlainValidator(read_per), WithJsonSchema({"enum": [1, "1", "1k", "1M"]}))
_SHARE: Final = _shown(read_share, "string", pattern=r"^[0-9]{1,3}(\.[0-9]+)?%$")
_FAILURES: Final = _shown(read_statuses, "integer", "string", pattern=r"^([45]xx|[45][0-9]{2}(-[45][0-9]{2})?)$")
_NETWORK: Final = _shown(read_network, "string")
_ZONE: Final = _shown(read_zone, "string")
_TEXT: Final = _shown(read_text, "string", "number", "boolean")

AmountText = Annotated[Fraction, _AMOUNT[0], _AMOUNT[1]]
"""A non-negative decimal, exact."""
Money = Annotated[Amount, _MONEY[0], _MONEY[1]]
"""A non-negative amount of the ledger's currency."""
Seconds = Annotated[float, _DURATION[0], _DURATION[1]]
"""A duration, in seconds."""
Window = Annotated[int, _WINDOW[0], _WINDOW[1]]
"""A window of time, in whole seconds."""
Term = Annotated[timedelta, _TERM[0], _TERM[1]]
"""How long something lasts."""
Retention = Annotated[timedelta | Literal["forever"], _RETENTION[0], _RETENTION[1]]
"""How long something is kept."""
Instant = Annotated[datetime, _MOMENT[0], _MOMENT[1]]
"""A point in time, in UTC."""
Size = Annotated[int, _SIZE[0], _SIZE[1]]
"""A count of bytes or tokens."""
Share = Annotated[float, _SHARE[0], _SHARE[1]]
"""A share of a whole."""
Statuses = Annotated[frozenset[int], _FAILURES[0], _FAILURES[1]]
"""HTTP statuses of failures: one, a hundred, or a range."""
Per = Annotated[int, _PER[0], _PER[1]]
"""How many units a rate is for."""
NetworkText = Annotated[Network, _NETWORK[0], _NETWORK[1]]
"""An address range."""
Zone = Annotated[ZoneInfo, _ZONE[0], _ZONE[1]]
"""A time zone."""
Text = Annotated[str, _TEXT[0], _TEXT[1]]
"""A scalar, as text."""
