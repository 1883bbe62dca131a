from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinx.config.quantities import (
    read_decimal,
    read_duration,
    read_instant,
    read_money,
    read_network,
    read_per,
    read_retention,
    read_share,
    read_size,
    read_statuses,
    read_term,
    read_text,
    read_window,
    read_zone,
)
from clinx.domain.money import Amount


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (read_decimal, "2.50", Fraction(5, 2)),
        (read_decimal, Decimal("0.000000000001"), Fraction(1, 10**12)),
        (read_decimal, 3, Fraction(3)),
        (read_decimal, "0", Fraction(0)),
        (read_duration, "500ms", 0.5),
        (read_duration, "5s", 5.0),
        (read_duration, "1.5m", 90.0),
        (read_duration, "168h", 604800.0),
        (read_share, "20%", 0.2),
        (read_share, "0.5%", 0.005),
        (read_share, "100%", 1.0),
        (read_statuses, 429, frozenset({429})),
        (read_statuses, "404", frozenset({404})),
        (read_statuses, "5xx", frozenset(range(500, 600))),
        (read_statuses, "500-503", frozenset({500, 501, 502, 503})),
        (read_window, "30s", 30),
        (read_window, "1.5m", 90),
        (read_window, "1h", 3600),
        (read_window, "31d", 31 * 24 * 3600),
        (read_zone, "Europe/Berlin", ZoneInfo("Europe/Berlin")),
        (read_size, "32MiB", 32 * 2**20),
        (read_size, "128k", 128_000),
        (read_size, "1.5M", 1_500_000),
        (read_size, 4096, 4096),
        (read_size, "10kB", 10_000),
        (read_per, "1M", 10**6),
        (read_per, "1k", 1000),
        (read_per, 1, 1),
        (read_text, True, "true"),
        (read_text, 8, "8"),
        (read_text, Decimal("1.50"), "1.50"),
        (read_text, "x", "x"),
    ],
)
def test_what_operators_write(read: Callable[[object], Any], value: object, expected: object) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (read_decimal, ["-1", -1, "1e9", Decimal("1E+99"), "", "1.", ".5", "9" * 19, True, None, [], "٣"]),
        (read_duration, ["5", 5, "0s", "169h", "5 s", "5S", "-1s", "", None, "1d"]),
        (read_share, ["0%", "101%", "20", 0.2, 20, None, "-5%", "%"]),
        (read_statuses, [200, "2xx", "xxx", "503-500", "500-", "5XX", True, None, "400-600", 4290]),
        (read_window, ["0s", "0.5s", "32d", "500ms", "60", 60, "1w", True, None]),
        (read_zone, ["Mars/Phobos", "", "../UTC", "Europe", 1, None]),
        (read_size, ["0", 0, -1, "1.5", "5x", "2000G", True, None, "1 k", "0.0001k"]),
        (read_per, ["2", 2, True, None, "1m", 1000]),
        (read_network, ["10.0.0.1/8", "x", 5, None, ""]),
        (read_text, [None, [], {}]),
    ],
)
def test_what_they_may_not(read: Callable[[object], Any], values: list[object]) -> None:
    for value in values:
        with pytest.raises(ValueError):
            read(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0.0000000000000000001", "finer than a billionth of a billionth"),
        (Decimal("1E-19"), "finer than a billionth of a billionth"),
        (Decimal("1E-99"), "finer than a billionth of a billionth"),
        ("1234567890123456789", "too large"),
        (10**18, "too large"),
        (Decimal("1E+18"), "too large"),
        (Decimal("1E+99"), "too large"),
        (Decimal("-1E+99"), "expected an amount of zero or more"),
        (Decimal("-1E-99"), "expected an amount of zero or more"),
        ("1e9", "expected an amount of zero or more"),
    ],
)
def test_an_amount_says_what_is_wrong_with_it(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        read_decimal(value)


@pytest.mark.parametrize(
    ("value", "nano"),
    [
        ("0", 0),
        ("2.50", 2_500_000_000),
        (Decimal("0.000000001"), 1),
        (3, 3 * 10**9),
        ("9223372036.854775807", 2**63 - 1),
    ],
)
def test_money_is_what_the_ledger_counts(value: object, nano: int) -> None:
    assert read_money(value) == Amount(nano)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0.0000000001", "finer than a billionth: the ledger counts no less"),
        ("9223372036.854775808", "too large: more than the ledger holds"),
        ("-1", "expected an amount of zero or more"),
    ],
)
def test_money_says_what_is_wrong_with_it(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        read_money(value)


def test_the_largest_and_the_finest_amount() -> None:
    assert read_decimal("999999999999999999.999999999999999999") == Fraction(10**36 - 1, 10**18)


def test_networks_of_both_families() -> None:
    assert [str(read_network(text)) for text in ("10.0.0.0/8", "::1", "127.0.0.1")] == [
        "10.0.0.0/8",
        "::1/128",
        "127.0.0.1/32",
    ]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("1s", timedelta(seconds=1)),
        ("1.5m", timedelta(seconds=90)),
        ("30d", timedelta(days=30)),
        ("36500d", timedelta(days=36500)),
    ],
)
def test_a_term_is_whole_seconds(text: str, term: timedelta) -> None:
    assert read_term(text) == term
    assert read_retention(text) == term


@pytest.mark.parametrize("value", ["0s", "1.5s", "500ms", "30", 30, "36501d", "1y", "-1d", None, "", ["1d"]])
def test_what_is_no_term(value: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a time with a unit, such as 10m, 1h or 30d, of at most 36500d$"):
        read_term(value)
    with pytest.raises(ValueError, match=r"^expected a time with a unit, such as 90d, of at most 36500d, or forever$"):
        read_retention(value)


def test_only_what_is_kept_may_be_kept_forever() -> None:
    assert read_retention("forever") == "forever"
    with pytest.raises(ValueError, match=r"^expected a time with a unit"):
        read_term("forever")


@pytest.mark.parametrize(
    "text", ["2026-01-31T09:00:00Z", "2026-01-31T09:00Z", "2026-01-31T10:00:00+01:00", "2026-01-30T23:30-09:30"]
)
def test_an_instant_is_read_with_its_offset(text: str) -> None:
    assert read_instant(text) == datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert read_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31",
        "2026-01-31T09:00:00",
        "2026-01-31 09:00:00Z",
        "2026-02-30T09:00:00Z",
        "2026-01-31T24:00:01Z",
        "2026-01-31T09:00:00+25:00",
        "0001-01-01T00:00+01:00",
        "9999-12-31T23:59-01:00",
        "20260131T090000Z",
        1769850000,
        None,
    ],
)
def test_what_is_no_instant(value: object) -> None:
    with pytest.raises(ValueError, match=r"^expected an instant such as 2026-01-31T09:00:00Z$"):
        read_instant(value)
