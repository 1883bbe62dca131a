from __future__ import annotations

from typing import Any

import msgspec
import pytest

from clinx.dialects.counts import larger
from clinx.dialects.gemini.usage import Counts, Reports, read_usage_in, searches_in
from clinx.domain.usage import Usage

PLAIN: dict[str, Any] = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}


def test_a_report_is_found_in_its_answer() -> None:
    assert read_usage_in(b'{"candidates":[],"usageMetadata":{"promptTokenCount":9}}') == Usage(input=9, call=1)
    assert read_usage_in(b"{}") is None


@pytest.mark.parametrize(
    ("kept", "report", "expected"),
    [
        (None, None, None),
        (None, Usage(input=1), Usage(input=1)),
        (Usage(input=1), None, Usage(input=1)),
        (Usage(input=1, output=1), Usage(input=2, output=2), Usage(input=2, output=2)),
        (Usage(input=5, output=5), Usage(input=2, output=2), Usage(input=5, output=5)),
        (Usage(input=5, output=1), Usage(input=2, reasoning=9), Usage(input=5, reasoning=9)),
        (Usage(cache_read=1, output=9), Usage(input=2, output=2), Usage(input=2, output=9)),
    ],
)
def test_each_half_is_never_less_than_before(kept: Usage | None, report: Usage | None, expected: Usage | None) -> None:
    assert larger(kept, report) == expected


def taken(*reports: dict[str, Any]) -> Reports:
    found = Reports()
    for report in reports:
        found.take(msgspec.convert(report, Counts), msgspec.json.encode({"usageMetadata": report}))
    return found


def test_the_last_of_growing_reports_counts() -> None:
    found = taken({"promptTokenCount": 9, "totalTokenCount": 9}, {**PLAIN, "cachedContentTokenCount": 4})

    assert (found.made, found.usage) == (3, Usage(input=5, cache_read=4, output=3, call=1))


def test_a_report_of_less_takes_nothing_away() -> None:
    found = taken(PLAIN, {"promptTokenCount": 9, "candidatesTokenCount": 1}, {"promptTokenCount": 1})

    assert (found.made, found.usage) == (3, Usage(input=9, output=3, call=1))


@pytest.mark.parametrize("name", ["promptTokenCount", "toolUsePromptTokenCount", "totalTokenCount"])
@pytest.mark.parametrize("absurd", [-1, 1 << 41, 1 << 70, 1.5, "1"])
def test_an_absurd_count_is_none(name: str, absurd: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({name: absurd}, Counts)


def test_counts_that_are_absurd_together_are_left_out() -> None:
    most = 1 << 40

    found = taken(PLAIN, {"promptTokenCount": most, "toolUsePromptTokenCount": 1}, {"totalTokenCount": most})

    assert (found.made, found.usage) == (most, Usage(input=9, output=most, call=1))


def test_without_reports_there_is_no_usage() -> None:
    assert (Reports().made, Reports().usage) == (0, None)


@pytest.mark.parametrize(
    ("grounding", "expected"),
    [
        ({"webSearchQueries": ["a", "b"]}, 2),
        ({"webSearchQueries": []}, 0),
        ({}, 0),
        (None, 0),
        ({"webSearchQueries": 7}, 0),
    ],
)
def test_the_searches_an_answer_rests_on_are_counted(grounding: object, expected: int) -> None:
    assert searches_in(grounding) == expected


def test_searches_are_told_again_and_again_and_counted_once() -> None:
    reports = Reports()
    reports.take(Counts(prompt_token_count=3), b'{"usageMetadata":{"promptTokenCount":3}}')
    for queries in (["a"], ["a", "b"], ["a"]):
        reports.grounded(0, {"webSearchQueries": queries})
    reports.grounded(1, {"webSearchQueries": ["c"]})

    assert reports.usage == Usage(input=3, search=3, call=1)
