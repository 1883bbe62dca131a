"""Usage buckets are disjoint and add up to what the upstream reported."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clinx.dialects.counts import MAX_COUNT
from clinx.dialects.openai.usage import read_usage

COUNTS = st.integers(0, 100) | st.integers(0, MAX_COUNT)
NONSENSE = st.none() | st.booleans() | st.floats() | st.integers(max_value=-1) | st.integers(MAX_COUNT + 1) | st.text()
DETAILS = st.dictionaries(
    st.sampled_from(["cached_tokens", "audio_tokens", "image_tokens", "cache_write_tokens", "reasoning_tokens"]),
    COUNTS | NONSENSE,
)
REPORTS = st.fixed_dictionaries(
    {"prompt_tokens": COUNTS, "completion_tokens": COUNTS},
    optional={
        "prompt_tokens_details": DETAILS | NONSENSE,
        "completion_tokens_details": DETAILS | NONSENSE,
        "cached_tokens": COUNTS | NONSENSE,
        "prompt_cache_hit_tokens": COUNTS | NONSENSE,
    },
)


@given(REPORTS)
def test_buckets_add_up_to_the_native_totals(report: dict[str, Any]) -> None:
    usage = read_usage(report)

    if usage is None:
        assert report["prompt_tokens"] == report["completion_tokens"] == 0
        return
    assert usage.input_tokens == report["prompt_tokens"]
    assert usage.output_tokens == report["completion_tokens"]
    assert usage.call == 1


@given(REPORTS, st.integers(0, 1000))
def test_a_larger_total_is_answer(report: dict[str, Any], more: int) -> None:
    total = report["prompt_tokens"] + report["completion_tokens"] + more
    usage = read_usage({**report, "total_tokens": min(total, MAX_COUNT)})

    assert usage is None or usage.input_tokens + usage.output_tokens >= min(total, MAX_COUNT)


@given(st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens", "x"]), COUNTS | NONSENSE))
def test_no_report_breaks_the_reader_or_makes_a_bucket_negative(report: dict[str, Any]) -> None:
    usage = read_usage(report)

    assert usage is None or all(count >= 0 for count in usage.nonzero().values())
