from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

import pytest

from clinx.graphql.errors import Refusal
from clinx.graphql.ids import to_id
from clinx.graphql.request_logs.addresses import EXPORT, Format, export_path, read, written
from clinx.graphql.request_logs.wanted import RequestLogFilter

SINCE, UNTIL = datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 2, 1, 12, 30, 0, 5, tzinfo=UTC)
GIVEN = {"since": "2030-01-01T00:00:00Z", "until": "2030-01-02T00:00:00Z"}


INSTANT = "2026-01-31T09:30:00Z"


@pytest.mark.parametrize(
    "asked",
    [
        RequestLogFilter(since=SINCE, until=UNTIL),
        RequestLogFilter(
            since=SINCE, until=UNTIL, user=to_id("User", 1), token=to_id("Token", 2), everyone=True, model="a/b c&d=é",
            channel="+", group="vip", outcome="ok", failed=True, request_id="req_1", upstream_id="#",
        ),
    ],
    ids=["little", "all"],
)  # fmt: skip
def test_a_path_says_what_is_wanted(asked: RequestLogFilter):
    url = urlsplit(export_path(asked, Format.JSONL))

    assert url.path == EXPORT
    assert read(dict(parse_qsl(url.query, strict_parsing=True))) == (asked, Format.JSONL)


def test_without_a_format_it_is_a_table():
    assert read(GIVEN)[1] is Format.CSV


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"since": ""}, {"name": "since", "such_as": INSTANT}),
        ({"until": "tomorrow"}, {"name": "until", "such_as": INSTANT}),
        ({"until": "2030-01-02T00:00:00"}, {"name": "until", "such_as": INSTANT}),
        ({"since": "0001-01-01T00:00:00+14:00"}, {"name": "since", "such_as": INSTANT}),
        ({"format": "xml"}, {"name": "format", "such_as": "csv"}),
        ({"format": "xml", "since": ""}, {"name": "format", "such_as": "csv"}),
        ({"failed": "1"}, {"name": "failed", "such_as": "true"}),
        ({"limit": "5"}, {"name": "limit"}),
    ],
    ids=["missing", "words", "no zone", "before time", "format", "format first", "flag", "unknown"],
)
def test_what_is_unreadable_is_named_with_the_form_that_is_wanted(changed: dict[str, str], told: dict[str, str]):
    with pytest.raises(Refusal) as caught:
        read({**GIVEN, **changed})

    assert caught.value.extensions == {"code": "invalid_value", "parameters": told}


def test_instants_are_written_in_utc():
    assert written(datetime(2030, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == "2030-01-01T00:00:00Z"
