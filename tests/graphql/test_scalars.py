from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.domain.money import Amount
from clinx.graphql.errors import Refusal
from clinx.graphql.scalars import SCALARS, BigInt, Duration, Secret


def read(scalar: Any, value: Any) -> Any:
    parse = SCALARS[scalar].parse_value
    assert parse is not None
    return parse(value)


def shown(scalar: Any, value: Any) -> str:
    serialize = SCALARS[scalar].serialize
    assert serialize is not None
    return serialize(value)


@pytest.mark.parametrize(
    ("scalar", "sent", "value"),
    [
        (Amount, "2.50", Amount.parse("2.5")),
        (Amount, "-0.000000001", Amount(-1)),
        (BigInt, "9007199254740993", 9007199254740993),
        (BigInt, -5, -5),
        (BigInt, str(2**63 - 1), 2**63 - 1),
        (datetime, "2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        (datetime, "2026-01-31T10:30:00+01:00", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        (Duration, "PT5M", timedelta(minutes=5)),
        (Duration, "P7D", timedelta(days=7)),
        (Duration, "P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        (Duration, "7d", timedelta(days=7)),
        (Duration, "12h", timedelta(hours=12)),
        (Duration, "5m", timedelta(minutes=5)),
        (Duration, "90s", timedelta(seconds=90)),
        (Secret, "hunter2", "hunter2"),
    ],
)
def test_what_is_written_rightly_is_read(scalar: Any, sent: Any, value: Any) -> None:
    assert read(scalar, sent) == value


ODD = [None, True, 1.5, [], {}, "", "x", " 1 ", "1_000", "1e400", "NaN", "\u0661", "-", "9" * 100, "\0", 10**30]


@pytest.mark.parametrize("scalar", [Amount, BigInt, datetime, Duration])
@pytest.mark.parametrize("sent", ODD, ids=repr)
def test_what_is_written_wrongly_is_refused_with_an_example(scalar: Any, sent: Any) -> None:
    with pytest.raises(Refusal) as caught:
        read(scalar, sent)

    assert caught.value.extensions is not None
    assert caught.value.extensions["code"] == "invalid_value"
    assert caught.value.extensions["parameters"]["such_as"]


@pytest.mark.parametrize(
    ("scalar", "sent"),
    [
        (Amount, 2),
        (Amount, "0.0000000001"),
        (BigInt, str(2**63)),
        (datetime, "2026-01-31T09:30:00"),
        (datetime, "0001-01-01T00:00:00+14:00"),
        (datetime, "9999-12-31T23:59:59-14:00"),
        (Duration, "P"),
        (Duration, "PT"),
        (Duration, "P1Y"),
        (Duration, "-PT5M"),
        (Duration, "P9999999D"),
        (Duration, "7"),
        (Duration, "1h30m"),
        (Duration, "1.5h"),
        (Duration, "5M"),
        (Duration, "PT\u0665M"),
        (Secret, 5),
        (Secret, "x" * 4097),
    ],
)
def test_the_edges_of_what_is_read(scalar: Any, sent: Any) -> None:
    with pytest.raises(Refusal):
        read(scalar, sent)


@given(
    st.timedeltas(timedelta(0), timedelta(days=10_000)).map(lambda span: timedelta(seconds=int(span.total_seconds())))
)
def test_a_span_of_time_is_read_as_it_is_shown(span: timedelta) -> None:
    assert read(Duration, shown(Duration, span)) == span


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_read_as_it_is_shown(at: datetime) -> None:
    assert read(datetime, shown(datetime, at)) == at


def test_an_instant_is_shown_in_utc() -> None:
    east = timezone(timedelta(hours=8))

    assert shown(datetime, datetime(2026, 1, 31, 8, tzinfo=east)) == "2026-01-31T00:00:00Z"


@pytest.mark.parametrize(
    ("span", "text"), [(0, "PT0S"), (59, "PT59S"), (3600, "PT1H"), (86400, "P1D"), (90061, "P1DT1H1M1S")]
)
def test_a_span_is_shown_in_its_largest_parts(span: int, text: str) -> None:
    assert shown(Duration, timedelta(seconds=span)) == text


def test_large_numbers_and_money_are_shown_as_text() -> None:
    assert (shown(BigInt, 2**60), shown(Amount, Amount.parse("2.50"))) == ("1152921504606846976", "2.5")


def test_a_secret_is_never_shown() -> None:
    with pytest.raises(AssertionError):
        shown(Secret, "hunter2")
