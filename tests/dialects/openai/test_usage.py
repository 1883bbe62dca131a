from __future__ import annotations

from typing import Any

import pytest

from clinx.dialects.counts import MAX_COUNT, larger
from clinx.dialects.openai.usage import read_usage
from clinx.domain.usage import Usage


def openai(prompt: Any, completion: Any, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        (openai(8, 3, total_tokens=11), Usage(input=8, output=3, call=1)),
        (openai(8, 3, prompt_tokens_details=None, completion_tokens_details=None), Usage(input=8, output=3, call=1)),
        (
            openai(
                100,
                50,
                prompt_tokens_details={
                    "cached_tokens": 40,
                    "audio_tokens": 10,
                    "image_tokens": 5,
                    "cache_write_tokens": 1,
                },
                completion_tokens_details={
                    "reasoning_tokens": 20,
                    "audio_tokens": 5,
                    "image_tokens": 1,
                    "accepted_prediction_tokens": 3,
                    "rejected_prediction_tokens": 4,
                },
            ),
            Usage(
                input=44,
                cache_read=40,
                cache_write=1,
                audio_input=10,
                image_input=5,
                output=24,
                reasoning=20,
                audio_output=5,
                image_output=1,
                call=1,
            ),
        ),
        (
            openai(9, 1, prompt_cache_hit_tokens=4, prompt_cache_miss_tokens=5),
            Usage(input=5, cache_read=4, output=1, call=1),
        ),
        (openai(9, 1, cached_tokens=4), Usage(input=5, cache_read=4, output=1, call=1)),
        (
            openai(9, 1, cached_tokens=4, prompt_tokens_details={"cached_tokens": 4}),
            Usage(input=5, cache_read=4, output=1, call=1),
        ),
        (
            openai(5, 2, total_tokens=17, completion_tokens_details={"reasoning_tokens": 10}),
            Usage(input=5, output=2, reasoning=10, call=1),
        ),
        (openai(5, 2, total_tokens=17), Usage(input=5, output=12, call=1)),
        (openai(5, 2, total_tokens=3), Usage(input=5, output=2, call=1)),
        ({"prompt_tokens": 5, "total_tokens": 5}, Usage(input=5, call=1)),
        ({"total_tokens": 5}, Usage(input=5, call=1)),
        ({"completion_tokens": 2, "total_tokens": 5}, Usage(input=3, output=2, call=1)),
        (openai(0, 0, total_tokens=5), Usage(input=5, call=1)),
        (openai(0, 4), Usage(output=4, call=1)),
    ],
)
def test_reports_are_read_into_disjoint_buckets(report: dict[str, Any], usage: Usage) -> None:
    assert read_usage(report) == usage


@pytest.mark.parametrize("part", [41, -1, True, 1.0, "4", float("nan"), [], None, MAX_COUNT + 1])
def test_a_detail_that_cannot_be_is_not_believed(part: Any) -> None:
    report = openai(
        40,
        40,
        prompt_tokens_details={"cached_tokens": part, "audio_tokens": part},
        completion_tokens_details={"reasoning_tokens": part, "audio_tokens": part},
        cached_tokens=part,
    )

    assert read_usage(report) == Usage(input=40, output=40, call=1)


def test_details_that_overlap_give_way_in_order() -> None:
    report = openai(
        10,
        10,
        prompt_tokens_details={"cached_tokens": 6, "audio_tokens": 10, "image_tokens": 10},
        completion_tokens_details={"reasoning_tokens": 6, "audio_tokens": 3, "image_tokens": 10},
    )

    assert read_usage(report) == Usage(cache_read=6, audio_input=4, reasoning=6, audio_output=3, image_output=1, call=1)


@pytest.mark.parametrize(
    "report",
    [
        None,
        [],
        "8",
        {},
        openai(0, 0),
        openai(None, None),
        openai(-1, 3),
        openai(8, -3),
        openai(8, 3, total_tokens=-1),
        openai(True, 3),
        openai(8.0, 3),
        openai("8", 3),
        openai(float("nan"), 3),
        openai(8, MAX_COUNT + 1),
        openai(8, 3, total_tokens=10**30),
    ],
)
def test_a_report_that_cannot_be_is_none(report: Any) -> None:
    assert read_usage(report) is None


@pytest.mark.parametrize(
    ("kept", "report", "result"),
    [
        (None, Usage(input=1, call=1), Usage(input=1, call=1)),
        (Usage(input=5, output=1, call=1), Usage(input=5, output=2, call=1), Usage(input=5, output=2, call=1)),
        (Usage(input=5, output=9, call=1), Usage(input=5, output=2, call=1), Usage(input=5, output=9, call=1)),
        (Usage(input=5, output=9, call=1), Usage(input=4, output=8, call=1), Usage(input=5, output=9, call=1)),
        (Usage(input=5, call=1), Usage(output=7, call=1), Usage(input=5, output=7, call=1)),
        (
            Usage(input=5, cache_read=3, output=1, call=1),
            Usage(input=7, output=1, reasoning=2, call=1),
            Usage(input=5, cache_read=3, output=1, reasoning=2, call=1),
        ),
        (Usage(input=5, call=1), Usage(input=2, cache_read=3, call=1), Usage(input=2, cache_read=3, call=1)),
    ],
)
def test_of_two_reports_the_later_counts_but_never_for_less(kept: Usage | None, report: Usage, result: Usage) -> None:
    assert larger(kept, report) == result
