import argparse
from datetime import UTC, datetime, timedelta, timezone

import pytest

from clinx.cli.arguments import expiry, names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("4w", timedelta(weeks=4)),
        ("2030-01-31", datetime(2030, 1, 31, tzinfo=UTC)),
        ("2030-01-31T12:00", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ("2030-01-31T12:00+02:00", datetime(2030, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_when(text: str, expected: datetime | timedelta):
    assert expiry(text) == expected


@pytest.mark.parametrize("text", ["", "30", "d", "1y", "-1d", "30 d", "2030-13-01", "tomorrow", "9999999d"])
def test_no_when(text: str):
    with pytest.raises(argparse.ArgumentTypeError):
        expiry(text)


def test_names_are_separated_by_commas():
    assert names("a, b,,c") == frozenset({"a", "b", "c"})
    with pytest.raises(argparse.ArgumentTypeError):
        names(" , ")
