from __future__ import annotations

from typing import Any

import pytest

from clinx.dialects.counts import MAX_COUNT
from clinx.dialects.openai_responses.usage import read_usage
from clinx.domain.usage import Usage


def report(prompt: Any = 100, answer: Any = 50, **details: Any) -> dict[str, Any]:
    return {"usage": {"input_tokens": prompt, "output_tokens": answer, **details}}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (report(), Usage(input=100, output=50, call=1)),
        (report(input_tokens_details={"cached_tokens": 60}), Usage(input=40, cache_read=60, output=50, call=1)),
        (
            report(input_tokens_details={"cached_tokens": 60, "cache_write_tokens": 10}),
            Usage(input=30, cache_read=60, cache_write=10, output=50, call=1),
        ),
        (report(output_tokens_details={"reasoning_tokens": 20}), Usage(input=100, output=30, reasoning=20, call=1)),
        (report(input_tokens_details={"cached_tokens": 101}), Usage(input=100, output=50, call=1)),
        (report(output_tokens_details={"reasoning_tokens": True}), Usage(input=100, output=50, call=1)),
        (report(input_tokens_details="x", output_tokens_details=[]), Usage(input=100, output=50, call=1)),
        (report(answer=None), Usage(input=100, call=1)),
    ],
)
def test_buckets_are_disjoint_and_add_up(response: dict[str, Any], expected: Usage) -> None:
    assert read_usage(response) == expected


@pytest.mark.parametrize(
    "response", [None, [], {}, {"usage": 1}, report(0, 0), report(-1), report(1.5), report("1"), report(MAX_COUNT + 1)]
)
def test_a_worthless_report_is_none(response: Any) -> None:
    assert read_usage(response) is None


def test_searches_of_the_vendor_are_counted() -> None:
    output = [{"type": "web_search_call"}, {"type": "message"}, {"type": "web_search_call"}, "x"]

    assert read_usage({**report(), "output": output}) == Usage(input=100, output=50, search=2, call=1)
