from __future__ import annotations

from typing import Any

import pytest

from clinx.dialects.counts import MAX_COUNT
from clinx.dialects.google.usage import read_usage, write_usage
from clinx.domain.usage import Usage


def detail(modality: str, count: Any) -> Any:
    return {"modality": modality, "tokenCount": count}


PLAIN: dict[str, Any] = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        (PLAIN, Usage(input=9, output=3, call=1)),
        ({**PLAIN, "cachedContentTokenCount": 4}, Usage(input=5, cache_read=4, output=3, call=1)),
        (
            {**PLAIN, "thoughtsTokenCount": 20, "totalTokenCount": 32},
            Usage(input=9, output=3, reasoning=20, call=1),
        ),
        (
            {**PLAIN, "toolUsePromptTokenCount": 5, "totalTokenCount": 17},
            Usage(input=14, output=3, call=1),
        ),
        # What the total has and nobody names was generated.
        ({**PLAIN, "totalTokenCount": 40}, Usage(input=9, output=31, call=1)),
        ({"promptTokenCount": 9, "totalTokenCount": 9}, Usage(input=9, call=1)),
        (
            {**PLAIN, "promptTokensDetails": [detail("TEXT", 2), detail("AUDIO", 4), detail("IMAGE", 3)]},
            Usage(input=2, audio_input=4, image_input=3, output=3, call=1),
        ),
        (
            {
                **PLAIN,
                "cachedContentTokenCount": 5,
                "promptTokensDetails": [detail("AUDIO", 6), detail("IMAGE", 2)],
                "cacheTokensDetails": [detail("AUDIO", 4), detail("TEXT", 1)],
            },
            Usage(cache_read=5, audio_input=2, image_input=2, output=3, call=1),
        ),
        (
            {**PLAIN, "cachedContentTokenCount": 8, "promptTokensDetails": [detail("AUDIO", 6)]},
            Usage(cache_read=8, audio_input=1, output=3, call=1),
        ),
        (
            {**PLAIN, "candidatesTokensDetails": [detail("IMAGE", 1), detail("AUDIO", 1), detail("TEXT", 1)]},
            Usage(input=9, output=1, image_output=1, audio_output=1, call=1),
        ),
        # Details that cannot be true are left out.
        ({**PLAIN, "cachedContentTokenCount": 10}, Usage(input=9, output=3, call=1)),
        ({**PLAIN, "cachedContentTokenCount": "4"}, Usage(input=9, output=3, call=1)),
        ({**PLAIN, "promptTokensDetails": [detail("AUDIO", 10)]}, Usage(input=9, output=3, call=1)),
        ({**PLAIN, "promptTokensDetails": [detail("AUDIO", 5), detail("IMAGE", 5)]}, Usage(input=9, output=3, call=1)),
        ({**PLAIN, "promptTokensDetails": {"AUDIO": 1}}, Usage(input=9, output=3, call=1)),
        ({**PLAIN, "promptTokensDetails": [1, None, detail("AUDIO", -1)]}, Usage(input=9, output=3, call=1)),
    ],
)
def test_a_report_is_read_into_disjoint_buckets(report: Any, usage: Usage) -> None:
    assert read_usage(report) == usage
    assert usage.input_tokens + usage.output_tokens >= PLAIN["promptTokenCount"]


@pytest.mark.parametrize(
    "report",
    [
        None,
        [],
        {},
        {"promptTokenCount": 0, "totalTokenCount": 0},
        {**PLAIN, "promptTokenCount": -1},
        {**PLAIN, "candidatesTokenCount": 1.5},
        {**PLAIN, "thoughtsTokenCount": True},
        {**PLAIN, "totalTokenCount": MAX_COUNT + 1},
    ],
)
def test_a_worthless_report_is_none(report: Any) -> None:
    assert read_usage(report) is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=9, output=3, call=1),
        Usage(input=5, cache_read=4, output=3, reasoning=7, call=1),
        Usage(input=1, audio_input=2, image_input=3, output=4, audio_output=5, image_output=6, call=1),
    ],
)
def test_what_is_written_is_read_again(usage: Usage) -> None:
    assert read_usage(write_usage(usage)) == usage


def test_what_other_formats_write_to_a_cache_is_part_of_the_prompt() -> None:
    written = write_usage(Usage(input=1, cache_write=2, cache_write_1h=3, output=4))

    assert (written["promptTokenCount"], written["totalTokenCount"]) == (6, 10)
