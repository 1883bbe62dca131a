from __future__ import annotations

from typing import Any

import pytest

from clinx.dialects.anthropic.usage import merge, read_usage
from clinx.dialects.counts import MAX_COUNT, larger
from clinx.domain.usage import Usage


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        ({"input_tokens": 9, "output_tokens": 3}, Usage(input=9, output=3, call=1)),
        (
            {
                "input_tokens": 9,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
                "output_tokens": 3,
            },
            Usage(input=9, cache_read=100, cache_write=20, cache_write_1h=10, output=3, call=1),
        ),
        (
            {"input_tokens": 0, "cache_creation_input_tokens": 30, "output_tokens": 3},
            Usage(cache_write=30, output=3, call=1),
        ),
        (
            {"input_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 10}, "output_tokens": 3},
            Usage(input=9, cache_write_1h=10, output=3, call=1),
        ),
        (
            {"input_tokens": 9, "output_tokens": 30, "output_tokens_details": {"thinking_tokens": 20}},
            Usage(input=9, output=10, reasoning=20, call=1),
        ),
        (
            {"input_tokens": 9, "output_tokens": 3, "server_tool_use": {"web_search_requests": 2, "x": 1}},
            Usage(input=9, output=3, search=2, call=1),
        ),
        ({"output_tokens": 3}, Usage(output=3, call=1)),
        ({"input_tokens": 9, "output_tokens": None}, Usage(input=9, call=1)),
    ],
)
def test_buckets_are_read(report: dict[str, Any], usage: Usage) -> None:
    assert read_usage(report) == usage


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        ({"cache_read_input_tokens": -1}, Usage(input=9, output=3, call=1)),
        ({"cache_read_input_tokens": True}, Usage(input=9, output=3, call=1)),
        ({"cache_creation_input_tokens": 2.5}, Usage(input=9, output=3, call=1)),
        ({"cache_creation": "much"}, Usage(input=9, output=3, call=1)),
        (
            {"cache_creation_input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 6}},
            Usage(input=9, cache_write=5, output=3, call=1),
        ),
        ({"output_tokens_details": {"thinking_tokens": 4}}, Usage(input=9, output=3, call=1)),
        ({"server_tool_use": {"web_search_requests": "2"}}, Usage(input=9, output=3, call=1)),
    ],
)
def test_a_part_that_cannot_be_is_not_believed(report: dict[str, Any], usage: Usage) -> None:
    assert read_usage({"input_tokens": 9, "output_tokens": 3, **report}) == usage


@pytest.mark.parametrize(
    "report",
    [
        None,
        [],
        {},
        {"input_tokens": 0, "output_tokens": 0},
        {"input_tokens": -1, "output_tokens": 3},
        {"input_tokens": 9, "output_tokens": "3"},
        {"input_tokens": MAX_COUNT + 1, "output_tokens": 3},
        {"input_tokens": 9.0, "output_tokens": 3},
    ],
)
def test_a_report_of_nothing_or_of_nonsense_is_none(report: object) -> None:
    assert read_usage(report) is None


def test_iterations_that_the_totals_leave_out_are_added() -> None:
    compaction = {"type": "compaction", "input_tokens": 50, "output_tokens": 7, "cache_read_input_tokens": 4}
    report = {
        "input_tokens": 9,
        "output_tokens": 3,
        "iterations": [compaction, {"type": "message", "input_tokens": 9, "output_tokens": 3}, None, "odd"],
    }

    assert read_usage(report) == Usage(input=59, output=10, cache_read=4, call=1)


def test_a_later_report_may_leave_out_what_did_not_change() -> None:
    start = {"input_tokens": 9, "cache_read_input_tokens": 100, "output_tokens": 1}

    assert merge(start, {"input_tokens": None, "output_tokens": 30}) == {
        "input_tokens": 9,
        "cache_read_input_tokens": 100,
        "output_tokens": 30,
    }
    assert merge(start, "odd") == start


def test_neither_half_of_a_report_shrinks() -> None:
    first, later = Usage(input=100, output=1, call=1), Usage(input=10, cache_read=20, output=30, call=1)

    assert larger(first, later) == Usage(input=100, output=30, call=1)
    assert larger(first, Usage(input=10, cache_read=90, output=30, call=1)) == Usage(
        input=10, cache_read=90, output=30, call=1
    )
    assert larger(None, later) == later
    assert larger(first, None) == first
    assert larger(None, None) is None
